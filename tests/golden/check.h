// Edits that a plugin made, compared with a set of golden values: the search for a value step by
// step, the update, the likelihoods after it.

#ifndef TESTS_GOLDEN_CHECK_H
#define TESTS_GOLDEN_CHECK_H

#include "set.h"

// The options in `json`, which is consumed, with the golden values' hyper-parameters; what is
// prepared from now on is theirs.
void *check_options(struct set *t, const struct em_algorithm *a, cJSON *json);

// The steps that the call recorded for its one fact; true if they are as many as the log's.
bool check_log(struct set *t, const char *id, const cJSON *log);

// dW v_i of a layer [4, D], of the edits from number `since` on.
void check_update(struct set *t, const char *name, int layer, int since, const float *gold,
                  double tolerance);

// Both targets' likelihoods for all prompts of a fact; decisions by more than `margin` nats agree.
void check_scores(struct set *t, const char *name, const cJSON *scores, const struct em_fact *f,
                  double tolerance, double margin);

void check_report(const struct set *t); // the largest differences that were seen since set_of

#endif
