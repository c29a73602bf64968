// Which records of a data set are taken: those at the positions of an order file, or all in their
// order, of these data.first are left out and data.count follow.

#ifndef EXPERIMENT_CHOOSE_H
#define EXPERIMENT_CHOOSE_H

#include "experiment/read/spec.h"

// Of the `there` records of the file at `path`.
EM_MUST_CHECK enum em_status choose_records(const struct spec *spec, struct arena *a,
                                            const char *path, int there, int **positions, int *num);

#endif
