// The range of an axis and the ticks that fit on it.

#ifndef EXPERIMENT_CHART_TICKS_H
#define EXPERIMENT_CHART_TICKS_H

#include "experiment/report/chart/chart.h"

enum { TICKS_CHARACTER = 7 }; // pixels that a character of a label is given

struct ticks {
    double low, high;         // of the axis
    const double *at;         // [num]
    const char *const *names; // [num]
    int num;
};

// `length`: pixels of the axis. `upright`: labels stand above each other (a y axis).
void ticks_make(struct arena *a, const struct chart_panel *panel, bool upright, double length,
                struct ticks *out);

#endif
