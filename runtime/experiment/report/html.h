// The page of a study: figures, tables, settings; one file that needs no other.

#ifndef EXPERIMENT_REPORT_HTML_H
#define EXPERIMENT_REPORT_HTML_H

#include "experiment/report/figure/figures.h"

// svgs[i] is that of figure i; all are NULL where figures could not be drawn, and `undrawn` says
// why.
void html_write(FILE *to, const struct study *s, const struct figures *figures,
                const char *const *svgs, const char *undrawn);
void html_write_style(FILE *to); // style.c
// The numbers of a chart, under it.
void html_write_chart_table(FILE *to, struct arena *a, const struct chart *chart); // html_chart.c

#endif
