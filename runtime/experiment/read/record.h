// One record of a data set, checked: its fact, and the questions that are asked about it.

#ifndef EXPERIMENT_RECORD_H
#define EXPERIMENT_RECORD_H

#include <emend/plugin.h>

#include "base/json.h"

struct record {
    struct em_fact fact;
    struct em_question *questions;
    int num_questions;
    const char *relation, *target; // what snippets are filed under; NULL where not given
    const char *const *references; // texts, ends with NULL; or NULL
};

// {"case_id", "requested_rewrite": {"prompt", "subject", "relation_id"?, "target_true"?: {"str"},
//   "target_new": {"str", "id"?}},
//  "paraphrase_prompts", "neighborhood_prompts", "generation_prompts"}
EM_MUST_CHECK enum em_status record_read_counterfact(const struct json *j, const cJSON *json,
                                                     struct arena *a, int position,
                                                     struct record *out);
// {"id"?, "prompt", "subject", "target_new", "target_true"?, "paraphrases"?, "neighborhood"?,
//  "generation"?, "references"?}
EM_MUST_CHECK enum em_status record_read_plain(const struct json *j, const cJSON *json,
                                               struct arena *a, int position, struct record *out);

#endif
