// A chart: panels of series with the words around them, drawn by gnuplot as SVG.
//
// Everything is data here: no text of a chart is looked at as markup, whatever it holds. Colours
// are Okabe's and Ito's, which the colour-blind can tell apart; shapes and dashes tell the series
// apart as well. The SVG is light or dark as the viewer prefers.
//
// Memory: what a chart points to outlives it; what is made lives in the given arena.

#ifndef EXPERIMENT_CHART_H
#define EXPERIMENT_CHART_H

#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"

enum chart_mark {
    CHART_LINE,    // points joined, in a band from low to high
    CHART_DOTS,    // points, each with a bar from low to high
    CHART_ROWS,    // the same lying: x from low to high, y the index of a row of the y axis
    CHART_COLUMNS, // y is the height of a column whose edges are low and high on the x axis
    CHART_LEVEL,   // one value across the panel: y, or x where the panel has rows
};

struct chart_point {
    double x, y;
    double low, high; // NAN: no interval
    // For the table under the chart: where the number comes from, NULL: nowhere; and what it is
    // about, NULL: what the series is.
    const char *link, *name;
};

struct chart_series {
    const char *label;
    int style;      // colour and shape
    bool secondary; // dashed, with open points: a reference, or the second of a pair
    enum chart_mark mark;
    const struct chart_point *points; // [num], by x
    int num;
};

struct chart_axis {
    const char *label; // with its unit
    bool log;
    bool zero;                // begins at 0
    bool percent;             // 0 to 100
    double low, high;         // the range, widened a little; both 0: what the series take
    const double *values;     // [num_values] where ticks should stand; NULL: round numbers
    const char *const *names; // [num_values] of rows, from the top; NULL: numbers
    int num_values;
};

struct chart_panel {
    const char *title;
    struct chart_axis x, y;
    const struct chart_series *series; // [num_series]
    int num_series;
};

struct chart {
    const char *name;  // of its file, without .svg
    const char *title; // in plain words
    const char *text;  // what it shows and how it is read, one or two sentences; or NULL
    const struct chart_panel *panels; // [num_panels], two beside each other
    int num_panels;
};

// Draws all charts with one gnuplot. EM_ERR_UNSUPPORTED if there is no gnuplot.
EM_MUST_CHECK enum em_status chart_draw(struct log *log, struct arena *a,
                                        const struct chart *charts, int num, const char **svgs);

// The rules that colour the SVG of charts in a page, for one scheme.
void chart_write_colors(FILE *to, bool dark);

// The number as it stands in ticks and tables: 64, 0.0625, 5e-5, 1e6.
char *chart_number(struct arena *a, double x);
// A measured value, to four digits or two decimals: 0.08927, 12.04, 38099.
char *chart_value(struct arena *a, double x);

#endif
