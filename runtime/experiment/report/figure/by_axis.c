// Figures of scores by a swept number: a panel a metric, a line a group of points that differ in
// that number alone. Where the runs have retained evaluations these stand beside the fresh ones.

#include <math.h>
#include <string.h>

#include "experiment/report/figure/figures.h"

struct by_axis {
    const struct study *study;
    int axis;
    struct figure_groups groups;
    bool retained; // a second line of each group
};

// The points of a group, by the axis.
static int take_points(const struct by_axis *b, int group, enum study_stage stage,
                       const char *metric, struct chart_point *out)
{
    const struct study *s = b->study;
    const struct study_axis *axis = &s->axes[b->axis];
    int num = 0;
    for (int value = 0; value < axis->num_values; value++)
        for (int i = 0; i < s->num_points; i++) {
            const struct study_point *p = &s->points[i];
            if (b->groups.of[i] != group || p->at[b->axis] != value)
                continue;
            const struct study_value v = study_read_value(study_metrics_of(p, stage), metric);
            if (!isnan(v.mean))
                out[num++] = (struct chart_point) {
                    axis->numbers[value], v.mean, v.low, v.high, p->link, NULL};
        }
    return num;
}

static const char *series_label(const struct by_axis *b, int group, enum study_stage stage)
{
    const char *label = b->groups.labels[group];
    if (!b->retained)
        return *label ? label : NULL; // one line needs no name
    return arena_print(b->study->arena, "%s%s%s", label, *label ? ", " : "",
                       study_stage_names[stage]);
}

static void make_panel(const struct by_axis *b, const struct study_metric *m,
                       struct chart_panel *panel)
{
    const struct study *s = b->study;
    const struct study_axis *axis = &s->axes[b->axis];
    struct chart_series *series = arena_array(s->arena, struct chart_series,
                                              2 * b->groups.num + figure_count_references(s) + 1);
    int num = 0;
    for (int g = 0; g < b->groups.num; g++)
        for (int stage = STUDY_FRESH; stage <= (b->retained ? STUDY_RETAINED : STUDY_FRESH);
             stage++) {
            struct chart_point *points = arena_array(s->arena, struct chart_point, s->num_points);
            const int found = take_points(b, g, stage, m->name, points);
            if (found)
                series[num++] = (struct chart_series) {
                    .label = series_label(b, g, stage),
                    .style = g,
                    .secondary = stage == STUDY_RETAINED,
                    .points = points,
                    .num = found,
                };
        }
    num = figure_add_references(&(struct figure_reference) {s, axis->path, m->name, &b->groups},
                                series, num);
    *panel = (struct chart_panel) {
        .title = figure_metric_title(s->arena, m),
        .x = {.label = figure_axis_label(s->arena, axis->title, axis->unit),
              .log = axis->log,
              .values = axis->numbers,
              .num_values = axis->num_values},
        .y = figure_metric_axis(s->arena, m),
        .series = series,
        .num_series = num,
    };
}

static void add_figure(const struct by_axis *b, bool percent, struct figures *out)
{
    const struct study *s = b->study;
    struct chart_panel *panels = arena_array(s->arena, struct chart_panel, s->num_metrics + 1);
    int num = 0;
    for (int i = 0; i < s->num_metrics; i++)
        if (s->metrics[i].percent == percent)
            make_panel(b, &s->metrics[i], &panels[num++]);
    if (!num)
        return;
    const struct study_axis *axis = &s->axes[b->axis];
    const char *what = percent ? "Scores" : "Further measures";
    struct chart *chart = figure_add(s, out);
    chart->name = figure_file_name(
        s->arena, arena_print(s->arena, "%s-by-%s", percent ? "scores" : "measures", axis->path));
    chart->title = arena_print(s->arena, "%s by %s", what, axis->title);
    chart->text = b->retained && percent
                      ? "Fresh: each batch asked right after it was written. Retained: all "
                        "facts asked at the end, on the model that all edits have changed."
                      : NULL;
    chart->panels = panels;
    chart->num_panels = num;
}

void figures_add_by_axis(const struct study *s, struct figures *out)
{
    for (int k = 0; k < s->num_axes; k++) {
        if (!s->axes[k].numeric)
            continue;
        struct by_axis b = {.study = s, .axis = k, .retained = study_has_stage(s, STUDY_RETAINED)};
        figure_group(s, k, &b.groups);
        add_figure(&b, true, out);
        add_figure(&b, false, out);
    }
}
