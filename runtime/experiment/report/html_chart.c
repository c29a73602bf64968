// The numbers of a chart as a table under it: a row a point, a column a panel.

#include <math.h>
#include <string.h>

#include "base/text/escape.h"
#include "experiment/report/html.h"

enum { OPEN_ROWS = 12 }; // a longer table is folded

struct table {
    FILE *to;
    struct arena *arena;
    const struct chart *chart;
};

struct row { // one place that panels have a number for
    const char *label, *name, *link;
    double key;
    const char *place; // the key as it is read
};

struct rows {
    struct row *items;
    size_t num, cap;
};

// Whether the panels' numbers are x and what they have in common is y: rows with names, and runs of
// one score in panels of several norms.
static bool is_lying(const struct chart_series *series)
{
    return series->mark == CHART_ROWS || series->mark == CHART_DOTS;
}

// What a point's row is found by, with the series and, of dots, the run.
static double key_of(const struct chart_series *series, const struct chart_point *p)
{
    if (series->mark == CHART_LEVEL)
        return 0;
    return is_lying(series) ? p->y : p->x;
}

static bool same_label(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_in_row(const struct row *row, const struct chart_series *s,
                      const struct chart_point *p)
{
    return row->key == key_of(s, p) && same_label(row->label, s->label) &&
           (s->mark != CHART_DOTS || same_label(row->link, p->link));
}

static bool has_row(const struct rows *rows, const struct chart_series *s,
                    const struct chart_point *p)
{
    for (size_t i = 0; i < rows->num; i++)
        if (is_in_row(&rows->items[i], s, p))
            return true;
    return false;
}

static const char *place_text(const struct table *t, const struct chart_panel *panel,
                              const struct chart_series *series, const struct chart_point *p)
{
    if (series->mark == CHART_LEVEL)
        return "everywhere";
    if (series->mark == CHART_COLUMNS)
        return arena_print(t->arena, "%s to %s", chart_number(t->arena, p->low),
                           chart_number(t->arena, p->high));
    if (series->mark == CHART_ROWS)
        return panel->y.names[(int) p->y];
    if (series->mark == CHART_DOTS)
        return arena_print(t->arena, "%.2f", p->y);
    return chart_number(t->arena, p->x);
}

static struct rows list_rows(const struct table *t)
{
    struct rows rows = {0};
    for (int i = 0; i < t->chart->num_panels; i++)
        for (int k = 0; k < t->chart->panels[i].num_series; k++) {
            const struct chart_series *s = &t->chart->panels[i].series[k];
            for (int n = 0; n < s->num; n++) {
                const struct chart_point *p = &s->points[n];
                if (!has_row(&rows, s, p))
                    *arena_push(t->arena, &rows) =
                        (struct row) {s->label, p->name, p->link, key_of(s, p),
                                      place_text(t, &t->chart->panels[i], s, p)};
            }
        }
    return rows;
}

static void write_number(const struct table *t, const struct chart_axis *axis, double x)
{
    fputs(axis->percent ? arena_print(t->arena, "%.2f", x) : chart_value(t->arena, x), t->to);
}

static const struct chart_point *find_point(const struct chart_panel *panel, const struct row *row,
                                            const struct chart_series **series)
{
    for (int k = 0; k < panel->num_series; k++)
        for (int n = 0; n < panel->series[k].num; n++)
            if (is_in_row(row, &panel->series[k], &panel->series[k].points[n])) {
                *series = &panel->series[k];
                return &panel->series[k].points[n];
            }
    return NULL;
}

static void write_cell(const struct table *t, const struct chart_panel *panel,
                       const struct row *row)
{
    const struct chart_series *s;
    const struct chart_point *p = find_point(panel, row, &s);
    if (!p) {
        fputs("<td class=\"number\">–</td>", t->to);
        return;
    }
    const struct chart_axis *axis = is_lying(s) ? &panel->x : &panel->y;
    fputs("<td class=\"number\">", t->to);
    if (s->mark == CHART_COLUMNS)
        fprintf(t->to, "%.0f", p->y);
    else
        write_number(t, axis, is_lying(s) ? p->x : p->y);
    if (s->mark != CHART_COLUMNS && s->mark != CHART_DOTS && !isnan(p->low)) {
        fputs("<small>", t->to);
        write_number(t, axis, p->low);
        fputs("–", t->to);
        write_number(t, axis, p->high);
        fputs("</small>", t->to);
    }
    fputs("</td>", t->to);
}

static void write_row(const struct table *t, const struct row *row)
{
    fputs("<tr><td class=\"name\">", t->to);
    if (row->link) {
        fputs("<a href=\"", t->to);
        escape_address(t->to, row->link);
        fputs("\">", t->to);
    }
    escape_xml(t->to, row->name ? row->name : row->label ? row->label : "run");
    fprintf(t->to, "%s</td><td%s>", row->link ? "</a>" : "",
            t->chart->panels->y.names ? "" : " class=\"number\"");
    escape_xml(t->to, row->place);
    fputs("</td>", t->to);
    for (int i = 0; i < t->chart->num_panels; i++)
        write_cell(t, &t->chart->panels[i], row);
    fputs("</tr>\n", t->to);
}

static void write_head(const struct table *t)
{
    const struct chart_panel *first = t->chart->panels;
    fputs("<thead><tr><th></th><th class=\"number key\">", t->to);
    const bool dots = first->num_series && first->series->mark == CHART_DOTS;
    escape_xml(t->to, first->y.names ? "" : dots ? first->y.label : first->x.label);
    fputs("</th>", t->to);
    for (int i = 0; i < t->chart->num_panels; i++) {
        fputs("<th class=\"number key\">", t->to);
        escape_xml(t->to, t->chart->panels[i].title);
        fputs("</th>", t->to);
    }
    fputs("</tr></thead>\n", t->to);
}

void html_write_chart_table(FILE *to, struct arena *a, const struct chart *chart)
{
    const struct table t = {to, a, chart};
    const struct rows rows = list_rows(&t);
    fprintf(to, "<details%s><summary>The numbers</summary>\n<div class=\"wide\"><table>\n",
            rows.num <= OPEN_ROWS ? " open" : "");
    write_head(&t);
    fputs("<tbody>\n", to);
    for (size_t i = 0; i < rows.num; i++)
        write_row(&t, &rows.items[i]);
    fputs("</tbody></table></div></details>\n", to);
}
