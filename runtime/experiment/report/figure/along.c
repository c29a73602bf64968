// Figures along a sequence of edits: fresh and retained scores, and the model's state.

#include <math.h>
#include <string.h>

#include "experiment/read/spec_tables.h"
#include "experiment/report/figure/figures.h"

// The points of one run's curve: "fresh_curve", "retained_curve" or "states".
static int take_curve(const struct study *s, const struct study_point *p, const char *curve,
                      const char *metric, const struct chart_point **out)
{
    const cJSON *list = json_get(p->summary.root, curve);
    struct chart_point *points =
        arena_array(s->arena, struct chart_point, cJSON_GetArraySize(list) + 1);
    int num = 0;
    for (const cJSON *at = list ? list->child : NULL; at; at = at->next) {
        const cJSON *metrics = json_get(at, "metrics"), *state = json_get(at, metric);
        struct study_value v = study_read_value(metrics, metric);
        if (!metrics)
            v = (struct study_value) {.mean = study_number(state), .low = NAN, .high = NAN};
        const double edits = study_number(json_get(at, "edits"));
        if (!isnan(v.mean) && !isnan(edits))
            points[num++] = (struct chart_point) {edits, v.mean, v.low, v.high, p->link, NULL};
    }
    *out = points;
    return num;
}

static bool is_sequential(const struct study_point *p)
{
    return spec_mode_keeps_edits(study_text(json_get(p->summary.root, "run"), "mode", ""));
}

struct line { // a curve that a panel shows
    const struct study_point *point;
    const char *curve, *label;
    int style;
    bool secondary;
};

static bool make_panel(const struct study *s, const struct study_metric *m, const char *title,
                       const struct line *lines, int num, struct chart_panel *panel)
{
    struct chart_series *series =
        arena_array(s->arena, struct chart_series, num + figure_count_references(s) + 1);
    int found = 0;
    for (int i = 0; i < num; i++) {
        struct chart_series *one = &series[found];
        *one = (struct chart_series) {
            .label = lines[i].label, .style = lines[i].style, .secondary = lines[i].secondary};
        one->num = take_curve(s, lines[i].point, lines[i].curve, m->name, &one->points);
        found += one->num > 0;
    }
    if (!found)
        return false;
    struct figure_groups groups;
    figure_group(s, -1, &groups);
    const int all = figure_add_references(&(struct figure_reference) {s, "edits", m->name, &groups},
                                          series, found);
    double first = INFINITY, last = 0;
    for (int i = 0; i < all; i++)
        for (int k = 0; k < series[i].num; k++) {
            first = fmin(first, series[i].points[k].x);
            last = fmax(last, series[i].points[k].x);
        }
    *panel = (struct chart_panel) {
        .title = title,
        .x = {.label = "facts edited so far (number)", .log = first > 0 && last >= 50 * first},
        .y = figure_metric_axis(s->arena, m),
        .series = series,
        .num_series = all,
    };
    return true;
}

// A panel a metric, the same lines in each.
static void add_figure(const struct study *s, struct chart chart, bool of_state,
                       const struct line *lines, int num, struct figures *out)
{
    struct chart_panel *panels = arena_array(s->arena, struct chart_panel, s->num_metrics + 1);
    for (int i = 0; i < s->num_metrics; i++) {
        const struct study_metric *m = &s->metrics[i];
        if (m->of_state == of_state)
            chart.num_panels += make_panel(s, m, figure_metric_title(s->arena, m), lines, num,
                                           &panels[chart.num_panels]);
    }
    chart.panels = panels;
    if (chart.num_panels)
        *figure_add(s, out) = chart;
}

static const char *line_label(const struct study *s, const struct study_point *p, const char *what)
{
    return s->num_points > 1
               ? arena_print(s->arena, "%s%s%s", p->label, what ? ", " : "", what ? what : "")
               : what;
}

// Fresh and retained beside each other: a panel a run, of the metric that sums the others up.
static void add_beside(const struct study *s, struct figures *out)
{
    enum { MOST = 8 };
    const struct study_metric *m = figure_main_metric(s);
    if (!m || s->num_points < 2 || s->num_points > MOST)
        return;
    struct chart chart = {
        .name = "fresh-and-retained",
        .title = "Retained beside fresh",
        .text = "Fresh: the mean over facts, each asked right after its own batch. Retained: all "
                "facts edited so far, asked on the model as it then stood.",
    };
    struct chart_panel *panels = arena_array(s->arena, struct chart_panel, s->num_points + 1);
    for (int i = 0; i < s->num_points; i++) {
        const struct study_point *p = &s->points[i];
        const struct line lines[] = {{p, "fresh_curve", "fresh", 0, false},
                                     {p, "retained_curve", "retained", 1, true}};
        if (is_sequential(p))
            chart.num_panels += make_panel(s, m, p->label, lines, 2, &panels[chart.num_panels]);
    }
    chart.panels = panels;
    if (chart.num_panels)
        *figure_add(s, out) = chart;
}

void figures_add_along(const struct study *s, struct figures *out)
{
    struct line *scores = arena_array(s->arena, struct line, 2 * s->num_points + 1);
    struct line *states = arena_array(s->arena, struct line, s->num_points + 1);
    int num = 0, num_states = 0;
    const bool alone = s->num_points == 1;
    for (int i = 0; i < s->num_points; i++) {
        const struct study_point *p = &s->points[i];
        if (!is_sequential(p))
            continue;
        scores[num++] =
            (struct line) {p, "fresh_curve", line_label(s, p, alone ? "fresh" : NULL), i, false};
        if (alone)
            scores[num++] = (struct line) {p, "retained_curve", "retained", 1, true};
        states[num_states++] = (struct line) {p, "states", line_label(s, p, NULL), i, false};
    }
    add_figure(s,
               (struct chart) {.name = "scores-along",
                               .title = "Scores along the sequence of edits",
                               .text = alone ? "Fresh: the mean over the facts edited so far, each "
                                               "asked right after its own batch. Retained: all of "
                                               "them, asked on the model as it then stood."
                                             : "The mean over the facts edited so far, each asked "
                                               "right after its own batch."},
               false, scores, num, out);
    add_beside(s, out);
    add_figure(s,
               (struct chart) {.name = "state-along",
                               .title = "The model's state along the sequence of edits"},
               true, states, num_states, out);
}
