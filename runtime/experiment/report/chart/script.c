// The gnuplot script of charts; see script.h.
//
// Words reach gnuplot only between single quotes, within which it knows no escape but the doubled
// quote: no substitution, no macro, no markup ("noenhanced").

#include "experiment/report/chart/script.h"

#include <math.h>
#include <string.h>

#include "experiment/report/chart/palette.h"

struct pen {
    FILE *to;
    struct arena *arena;
    const struct layout *layout;
};

static const int closed_shapes[PALETTE_NUM_SERIES] = {7, 5, 9, 13, 11, 15};
static const int open_shapes[PALETTE_NUM_SERIES] = {6, 4, 8, 12, 10, 14};

// A text between quotes.
static const char *quoted(const struct pen *p, const char *text)
{
    char *out = arena_alloc(p->arena, 2 * strlen(text) + 3), *at = out;
    *at++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            *at++ = '\'';
        *at++ = (unsigned char) *text < ' ' ? ' ' : *text;
    }
    *at++ = '\'';
    return out;
}

static double screen_x(double pixels)
{
    return pixels / LAYOUT_WIDTH;
}

static double screen_y(const struct pen *p, double pixels)
{
    return 1 - pixels / p->layout->height;
}

static const char *color_of(const struct chart_series *s)
{
    return s->mark == CHART_LEVEL ? palette_light(PALETTE_MUTED)
                                  : palette_light(palette_series(s->style));
}

static int shape_of(const struct chart_series *s)
{
    const int i = (s->style + s->style / PALETTE_NUM_SERIES) % PALETTE_NUM_SERIES;
    return s->secondary ? open_shapes[i] : closed_shapes[i];
}

static const char *dash_of(const struct chart_series *s)
{
    if (s->mark == CHART_LEVEL)
        return "(3,4)";
    if (s->secondary)
        return "(7,4)";
    return s->style < PALETTE_NUM_SERIES ? "solid" : "(12,3,2,3)";
}

// --- data

static void write_range(const struct pen *p, const char *axis, const struct ticks *r, bool log)
{
    fprintf(p->to, "set %srange [%.9g:%.9g]\n%s logscale %s\n", axis, r->low, r->high,
            log ? "set" : "unset", axis);
    fprintf(p->to, "set %stics nomirror scale 0 (", axis);
    for (int i = 0; i < r->num; i++)
        fprintf(p->to, "%s%s %.9g", i ? ", " : "", quoted(p, r->names[i]), r->at[i]);
    fprintf(p->to, ") textcolor rgb '%s'\n", palette_light(PALETTE_MUTED));
}

// A point at which the axis has no place (0 on a log axis) is left out.
static double on_axis(double x, bool log)
{
    return log && x <= 0 ? NAN : x;
}

static void write_points(const struct pen *p, const struct chart_panel *panel, int index,
                         double shift)
{
    const struct chart_series *s = &panel->series[index];
    fprintf(p->to, "$data%d << EOD\n", index);
    for (int i = 0; i < s->num; i++) {
        const struct chart_point *point = &s->points[i];
        const bool log = s->mark == CHART_ROWS ? panel->x.log : panel->y.log;
        fprintf(p->to, "%.9g %.9g %.9g %.9g\n", on_axis(point->x, panel->x.log),
                on_axis(point->y, panel->y.log) + shift, on_axis(point->low, log),
                on_axis(point->high, log));
    }
    fputs("EOD\n", p->to);
}

static void write_level(const struct pen *p, const struct chart_panel *panel,
                        const struct layout_panel *place, int index)
{
    const struct chart_point *point = panel->series[index].points;
    fprintf(p->to, "$data%d << EOD\n", index);
    if (panel->y.names)
        fprintf(p->to, "%.9g %.9g\n%.9g %.9g\n", point->x, place->y.low, point->x, place->y.high);
    else
        fprintf(p->to, "%.9g %.9g\n%.9g %.9g\n", place->x.low, point->y, place->x.high, point->y);
    fputs("EOD\n", p->to);
}

static bool has_intervals(const struct chart_series *s)
{
    for (int i = 0; i < s->num; i++)
        if (isfinite(s->points[i].low) && isfinite(s->points[i].high))
            return true;
    return false;
}

// --- series

static void plot_band(const struct pen *p, const struct chart_series *s, int index)
{
    fprintf(p->to,
            "$data%d using 1:3:4 with filledcurves fillstyle transparent solid %s noborder "
            "linecolor rgb '%s' notitle, \\\n",
            index, s->secondary ? "0.08" : "0.15", color_of(s));
}

static void plot_bars(const struct pen *p, const struct chart_series *s, int index)
{
    fprintf(p->to, "$data%d using %s linewidth 1.5 linecolor rgb '%s' pointtype -1 notitle, \\\n",
            index, s->mark == CHART_ROWS ? "1:2:3:4 with xerrorbars" : "1:2:3:4 with yerrorbars",
            color_of(s));
}

