// Where the parts of a chart stand, in pixels, and which ticks its axes have: nothing is left to
// gnuplot's guesses, so that no two texts meet.

#ifndef EXPERIMENT_CHART_LAYOUT_H
#define EXPERIMENT_CHART_LAYOUT_H

#include "experiment/report/chart/ticks.h"

enum { LAYOUT_WIDTH = 760, LAYOUT_TEXT = 12, LAYOUT_TITLE = 13 };
enum { LAYOUT_CHARACTER = TICKS_CHARACTER, LAYOUT_BOLD = 9 }; // pixels that a character is given

struct layout_box {
    double left, right, top, bottom; // pixels from the upper left corner
};

struct layout_key { // one entry of the legend
    const struct chart_series *series;
    const char *label; // shortened
    double x, y;       // of its sample's left end
};

struct layout_panel {
    double left;           // of all that belongs to it
    struct layout_box box; // of the axes
    struct ticks x, y;
};

struct layout {
    double height;
    struct layout_panel *panels; // [chart->num_panels]
    struct layout_key *keys;
    int num_keys;
};

void layout_make(struct arena *a, const struct chart *chart, struct layout *out);

// At most `width` places (characters, wide ones twice), clean UTF-8, with an ellipsis where it is
// cut.
char *layout_shorten(struct arena *a, const char *text, int width);

#endif
