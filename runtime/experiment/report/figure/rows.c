// Figures whose rows have names: the stages of a single run, or the runs of a study that no number
// tells apart.

#include <math.h>

#include "experiment/report/figure/figures.h"

static struct chart_point row_point(struct study_value v, int row, const char *link)
{
    return (struct chart_point) {v.mean, row, v.low, v.high, link, NULL};
}

static struct chart_axis percent_axis(const struct study_metric *m)
{
    return (struct chart_axis) {.label = m->percent ? "percent" : m->unit, .percent = m->percent};
}

// --- one run: a row a metric, a series a stage

static void add_stages(const struct study *s, struct figures *out)
{
    const struct study_point *p = &s->points[0];
    const char **names = arena_array(s->arena, const char *, s->num_metrics + 1);
    struct chart_series *series = arena_array(s->arena, struct chart_series, STUDY_STAGES);
    int num_rows = 0, num = 0;
    for (int i = 0; i < s->num_metrics; i++)
        if (s->metrics[i].percent)
            names[num_rows++] = figure_metric_title(s->arena, &s->metrics[i]);
    for (int stage = 0; stage < STUDY_STAGES; stage++) {
        struct chart_point *points = arena_array(s->arena, struct chart_point, num_rows + 1);
        int found = 0, row = 0;
        for (int i = 0; i < s->num_metrics; i++) {
            if (!s->metrics[i].percent)
                continue;
            const struct study_value v =
                study_read_value(study_metrics_of(p, stage), s->metrics[i].name);
            if (!isnan(v.mean))
                points[found++] = row_point(v, row, p->link);
            row++;
        }
        if (found)
            series[num++] = (struct chart_series) {
                .label = stage == STUDY_FRESH    ? "after the edit"
                         : stage == STUDY_BEFORE ? "before"
                                                 : "retained at the end",
                .style = stage == STUDY_BEFORE  ? 1
                         : stage == STUDY_FRESH ? 0
                                                : 2,
                .secondary = stage == STUDY_BEFORE,
                .mark = CHART_ROWS,
                .points = points,
                .num = found,
            };
    }
    if (!num)
        return;
    struct chart_panel *panel = arena_new(s->arena, struct chart_panel);
    *panel = (struct chart_panel) {
        .title = "mean over facts, with its 95 % interval",
        .x = {.label = "percent", .percent = true},
        .y = {.names = names, .num_values = num_rows},
        .series = series,
        .num_series = num,
    };
    struct chart *chart = figure_add(s, out);
    *chart = (struct chart) {
        .name = "scores", .title = "Scores before and after", .panels = panel, .num_panels = 1};
}

// --- several runs: a row a run, a panel a metric

static void make_panel(const struct study *s, const struct study_metric *m,
                       const char *const *names, struct chart_panel *panel)
{
    struct chart_series *series = arena_array(s->arena, struct chart_series, 2);
    const bool retained = study_has_stage(s, STUDY_RETAINED);
    int num = 0;
    for (int stage = STUDY_FRESH; stage <= (retained ? STUDY_RETAINED : STUDY_FRESH); stage++) {
        struct chart_point *points = arena_array(s->arena, struct chart_point, s->num_points);
        int found = 0;
        for (int i = 0; i < s->num_points; i++) {
            const struct study_value v =
                study_read_value(study_metrics_of(&s->points[i], stage), m->name);
            if (!isnan(v.mean))
                points[found++] = row_point(v, i, s->points[i].link);
        }
        series[num++] = (struct chart_series) {
            .label = study_stage_names[stage],
            .style = stage - STUDY_FRESH,
            .secondary = stage == STUDY_RETAINED,
            .mark = CHART_ROWS,
            .points = points,
            .num = found,
        };
    }
    *panel = (struct chart_panel) {
        .title = figure_metric_title(s->arena, m),
        .x = percent_axis(m),
        .y = {.names = names, .num_values = s->num_points},
        .series = series,
        .num_series = num,
    };
}

static void add_runs(const struct study *s, struct figures *out)
{
    const char **names = arena_array(s->arena, const char *, s->num_points);
    for (int i = 0; i < s->num_points; i++)
        names[i] = s->points[i].label;
    struct chart_panel *panels = arena_array(s->arena, struct chart_panel, s->num_metrics + 1);
    for (int i = 0; i < s->num_metrics; i++)
        make_panel(s, &s->metrics[i], names, &panels[i]);
    struct chart *chart = figure_add(s, out);
    *chart = (struct chart) {.name = "scores",
                             .title = "Scores of each run",
                             .panels = panels,
                             .num_panels = s->num_metrics};
}

void figures_add_rows(const struct study *s, struct figures *out)
{
    bool numeric = false;
    for (int k = 0; k < s->num_axes; k++)
        numeric = numeric || s->axes[k].numeric;
    if (s->num_points == 1)
        add_stages(s, out);
    else if (!numeric && s->num_metrics)
        add_runs(s, out);
}
