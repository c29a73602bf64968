// The gnuplot script that draws charts on its standard output, one SVG document after another.

#ifndef EXPERIMENT_CHART_SCRIPT_H
#define EXPERIMENT_CHART_SCRIPT_H

#include "experiment/report/chart/layout.h"

void script_write(struct arena *a, FILE *to, const struct chart *charts, int num);

#endif
