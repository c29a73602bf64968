// A study's numbers as tables: for programs, for a terminal, for a paper.

#ifndef EXPERIMENT_REPORT_TABLES_H
#define EXPERIMENT_REPORT_TABLES_H

#include <stdio.h>

#include "experiment/report/study/study.h"

void table_write_csv(FILE *to, const struct study *s);   // a row a point, every number
void table_write_text(FILE *to, const struct study *s);  // means and intervals
void table_write_latex(FILE *to, const struct study *s); // the same, a tabular for any article

// What stands in a point's column `key`: its value on that axis, its name where there are none.
const char *table_key_text(const struct study *s, const struct study_point *p, int key);
// Before the edits all points of a model and data set have one row, the first's.
bool table_is_shared(const struct study *s, enum study_stage stage);

// "97.70", "0.0213", or a dash.
const char *table_mean(const struct study *s, const struct study_metric *m, struct study_value v);
const char *table_interval(const struct study *s, const struct study_metric *m,
                           struct study_value v); // "95.10, 99.00", or ""

#endif
