// A data set: records read from CounterFact's JSON (counterfact.json and multi_counterfact.json as
// they are published), JSON lines, or the experiment itself, each made into a fact and its
// questions.
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
    int num;
    const cJSON *inline_facts; // as written in the experiment, for its resolved form; or NULL
};

EM_MUST_CHECK enum em_status data_read(struct log *log, struct arena *a, const struct spec *spec,
                                       struct data_set *out);

#endif
