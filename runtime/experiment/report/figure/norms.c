// Figures of what an algorithm recorded: norms against scores, a point a run; of a single run, the
// length of each fact's z against its margin.

#include <math.h>
#include <string.h>

#include "experiment/report/figure/figures.h"

enum { MOST_PANELS = 8 };

// Series of which a run's mean says something; others are of single steps.
static const struct {
    const char *name, *title, *symbol;
} known[] = {
    {"z_norm", "length of z", "‖z‖"},
    {"residual_norm", "length of the residual written", "‖r‖"},
    {"update_norm", "norm of the update", "‖ΔW‖"},
    {"update_share", "relative norm of the update", "‖ΔW‖ / ‖W‖"},
};

// A panel of one recorded series: its mean in each run against the run's score.
static bool make_panel(const struct study *s, int which, const struct study_metric *m,
                       const struct figure_groups *groups, struct chart_panel *panel)
{
    struct chart_series *series = arena_array(s->arena, struct chart_series, groups->num + 1);
    double low = INFINITY, high = 0;
    int num = 0, all = 0;
    for (int g = 0; g < groups->num; g++) {
        struct chart_point *points = arena_array(s->arena, struct chart_point, s->num_points);
        int found = 0;
        for (int i = 0; i < s->num_points; i++) {
            const struct study_point *p = &s->points[i];
            const cJSON *norm = json_get(json_get(p->summary.root, "series"), known[which].name);
            const double x = study_number(json_get(norm, "mean"));
            const struct study_value v =
                study_read_value(study_metrics_of(p, STUDY_FRESH), m->name);
            if (groups->of[i] != g || isnan(x) || isnan(v.mean))
                continue;
            points[found++] = (struct chart_point) {x, v.mean, v.low, v.high, p->link, p->label};
            low = fmin(low, x);
            high = fmax(high, x);
        }
        all += found;
        if (found)
            series[num++] =
                (struct chart_series) {.label = *groups->labels[g] ? groups->labels[g] : NULL,
                                       .style = g,
                                       .mark = CHART_DOTS,
                                       .points = points,
                                       .num = found};
    }
    *panel = (struct chart_panel) {
        .title = known[which].title,
        .x = {.label = arena_print(s->arena, "%s (mean over the run)", known[which].symbol),
              .log = low > 0 && high > 30 * low},
        .y = figure_metric_axis(s->arena, m),
        .series = series,
        .num_series = num,
    };
    return all > 1 && high - low > 1e-6 * high; // what all runs share shows nothing
}

static void add_runs(const struct study *s, struct figures *out)
{
    const struct study_metric *m = figure_main_metric(s);
    if (!m)
        return;
    struct figure_groups groups;
    figure_group_by_name(s, &groups);
    struct chart_panel *panels = arena_array(s->arena, struct chart_panel, MOST_PANELS);
    int num = 0;
    for (int i = 0; i < (int) (sizeof(known) / sizeof(*known)); i++)
        num += make_panel(s, i, m, &groups, &panels[num]);
    if (num)
        *figure_add(s, out) = (struct chart) {
            .name = "norms",
            .title = arena_print(s->arena, "Norms against the %s", m->name),
            .text = "One point a run: what the algorithm recorded, and how the run scored.",
            .panels = panels,
            .num_panels = num,
        };
}

static void add_facts(const struct study *s, struct figures *out)
{
    const struct study_point *p = &s->points[0];
    const struct study_margins *m = &p->margins;
    struct chart_point *points = arena_array(s->arena, struct chart_point, m->num + 1);
    struct chart_series *series = arena_new(s->arena, struct chart_series);
    int num = 0;
    for (int i = 0; i < m->num; i++)
        if (!isnan(m->norms[i]) && !isnan(m->after[i]))
            points[num++] =
                (struct chart_point) {m->norms[i], m->after[i], NAN, NAN, p->link, m->names[i]};
    if (num < 2)
        return;
    *series = (struct chart_series) {.mark = CHART_DOTS, .points = points, .num = num};
    struct chart_panel *panel = arena_new(s->arena, struct chart_panel);
    *panel = (struct chart_panel) {
        .title = "length of z of each fact, and its margin after the edit",
        .x = {.label = "‖z‖"},
        .y = {.label = FIGURE_MARGIN_LABEL},
        .series = series,
        .num_series = 1,
    };
    *figure_add(s, out) = (struct chart) {.name = "norms",
                                          .title = "Norms against margins",
                                          .text = "One point a fact.",
                                          .panels = panel,
                                          .num_panels = 1};
}

void figures_add_norms(const struct study *s, struct figures *out)
{
    if (s->num_points > 1)
        add_runs(s, out);
    else
        add_facts(s, out);
}
