// Data sets read as an experiment reads them, without the rest of it.

#ifndef TESTS_EXPERIMENT_RECORDS_H
#define TESTS_EXPERIMENT_RECORDS_H

#include "experiment/data/applies.h"
#include "room.h"

// For an experiment with one metric, or none: NULL.
enum em_status records_read(struct room *r, const char *metric, const struct spec_data *data,
                            struct data_set *out);
// The same in batches that are taken back.
enum em_status records_read_in_batches(struct room *r, const char *metric, int batch_size,
                                       const struct spec_data *data, struct data_set *out);

#endif
