// A data set: records read from a file of one of the formats of enum spec_format, or from the
// experiment itself, each made into the facts that it asks to be edited and the questions about
// them.
//
// Memory: all in the caller's arena. Errors: EM_ERR_CONFIG that name the file, the line and the
// record.

#ifndef EXPERIMENT_DATA_H
#define EXPERIMENT_DATA_H

#include <emend/plugin.h>

#include "experiment/read/spec.h"

struct data_set {
    struct em_fact *facts; // [num]
    struct em_case *cases; // [num], of one fact each; their replies are not set
    int *record_of; // [num], counted from 0; the last fact of a record has the questions that
                    // ask about all of its facts
    int num, num_records;
    const cJSON *inline_facts; // as written in the experiment, for its resolved form; or NULL
};

EM_MUST_CHECK enum em_status data_read(struct log *log, struct arena *a, const struct spec *spec,
                                       struct data_set *out);

// Specs of equal keys have the same data set.
const char *data_key(struct arena *a, const struct spec *spec);

// Whether a metric, or one of the experiment's, reads the group, per case.
bool data_metric_reads(const struct em_metric *m, const char *group);
bool data_is_read(const struct spec *spec, const char *group);

#endif
