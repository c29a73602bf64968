// A sweep as its author wrote it: axes over paths of the experiment, whose product is the grid of
// points. The first axis is outermost.
//
// Memory: in the caller's arena; values are the document's, which outlives the grid, or the grid's
// own until grid_close. Errors: EM_ERR_CONFIG with the place.

#ifndef EXPERIMENT_GRID_H
#define EXPERIMENT_GRID_H

#include "experiment/read/document.h"

enum { GRID_MAX_AXES = 8, GRID_MAX_POINTS = 10000 };

struct grid_value {
    const cJSON *value;
    const char *at;    // where it is written: "sweep.run.batch_size[1]"
    const char *label; // its part of a point's name: "batch_size-64"
};

struct grid_axis {
    const char *path; // "run.batch_size"
    struct grid_value *values;
    int num;
};

struct grid {
    struct grid_axis axes[GRID_MAX_AXES];
    int num_axes, num_points; // no axes: one point, the experiment itself
    cJSON *made;              // values that {"each": ...} stands for
};

// How many layers the document's model has; asked only if an axis is over each of them.
typedef enum em_status grid_layers_fn(void *user, const struct document *d, int *num);

EM_MUST_CHECK enum em_status grid_read(struct grid *grid, struct arena *a, const struct document *d,
                                       grid_layers_fn *layers, void *user);
void grid_close(struct grid *grid);

const struct grid_value *grid_at(const struct grid *grid, int point, int axis);
char *grid_name(const struct grid *grid, struct arena *a, int point); // "memit-batch_size-64"
// The document with the point's values: those of an axis that lies within another's come after it.
struct document *grid_vary(const struct grid *grid, struct arena *a, const struct document *d,
                           int point);

#endif
