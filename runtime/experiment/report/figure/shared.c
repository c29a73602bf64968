// What figures share: groups of points, titles, axes; see figures.h.

#include "experiment/report/figure/figures.h"

#include <ctype.h>
#include <string.h>

struct chart *figure_add(const struct study *s, struct figures *out)
{
    struct chart *chart = arena_push(s->arena, out);
    *chart = (struct chart) {0};
    return chart;
}

// What a point is on the axes but `axis`, or on those that are no numbers.
static const char *group_label(const struct study *s, const struct study_point *p, int axis,
                               bool by_name)
{
    char *label = arena_copy(s->arena, "");
    for (int k = 0; k < s->num_axes; k++) {
        const struct study_axis *other = &s->axes[k];
        if (k == axis || p->at[k] < 0 || (by_name && other->numeric))
            continue;
        label = arena_print(s->arena, "%s%s%s%s%s", label, *label ? ", " : "",
                            other->numeric ? other->title : "", other->numeric ? " " : "",
                            other->texts[p->at[k]]);
    }
    return label;
}

static void make_groups(const struct study *s, int axis, bool by_name, struct figure_groups *out)
{
    out->labels = arena_array(s->arena, const char *, s->num_points + 1);
    out->of = arena_array(s->arena, int, s->num_points + 1);
    out->num = 0;
    for (int i = 0; i < s->num_points; i++) {
        out->of[i] = -1;
        if (axis >= 0 && s->points[i].at[axis] < 0)
            continue;
        const char *label = group_label(s, &s->points[i], axis, by_name);
        for (int g = 0; g < out->num && out->of[i] < 0; g++)
            if (strcmp(out->labels[g], label) == 0)
                out->of[i] = g;
        if (out->of[i] < 0) {
            out->labels[out->num] = label;
            out->of[i] = out->num++;
        }
    }
}

void figure_group(const struct study *s, int axis, struct figure_groups *out)
{
    make_groups(s, axis, false, out);
}

void figure_group_by_name(const struct study *s, struct figure_groups *out)
{
    make_groups(s, -1, true, out);
}

const char *figure_metric_title(struct arena *a, const struct study_metric *m)
{
    char *name = arena_copy(a, m->name);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return strcmp(m->label, m->name) == 0 ? name : arena_print(a, "%s  %s", m->label, name);
}

const char *figure_axis_label(struct arena *a, const char *title, const char *unit)
{
    return *unit ? arena_print(a, "%s (%s)", title, unit) : title;
}

struct chart_axis figure_metric_axis(struct arena *a, const struct study_metric *m)
{
    return (struct chart_axis) {
        .label = figure_axis_label(a, m->label, m->unit),
        .percent = m->percent,
        .zero = m->of_state,
    };
}

char *figure_file_name(struct arena *a, const char *text)
{
    char *name = arena_copy(a, text);
    char *to = name;
    for (const char *c = text; *c; c++) {
        const bool plain = isascii(*c) && isalnum(*c);
        if (plain || (to > name && to[-1] != '-'))
            *to++ = plain ? *c : '-';
    }
    while (to > name && to[-1] == '-')
        to--;
    *to = 0;
    return *name ? name : arena_copy(a, "x");
}

const struct study_metric *figure_main_metric(const struct study *s)
{
    const struct study_metric *found = NULL;
    for (int i = 0; i < s->num_metrics; i++)
        if (!s->metrics[i].of_state && (!found || strcmp(s->metrics[i].name, "score") == 0))
            found = &s->metrics[i];
    return found;
}
