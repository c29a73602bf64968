// Where the parts of a chart stand; see layout.h.

#include "experiment/report/chart/layout.h"

#include <math.h>
#include <string.h>

#include "base/text/escape.h"
#include "experiment/report/chart/ticks.h"

// Pixels.
enum {
    TICK_LABELS = 50, // left of a y axis with numbers
    Y_LABEL = 20,
    RIGHT = 20,
    GAP = 14, // between panels beside each other
    ABOVE = 34,
    BELOW = 50, // ticks and the label of an x axis
    PLOT_HEIGHT = 190,
    ROW_HEIGHT = 26,
    KEY_HEIGHT = 22,
    KEY_SAMPLE = 44,
    KEY_GAP = 22,
    KEY_MAX = 64,  // places
    ROW_NAME = 28, // the same
};

// Of the character that begins with this byte, 0 of one within: those behind U+0FFF, among them all
// that fill a square, are given two places.
static int places(char byte)
{
    const unsigned char c = (unsigned char) byte;
    return (c & 0xC0) == 0x80 ? 0 : c > 0xE0 ? 2 : 1;
}

static int layout_count(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += places(*text);
    return count;
}

char *layout_shorten(struct arena *a, const char *text, int width)
{
    char *copy = escape_clean(a, text);
    const bool cut = layout_count(copy) > width;
    int count = 0;
    for (char *c = copy; *c; c++) {
        count += places(*c);
        if (cut && count >= width) {
            *c = 0;
            break;
        }
    }
    return cut ? arena_print(a, "%s…", copy) : copy;
}

// --- the legend

static bool is_listed(const struct layout *l, const struct chart_series *s)
{
    for (int i = 0; i < l->num_keys; i++)
        if (strcmp(l->keys[i].series->label, s->label) == 0 &&
            l->keys[i].series->style == s->style && l->keys[i].series->secondary == s->secondary &&
            l->keys[i].series->mark == s->mark)
            return true;
    return false;
}

static void list_keys(struct arena *a, const struct chart *chart, struct layout *l)
{
    int most = 0;
    for (int i = 0; i < chart->num_panels; i++)
        most += chart->panels[i].num_series;
    l->keys = arena_array(a, struct layout_key, most + 1);
    for (int i = 0; i < chart->num_panels; i++)
        for (int k = 0; k < chart->panels[i].num_series; k++) {
            const struct chart_series *s = &chart->panels[i].series[k];
            if (s->label && !is_listed(l, s))
                l->keys[l->num_keys++] = (struct layout_key) {
                    .series = s, .label = layout_shorten(a, s->label, KEY_MAX)};
        }
}

// In columns of one width, as many as fit; a single series needs no legend. Returns its height.
static double place_keys(struct layout *l)
{
    if (l->num_keys < 2)
        l->num_keys = 0;
    double width = 0;
    for (int i = 0; i < l->num_keys; i++)
        width =
            fmax(width, KEY_SAMPLE + LAYOUT_CHARACTER * layout_count(l->keys[i].label) + KEY_GAP);
    const int fitting = l->num_keys ? (int) ((LAYOUT_WIDTH - 2 * RIGHT) / width) : 1;
    const int columns = fitting > 1 ? fitting : 1;
    for (int i = 0; i < l->num_keys; i++) {
        l->keys[i].x = RIGHT + (i % columns) * width;
        l->keys[i].y = KEY_HEIGHT * (0.5 + i / columns);
    }
    return l->num_keys ? KEY_HEIGHT * ((l->num_keys - 1) / columns + 1) + 6 : 0;
}

// --- the panels

static double left_room(const struct chart_panel *p)
{
    if (!p->y.names)
        return TICK_LABELS + Y_LABEL;
    int longest = 0;
    for (int i = 0; i < p->y.num_values; i++) {
        const int count = layout_count(p->y.names[i]);
        longest = count > longest ? count : longest;
    }
    return 20 + LAYOUT_CHARACTER * (longest > ROW_NAME ? ROW_NAME : longest);
}

static double plot_height(const struct chart_panel *p)
{
    return p->y.names ? 14 + ROW_HEIGHT * p->y.num_values : PLOT_HEIGHT;
}

// Names of rows have their place left of the axis.
static void shorten_names(struct arena *a, struct ticks *rows)
{
    const char **names = arena_array(a, const char *, rows->num + 1);
    for (int i = 0; i < rows->num; i++)
        names[i] = layout_shorten(a, rows->names[i], ROW_NAME);
    rows->names = names;
}

// One or two panels of a row, from `top`; returns where they end.
static double place_row(struct arena *a, const struct chart *chart, int first, int num, double top,
                        struct layout *l)
{
    const bool alone = chart->num_panels == 1;
    const double width = alone ? LAYOUT_WIDTH : (LAYOUT_WIDTH - GAP) / 2.0;
    double height = 0;
    for (int i = first; i < first + num; i++)
        height = fmax(height, plot_height(&chart->panels[i]) * (alone ? 1.35 : 1));
    for (int i = first; i < first + num; i++) {
        const double left = (i - first) * (width + GAP);
        struct layout_panel *p = &l->panels[i];
        p->left = left;
        p->box = (struct layout_box) {left + left_room(&chart->panels[i]), left + width - RIGHT,
                                      top + ABOVE, top + ABOVE + height};
        ticks_make(a, &chart->panels[i], false, p->box.right - p->box.left, &p->x);
        ticks_make(a, &chart->panels[i], true, height, &p->y);
        if (chart->panels[i].y.names)
            shorten_names(a, &p->y);
    }
    return top + ABOVE + height + BELOW;
}

void layout_make(struct arena *a, const struct chart *chart, struct layout *out)
{
    *out = (struct layout) {.panels = arena_array(a, struct layout_panel, chart->num_panels + 1)};
    list_keys(a, chart, out);
    double at = place_keys(out);
    for (int i = 0; i < chart->num_panels; i += 2)
        at = place_row(a, chart, i, chart->num_panels - i < 2 ? 1 : 2, at, out);
    out->height = ceil(at);
}
