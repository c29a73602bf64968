// What a value of an axis is called in the names of points: "batch_size-64", "layer-5", "memit".

#ifndef EXPERIMENT_LABEL_H
#define EXPERIMENT_LABEL_H

#include <cjson/cJSON.h>

#include "base/arena.h"

// Labels of the values of one axis: of what letters a folder may have, and told apart by the
// members in which objects of one name differ.
void label_values(struct arena *a, const char *path, const cJSON *const *values, int num,
                  const char **labels);

#endif
