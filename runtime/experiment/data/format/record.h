// One record of a data set, checked: the facts it asks to be edited, and the questions that are
// asked about them.

#ifndef EXPERIMENT_RECORD_H
#define EXPERIMENT_RECORD_H

#include <emend/plugin.h>

#include "base/text/json.h"

struct record_fact {
    struct em_fact fact;
    struct em_question *questions;
    int num_questions;
    const char *relation, *target; // what snippets are filed under; NULL where not given
    const char *const *references; // texts, ends with NULL; or NULL
};

struct record { // its facts are edited for the same questions, which the last one's has
    struct record_fact *items;
    size_t num, cap;
};

struct record_input {
    const struct json *j;
    const cJSON *json;
    struct arena *arena;
    int position;
    bool alternative; // zsRE: the target is "alt"
};

typedef enum em_status record_reader(const struct record_input *in, struct record *out);

// {"case_id", "requested_rewrite": {"prompt", "subject", "relation_id"?, "target_true"?: {"str"},
//   "target_new": {"str", "id"?}},
//  "paraphrase_prompts", "neighborhood_prompts", "generation_prompts"}
EM_MUST_CHECK record_reader record_read_counterfact;
// {"id"?, "prompt", "subject", "target_new", "target_true"?, "paraphrases"?, "neighborhood"?,
//  "generation"?, "references"?}
EM_MUST_CHECK record_reader record_read_plain;
// {"subject", "src", "answers": [...], "alt"?, "rephrase"?, "loc"?, "loc_ans"?}: src is a question
// that names the subject once, answered by the first of the answers (Meng et al. 2022) or by alt,
// the first answer being the true one (Mitchell et al. 2022). loc is a question about something
// else, to be answered by loc_ans still; the questions' mark is put behind it where it has none.
EM_MUST_CHECK record_reader record_read_zsre;
// {"case_id", "requested_rewrite": [{as CounterFact's, "question"?}, ...],
//  "questions", "answer"?, "new_answer", "new_answer_alias"?,
//  "new_single_hops"?: [{"question", "cloze"?, "answer", "answer_alias"?}, ...]}
// (Zhong et al. 2023). A fact's question is its paraphrase; the last fact's case has the others, in
// the groups "hop" and "single_hop", each question once for each name of its answer.
EM_MUST_CHECK record_reader record_read_mquake;

// The names of what record_read_plain takes, texts first, then lists; each ends with NULL.
extern const char *const record_plain_texts[], *const record_plain_lists[];

#endif
