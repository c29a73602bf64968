// The metrics of a run, from the replies in its journal.

#ifndef EXPERIMENT_SUMMARY_H
#define EXPERIMENT_SUMMARY_H

#include <cjson/cJSON.h>

#include "experiment/read/data.h"
#include "experiment/read/spec.h"

// {"efficacy": {"label", "mean", "sd", "n", "ci95": [low, high]}, ...}, all x100. replies[i] are
// those of case i.
cJSON *summary_metrics(struct arena *a, const struct spec *spec, const struct data_set *data,
                       struct em_reply *const *replies);

#endif
