// The range of an axis and the ticks that fit on it.

#ifndef EXPERIMENT_CHART_TICKS_H
#define EXPERIMENT_CHART_TICKS_H

#include "experiment/report/chart/layout.h"

// `length`: pixels of the axis. `upright`: labels stand above each other (a y axis).
void ticks_make(struct arena *a, const struct chart_panel *panel, bool upright, double length,
                struct layout_range *out);

#endif
