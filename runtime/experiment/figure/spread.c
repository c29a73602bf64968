// Figures of what lies behind the means: norms against scores, and how wide the margins are.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/figure/figures.h"

enum { BINS = 24, MOST_PANELS = 8 };

// --- norms

static const struct study_metric *main_metric(const struct study *s)
{
    const struct study_metric *found = NULL;
    for (int i = 0; i < s->num_metrics; i++)
        if (!s->metrics[i].of_state && (!found || strcmp(s->metrics[i].name, "score") == 0))
            found = &s->metrics[i];
    return found;
}

static const char *series_title(struct arena *a, const char *name)
{
    static const char *const known[][2] = {
        {"z_norm", "length of z"},
        {"residual_norm", "length of the residual that is written"},
        {"update_norm", "Frobenius norm of the update"},
        {"update_share", "norm of the update, as a share of the weight's"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i][0], name) == 0)
            return known[i][1];
    char *title = arena_copy(a, name);
    for (char *c = title; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return title;
}

// A panel of one recorded series: its mean in each run against the run's score.
static bool make_norm_panel(const struct study *s, const char *name, const struct study_metric *m,
                            const struct figure_groups *groups, struct chart_panel *panel)
{
    struct chart_series *series = arena_array(s->arena, struct chart_series, groups->num + 1);
    int num = 0, all = 0;
    for (int g = 0; g < groups->num; g++) {
        struct chart_point *points = arena_array(s->arena, struct chart_point, s->num_points);
        int found = 0;
        for (int i = 0; i < s->num_points; i++) {
            const struct study_point *p = &s->points[i];
            const cJSON *norm = json_get(json_get(p->summary.root, "series"), name);
            const double x = study_number(json_get(norm, "mean"));
            const struct study_value v =
                study_read_value(study_metrics_of(p, STUDY_FRESH), m->name);
            if (groups->of[i] == g && !isnan(x) && !isnan(v.mean))
                points[found++] =
                    (struct chart_point) {x, v.mean, v.low, v.high, p->link, p->label};
        }
        all += found;
        if (found)
            series[num++] = (struct chart_series) {.label = groups->labels[g],
                                                   .style = g,
                                                   .mark = CHART_DOTS,
                                                   .points = points,
                                                   .num = found};
    }
    *panel = (struct chart_panel) {
        .title = series_title(s->arena, name),
        .x = {.label = "mean over what was recorded"},
        .y = figure_metric_axis(s->arena, m),
        .series = series,
        .num_series = num,
    };
    return all > 1;
}

// The axis along which runs are joined into groups: the numeric one with the most values.
static int longest_axis(const struct study *s)
{
    int found = -1;
    for (int k = 0; k < s->num_axes; k++)
        if (s->axes[k].numeric && (found < 0 || s->axes[k].num_values > s->axes[found].num_values))
            found = k;
    return found;
}

void figures_add_norms(const struct study *s, struct figures *out)
{
    const struct study_metric *m = main_metric(s);
    const cJSON *recorded = json_get(s->points[0].summary.root, "series");
    if (!m || s->num_points < 2 || !recorded)
        return;
    struct figure_groups groups;
    figure_group(s, longest_axis(s), &groups);
    struct chart_panel *panels =
        arena_array(s->arena, struct chart_panel, cJSON_GetArraySize(recorded) + 1);
    int num = 0;
    for (const cJSON *r = recorded->child; r && num < MOST_PANELS; r = r->next)
        num += make_norm_panel(s, r->string, m, &groups, &panels[num]);
    if (num)
        *figure_add(s, out) = (struct chart) {
            .name = "norms",
            .title = arena_print(s->arena, "Norms against the %s", m->name),
            .text = "One point a run.",
            .panels = panels,
            .num_panels = num,
        };
}

// --- margins

struct bins {
    double low, width;
    int num;
};

// Bins of a round width over everything that is shown.
static struct bins make_bins(double low, double high)
{
    const double rough = (high - low) / BINS;
    const double power = rough > 0 ? pow(10, floor(log10(rough))) : 1;
    const double width = rough <= power       ? power
                         : rough <= 2 * power ? 2 * power
                         : rough <= 5 * power ? 5 * power
                                              : 10 * power;
    const double from = floor(low / width) * width;
    return (struct bins) {from, width, (int) floor((high - from) / width) + 1};
}

static bool take_span(const struct study *s, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < s->num_points; i++)
        for (int k = 0; k < s->points[i].margins.num; k++) {
            const struct study_margins *m = &s->points[i].margins;
            *low = fmin(*low, fmin(m->before[k], m->after[k])); // fmin passes over NAN
            *high = fmax(*high, fmax(m->before[k], m->after[k]));
        }
    return *low <= *high;
}

