// Figures of how wide the margins of the edited facts are: a histogram a run, or where there are
// many runs, medians along an axis.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/report/figure/figures.h"

enum { BINS = 24, MOST_PANELS = 8 };

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
        .x = {.label = FIGURE_MARGIN_LABEL,
              .low = bins->low,
              .high = bins->low + bins->num * bins->width},
        .y = {.label = "facts (number)", .zero = true},
        .series = series,
        .num_series = num,
    };
    return num > 0;
}

#define MARGIN_TEXT "How much likelier the new target is than the true one, a token's mean: "

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
        *figure_add(s, out) =
            (struct chart) {.name = "margins",
                            .title = "Margins of the edited facts",
                            .text = MARGIN_TEXT "to the right of 0 the edit holds.",
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
            series[num++] =
                (struct chart_series) {.label = *groups.labels[g] ? groups.labels[g] : NULL,
                                       .style = g,
                                       .points = points,
                                       .num = found};
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
        .y = {.label = FIGURE_MARGIN_LABEL},
        .series = series,
        .num_series = num,
    };
    const char *path = s->axes[axis].path;
    *figure_add(s, out) = (struct chart) {
        .name = figure_file_name(s->arena, arena_print(s->arena, "margins-by-%s", path)),
        .title = arena_print(s->arena, "Margins of the edited facts by %s", s->axes[axis].title),
        .text = MARGIN_TEXT "above 0 the edit holds.",
        .panels = panel,
        .num_panels = 1,
    };
}

void figures_add_margins(const struct study *s, struct figures *out)
{
    bool numeric = false;
    for (int k = 0; k < s->num_axes && s->num_points > MOST_PANELS; k++)
        if (s->axes[k].numeric) {
            add_quantiles(s, k, out);
            numeric = true;
        }
    if (!numeric)
        add_histograms(s, out);
}