static bool is_same(const struct chart_series *a, const struct chart_series *b)
{
    if (a->mark != CHART_LINE || b->mark != CHART_LINE || a->num != b->num)
        return false;
    for (int i = 0; i < a->num; i++)
        if (a->points[i].x != b->points[i].x || a->points[i].y != b->points[i].y)
            return false;
    return true;
}

// How many series that are drawn later lie on this one.
static int count_above(const struct chart_panel *panel, int index)
{
    int num = 0;
    for (int i = index + 1; i < panel->num_series; i++)
        num += is_same(&panel->series[index], &panel->series[i]);
    return num;
}

// A line under `above` others is drawn wider, so that it shows on both sides of them.
static void plot_series(const struct pen *p, const struct chart_series *s, int index, int above)
{
    switch (s->mark) {
    case CHART_LINE:
        fprintf(p->to, "$data%d using 1:2 with linespoints pointtype %d pointsize %g ", index,
                shape_of(s), 0.62 + 0.4 * above);
        fprintf(p->to, "linewidth %g dashtype %s linecolor rgb '%s' notitle, \\\n",
                1.8 + 3.0 * above, dash_of(s), color_of(s));
        break;
    case CHART_DOTS:
    case CHART_ROWS:
        fprintf(p->to, "$data%d using 1:2 with points pointtype %d pointsize 0.8 ", index,
                shape_of(s));
        fprintf(p->to, "linewidth 1.5 linecolor rgb '%s' notitle, \\\n", color_of(s));
        break;
    case CHART_COLUMNS:
        fprintf(p->to,
                "$data%d using 1:2:3:4:(0):2 with boxxyerror fillstyle transparent solid %s ",
                index, s->secondary ? "0.12" : "0.45");
        fprintf(p->to, "border linewidth 1 dashtype %s linecolor rgb '%s' notitle, \\\n",
                s->secondary ? "(3,2)" : "solid", color_of(s));
        break;
    case CHART_LEVEL:
        fprintf(p->to, "$data%d using 1:2 with lines linewidth 1.4 dashtype %s ", index,
                dash_of(s));
        fprintf(p->to, "linecolor rgb '%s' notitle, \\\n", color_of(s));
        break;
    }
}

static void plot_all(const struct pen *p, const struct chart_panel *panel)
{
    fputs("plot \\\n", p->to);
    for (int i = 0; i < panel->num_series; i++) {
        const struct chart_series *s = &panel->series[i];
        if (s->mark == CHART_LINE && s->num > 1 && has_intervals(s))
            plot_band(p, s, i);
    }
    for (int i = 0; i < panel->num_series; i++) {
        const struct chart_series *s = &panel->series[i];
        const bool bars = s->mark == CHART_DOTS || s->mark == CHART_ROWS ||
                          (s->mark == CHART_LINE && s->num == 1);
        if (bars && has_intervals(s))
            plot_bars(p, s, i);
        plot_series(p, s, i, count_above(panel, i));
    }
    fputs("NaN notitle\n", p->to);
}

// --- panels

// A text between quotes that takes at most so many pixels.
static const char *fitted(const struct pen *p, const char *text, double pixels, int character)
{
    return quoted(p, layout_shorten(p->arena, text, (int) (pixels / character)));
}

static void write_words(const struct pen *p, const struct chart_panel *panel,
                        const struct layout_panel *place)
{
    const struct layout_box *box = &place->box;
    const bool rows = panel->y.names;
    const double title = rows ? place->left + 14 : box->left;
    fprintf(p->to, "set label 1 %s at screen %.6f,%.6f left font 'emend:Bold,%d'\n",
            fitted(p, panel->title, box->right - title, LAYOUT_BOLD), screen_x(title),
            screen_y(p, box->top - 17), LAYOUT_TITLE);
    fprintf(p->to, "set label 2 %s at screen %.6f,%.6f center\n",
            fitted(p, panel->x.label, box->right - box->left + 40, LAYOUT_CHARACTER),
            screen_x(0.5 * (box->left + box->right)), screen_y(p, box->bottom + 36));
    if (!rows)
        fprintf(p->to, "set label 3 %s at screen %.6f,%.6f center rotate by 90\n",
                fitted(p, panel->y.label, box->bottom - box->top + 30, LAYOUT_CHARACTER),
                screen_x(box->left - 58), screen_y(p, 0.5 * (box->top + box->bottom)));
}

static void write_margins(const struct pen *p, const struct layout_box *box)
{
    fprintf(p->to, "set lmargin at screen %.6f\nset rmargin at screen %.6f\n", screen_x(box->left),
            screen_x(box->right));
    fprintf(p->to, "set tmargin at screen %.6f\nset bmargin at screen %.6f\n",
            screen_y(p, box->top), screen_y(p, box->bottom));
}

static int count_rows(const struct chart_panel *panel)
{
    int num = 0;
    for (int i = 0; i < panel->num_series; i++)
        num += panel->series[i].mark == CHART_ROWS;
    return num;
}