static struct chart_series count_margins(const struct study *s, const struct study_point *p,
                                         const double *margins, const struct bins *bins)
{
    struct chart_point *points = arena_array(s->arena, struct chart_point, bins->num);
    int counted = 0;
    for (int i = 0; i < bins->num; i++)
        points[i] = (struct chart_point) {
            bins->low + (i + 0.5) * bins->width, 0,       bins->low + i * bins->width,
            bins->low + (i + 1) * bins->width,   p->link, NULL};
    for (int k = 0; k < p->margins.num; k++) {
        const int bin = isnan(margins[k]) ? -1 : (int) ((margins[k] - bins->low) / bins->width);
        if (bin >= 0 && bin < bins->num) {
            points[bin].y++;
            counted++;
        }
    }
    // empty bins at the ends say nothing
    int from = 0, to = bins->num;
    while (from < to && points[from].y == 0)
        from++;
    while (to > from && points[to - 1].y == 0)
        to--;
    return (struct chart_series) {
        .mark = CHART_COLUMNS, .points = points + from, .num = counted ? to - from : 0};
}

static bool make_histogram(const struct study *s, const struct study_point *p,
                           const struct bins *bins, struct chart_panel *panel)
{
    struct chart_series *series = arena_array(s->arena, struct chart_series, 2);
    int num = 0;
    const double *const lists[] = {p->margins.before, p->margins.after};
    for (int i = 0; i < 2; i++) {
        series[num] = count_margins(s, p, lists[i], bins);
        series[num].label = i ? "after the edit" : "before";
        series[num].style = i ? 0 : 1;
        series[num].secondary = !i;
        num += series[num].num > 0;
    }
    *panel = (struct chart_panel) {
        .title = s->num_points > 1 ? p->label : "rewrite prompts",
        .x = {.label = "NLL of the true target less that of the new (nats)"},
        .y = {.label = "facts (number)", .zero = true},
        .series = series,
        .num_series = num,
    };
    return num > 0;
}

#define MARGIN_TEXT                                                                                \
    "How much likelier the new target is than the true one, a token's mean: to the right of 0 "    \
    "the edit holds."

static void add_histograms(const struct study *s, struct figures *out)
{
    double low, high;
    if (!take_span(s, &low, &high))
        return;
    const struct bins bins = make_bins(low, high);
    struct chart_panel *panels = arena_array(s->arena, struct chart_panel, s->num_points + 1);
    int num = 0;
    for (int i = 0; i < s->num_points; i++)
        num += make_histogram(s, &s->points[i], &bins, &panels[num]);
    if (num)
        *figure_add(s, out) = (struct chart) {.name = "margins",
                                              .title = "Margins of the edited facts",
                                              .text = MARGIN_TEXT,
                                              .panels = panels,
                                              .num_panels = num};
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

// Median, and the tenth and ninetieth percentile.
static bool take_quantiles(const struct study *s, const struct study_margins *m,
                           struct chart_point *out)
{
    double *values = arena_array(s->arena, double, m->num + 1);
    int num = 0;
    for (int i = 0; i < m->num; i++)
        if (!isnan(m->after[i]))
            values[num++] = m->after[i];
    if (!num)
        return false;
    qsort(values, (size_t) num, sizeof(*values), by_value);
    const double share[] = {0.1, 0.5, 0.9};
    double at[3];
    for (int i = 0; i < 3; i++) {
        const double place = share[i] * (num - 1);
        const int below = (int) place, above = below + 1 < num ? below + 1 : below;
        at[i] = values[below] + (place - below) * (values[above] - values[below]);
    }
    out->low = at[0];
    out->y = at[1];
    out->high = at[2];
    return true;
}

// Where there are too many runs for a histogram each.
static void add_quantiles(const struct study *s, int axis, struct figures *out)
{
    struct figure_groups groups;
    figure_group(s, axis, &groups);
    struct chart_series *series = arena_array(s->arena, struct chart_series, groups.num + 1);
    int num = 0;
    for (int g = 0; g < groups.num; g++) {
        struct chart_point *points = arena_array(s->arena, struct chart_point, s->num_points);
        int found = 0;
        for (int value = 0; value < s->axes[axis].num_values; value++)
            for (int i = 0; i < s->num_points; i++) {
                const struct study_point *p = &s->points[i];
                points[found].x = s->axes[axis].numbers[value];
                points[found].link = p->link;
                if (groups.of[i] == g && p->at[axis] == value)
                    found += take_quantiles(s, &p->margins, &points[found]);
            }
        if (found)
            series[num++] = (struct chart_series) {
                .label = groups.labels[g], .style = g, .points = points, .num = found};
    }
    if (!num)
        return;
    struct chart_panel *panel = arena_new(s->arena, struct chart_panel);
    *panel = (struct chart_panel) {
        .title = "rewrite prompts after the edit: median, and the middle 80 %",
        .x = {.label = figure_axis_label(s->arena, s->axes[axis].title, s->axes[axis].unit),
              .log = s->axes[axis].log,
              .values = s->axes[axis].numbers,
              .num_values = s->axes[axis].num_values},
        .y = {.label = "NLL true less NLL new (nats)"},
        .series = series,
        .num_series = num,
    };
    *figure_add(s, out) = (struct chart) {.name = "margins",
                                          .title = "Margins of the edited facts",
                                          .text = MARGIN_TEXT,
                                          .panels = panel,
                                          .num_panels = 1};
}

void figures_add_margins(const struct study *s, struct figures *out)
{
    const int axis = longest_axis(s);
    if (s->num_points > MOST_PANELS && axis >= 0)
        add_quantiles(s, axis, out);
    else
        add_histograms(s, out);
}
