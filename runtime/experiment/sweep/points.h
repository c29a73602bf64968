// A sweep's own state, shared by the files of this folder only.

#ifndef EXPERIMENT_POINTS_H
#define EXPERIMENT_POINTS_H

#include "base/text/json.h"
#include "experiment/internal.h"
#include "experiment/sweep/grid.h"
#include "experiment/sweep/sweep.h"
#include "experiment/workshop.h"

struct point {
    const char *name;              // "memit-batch_size-64"; "" without a sweep
    const char *folder;            // path
    struct experiment *experiment; // NULL when it has been run
};

struct sweep {
    struct log *log;
    struct arena *arena;
    struct experiment_params params;
    struct workshop *workshop;
    struct document *document; // NULL: it is the one point's
    struct grid grid;
    const char *folder;
    struct point *points; // [grid.num_points]
    cJSON *json;          // sweep.json; NULL without a sweep
};

#endif