static void write_panel(const struct pen *p, const struct chart_panel *panel,
                        const struct layout_panel *place)
{
    const bool rows = panel->y.names;
    fputs("unset label\n", p->to);
    write_margins(p, &place->box);
    write_range(p, "x", &place->x, panel->x.log);
    write_range(p, "y", &place->y, panel->y.log);
    fprintf(p->to, "set border %d linewidth 1 linecolor rgb '%s'\n", rows ? 0 : 1,
            palette_light(PALETTE_MUTED));
    fprintf(p->to, "unset grid\nset grid %s back linetype 1 linewidth 1 linecolor rgb '%s'\n",
            rows ? "xtics" : "ytics", palette_light(PALETTE_GRID));
    write_words(p, panel, place);
    const int num_rows = count_rows(panel);
    int row = 0;
    for (int i = 0; i < panel->num_series; i++) {
        const struct chart_series *s = &panel->series[i];
        if (s->mark == CHART_LEVEL)
            write_level(p, panel, place, i);
        else if (s->mark == CHART_ROWS)
            write_points(p, panel, i, 0.24 * (row++ - 0.5 * (num_rows - 1)));
        else
            write_points(p, panel, i, 0);
    }
    plot_all(p, panel);
}

// --- the legend: a plot over the whole picture whose coordinates are pixels

static void write_sample(const struct pen *p, const struct layout_key *key, int index)
{
    const double x = key->x, y = key->y;
    fprintf(p->to, "$data%d << EOD\n", index);
    if (key->series->mark == CHART_COLUMNS)
        fprintf(p->to, "%g %g %g %g %g %g\n", x + 17, y, x + 8, x + 26, y - 6, y + 6);
    else if (key->series->mark == CHART_LINE || key->series->mark == CHART_LEVEL)
        fprintf(p->to, "%g %g\n%g %g\n", x, y, x + 34, y);
    else
        fprintf(p->to, "%g %g\n", x + 17, y);
    fputs("EOD\n", p->to);
    if (key->series->mark == CHART_LINE)
        fprintf(p->to, "$middle%d << EOD\n%g %g\nEOD\n", index, x + 17, y);
}

static void plot_sample(const struct pen *p, const struct chart_series *s, int index)
{
    if (s->mark == CHART_COLUMNS) {
        fprintf(p->to, "$data%d using 1:2:3:4:5:6 with boxxyerror fillstyle transparent solid %s ",
                index, s->secondary ? "0.12" : "0.45");
        fprintf(p->to, "border linewidth 1 dashtype %s linecolor rgb '%s' notitle, \\\n",
                s->secondary ? "(3,2)" : "solid", color_of(s));
        return;
    }
    if (s->mark != CHART_LINE) {
        plot_series(p, s, index, 0);
        return;
    }
    fprintf(p->to, "$data%d using 1:2 with lines linewidth 1.8 dashtype %s ", index, dash_of(s));
    fprintf(p->to, "linecolor rgb '%s' notitle, \\\n", color_of(s));
    fprintf(p->to, "$middle%d using 1:2 with points pointtype %d pointsize 0.62 linewidth 1.8 ",
            index, shape_of(s));
    fprintf(p->to, "linecolor rgb '%s' notitle, \\\n", color_of(s));
}

static void write_legend(const struct pen *p)
{
    const struct layout *l = p->layout;
    if (!l->num_keys)
        return;
    fputs("unset label\nunset xtics\nunset ytics\nunset border\nunset grid\nunset logscale\n",
          p->to);
    write_margins(p, &(struct layout_box) {0, LAYOUT_WIDTH, 0, l->height});
    fprintf(p->to, "set xrange [0:%d]\nset yrange [%g:0]\n", LAYOUT_WIDTH, l->height);
    for (int i = 0; i < l->num_keys; i++) {
        write_sample(p, &l->keys[i], i);
        fprintf(p->to, "set label %d %s at %g,%g left\n", i + 1, quoted(p, l->keys[i].label),
                l->keys[i].x + 42, l->keys[i].y);
    }
    fputs("plot \\\n", p->to);
    for (int i = 0; i < l->num_keys; i++)
        plot_sample(p, l->keys[i].series, i);
    fputs("NaN notitle\n", p->to);
}

void script_write(struct arena *a, FILE *to, const struct chart *charts, int num)
{
    fputs("set encoding utf8\nset datafile missing 'nan'\nset style fill noborder\n", to);
    for (int i = 0; i < num; i++) {
        struct layout layout;
        layout_make(a, &charts[i], &layout);
        const struct pen p = {.to = to, .arena = a, .layout = &layout};
        fprintf(to, "set terminal svg size %d,%g dynamic noenhanced font 'emend,%d'\n",
                LAYOUT_WIDTH, layout.height, LAYOUT_TEXT);
        fputs("set multiplot\n", to);
        for (int k = 0; k < charts[i].num_panels; k++)
            write_panel(&p, &charts[i].panels[k], &layout.panels[k]);
        write_legend(&p);
        fputs("unset multiplot\n", to);
    }
}
