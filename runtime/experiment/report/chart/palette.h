// The colours of charts, by role, on light paper; chart_write_colors has those on dark paper too.

#ifndef EXPERIMENT_CHART_PALETTE_H
#define EXPERIMENT_CHART_PALETTE_H

enum palette_role {
    PALETTE_INK,
    PALETTE_MUTED,
    PALETTE_GRID,
    PALETTE_PAPER,
    PALETTE_SERIES, // the first of PALETTE_NUM_SERIES
    PALETTE_NUM_SERIES = 6,
    PALETTE_COUNT = PALETTE_SERIES + PALETTE_NUM_SERIES,
};

const char *palette_light(int role); // "#0072b2"
int palette_series(int style);       // its role

#endif
