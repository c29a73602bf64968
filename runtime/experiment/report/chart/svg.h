// What gnuplot draws, made fit for a page in two schemes: its own font, ink in the text's colour,
// names that do not meet those of other charts, and no tooltips of its own.

#ifndef EXPERIMENT_CHART_SVG_H
#define EXPERIMENT_CHART_SVG_H

#include "experiment/report/chart/chart.h"

// `drawn`: one document. The result is one <svg class="chart"> element, without a prolog.
char *svg_clean(struct arena *a, const struct chart *chart, const char *drawn);

#endif
