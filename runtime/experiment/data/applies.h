// Whether a data set can be measured as the experiment asks: whether it has what its metrics read,
// and whether facts that are asked about together are edited together.

#ifndef EXPERIMENT_APPLIES_H
#define EXPERIMENT_APPLIES_H

#include "experiment/data/data.h"

// A metric whose questions the data set has, but no targets that it compares, is refused with the
// names of those that apply; so is one that reads texts or references where there are none. A
// metric of questions that the data set has not at all has no value, n = 0.
EM_MUST_CHECK enum em_status applies_check_metrics(const struct spec *spec,
                                                   struct registry *registry,
                                                   const struct data_set *set);

// Once the batch size is settled: where edits are taken back, the facts of a record with multi-hop
// questions, if a metric reads these, stand in one batch.
EM_MUST_CHECK enum em_status applies_check_batches(const struct spec *spec,
                                                   const struct data_set *set);

#endif
