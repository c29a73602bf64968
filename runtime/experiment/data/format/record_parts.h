// What the readers of records share; see record.h.

#ifndef EXPERIMENT_RECORD_PARTS_H
#define EXPERIMENT_RECORD_PARTS_H

#include "experiment/data/format/record.h"

struct record_questions {
    struct em_question *items;
    size_t num, cap;
};

char *record_trim(struct arena *a, const char *text);       // without the blanks around it
const char *record_show(struct arena *a, const char *text); // in a message
// A text that is there and holds more than blanks, without those around it.
EM_MUST_CHECK enum em_status record_need_text(const struct record_input *in, const cJSON *object,
                                              const char *key, const char **out);
// The same where it is there; else NULL.
EM_MUST_CHECK enum em_status record_find_text(const struct record_input *in, const cJSON *object,
                                              const char *key, const char **out);
// The id as a text, the record's position where it has none; a number keeps its digits.
EM_MUST_CHECK enum em_status record_read_id(const struct record_input *in, const char *key,
                                            const char **out);
// CounterFact's requested_rewrite: all of the fact but its id, and what snippets are filed under.
EM_MUST_CHECK enum em_status record_read_rewrite(const struct record_input *in,
                                                 const cJSON *rewrite, struct record_fact *out);
// The fact's own prompt as a question, the first of them.
void record_ask_rewrite(struct arena *a, const struct em_fact *fact, struct record_questions *to);
// Each prompt of the list at `key`, if there is one; with the fact's targets unless it is NULL.
EM_MUST_CHECK enum em_status record_ask_list(const struct record_input *in, const cJSON *object,
                                             const char *key, const char *group,
                                             const struct em_fact *fact,
                                             struct record_questions *to);
void record_add(const struct record_input *in, struct record *to, struct record_fact fact,
                const struct record_questions *questions);

#endif
