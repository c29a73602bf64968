// The figures that a study's data carries, as charts.

#ifndef EXPERIMENT_FIGURE_FIGURES_H
#define EXPERIMENT_FIGURE_FIGURES_H

#include "experiment/report/chart/chart.h"
#include "experiment/report/study/study.h"

struct figures {
    struct chart *items;
    size_t num, cap;
};

void figures_make(const struct study *s, struct figures *out);

// Each adds what it finds data for.
void figures_add_by_axis(const struct study *s, struct figures *out); // by_axis.c
void figures_add_rows(const struct study *s, struct figures *out);    // rows.c
void figures_add_along(const struct study *s, struct figures *out);   // along.c
void figures_add_margins(const struct study *s, struct figures *out); // margins.c
void figures_add_norms(const struct study *s, struct figures *out);   // norms.c

// --- what they share: shared.c

// Groups: points that agree on every axis but `axis` (-1: on every axis), in the order of the
// points; a group is a line of a figure.
struct figure_groups {
    const char **labels; // [num]
    int *of;             // [num_points] index of the point's group; -1: it is not on the axis
    int num;
};
void figure_group(const struct study *s, int axis, struct figure_groups *out);
void figure_group_by_name(const struct study *s, struct figure_groups *out); // whatever the numbers

// The metric that sums the others up, or the first score; NULL: there is none.
const struct study_metric *figure_main_metric(const struct study *s);

#define FIGURE_MARGIN_LABEL "NLL true − NLL new (nats)"

const char *figure_metric_title(struct arena *a, const struct study_metric *m);
struct chart_axis figure_metric_axis(struct arena *a, const struct study_metric *m);
// "batch size (facts)"
const char *figure_axis_label(struct arena *a, const char *title, const char *unit);
// A file's name out of any text: letters, digits and dashes.
char *figure_file_name(struct arena *a, const char *text);
struct chart *figure_add(const struct study *s, struct figures *out);

// --- reference.c: the "reference" entries of an experiment

// Adds those of an x axis (a path, or "edits") and those without one to a panel's series, [num] of
// [most]. `group_of` gives the style of the series they belong to.
struct figure_reference {
    const struct study *study;
    const char *x; // NULL: only those without an x
    const char *metric;
    const struct figure_groups *groups;
};
int figure_add_references(const struct figure_reference *r, struct chart_series *series, int num);
int figure_count_references(const struct study *s);

#endif
