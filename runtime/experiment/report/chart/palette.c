// The colours of charts: those of Okabe and Ito (Color Universal Design, 2008) without their yellow
// and black, which do not show on white and on black paper; a little lighter on dark paper.

#include "experiment/report/chart/palette.h"

#include "experiment/report/chart/chart.h"

static const struct {
    const char *light, *dark;
} colors[PALETTE_COUNT] = {
    [PALETTE_INK] = {"#1c2127", "#e7eaee"},        [PALETTE_MUTED] = {"#56606b", "#a3adb8"},
    [PALETTE_GRID] = {"#e4e7eb", "#30363e"},       [PALETTE_PAPER] = {"#ffffff", "#15181c"},
    [PALETTE_SERIES + 0] = {"#0072b2", "#4aa3dc"}, // blue
    [PALETTE_SERIES + 1] = {"#d55e00", "#ee8038"}, // vermilion
    [PALETTE_SERIES + 2] = {"#009e73", "#2bbd93"}, // bluish green
    [PALETTE_SERIES + 3] = {"#cc79a7", "#dd93bb"}, // reddish purple
    [PALETTE_SERIES + 4] = {"#e69f00", "#edb22e"}, // orange
    [PALETTE_SERIES + 5] = {"#56b4e9", "#82cbf2"}, // sky blue
};

const char *palette_light(int role)
{
    return colors[role].light;
}

int palette_series(int style)
{
    return PALETTE_SERIES + style % PALETTE_NUM_SERIES;
}

// A chart's elements carry the light colours as attributes, which any viewer shows; these rules win
// over attributes.
void chart_write_colors(FILE *to, bool dark)
{
    static const char *const attributes[] = {"fill", "stroke", "color"};
    for (int role = 0; role < PALETTE_COUNT; role++)
        for (int i = 0; i < 3; i++)
            fprintf(to, "svg.chart [%s=\"%s\"]{%s:%s}\n", attributes[i], colors[role].light,
                    attributes[i], dark ? colors[role].dark : colors[role].light);
}
