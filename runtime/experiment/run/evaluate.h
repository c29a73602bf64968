// Questions put to the model as it stands.

#ifndef EXPERIMENT_EVALUATE_H
#define EXPERIMENT_EVALUATE_H

#include "experiment/internal.h"

// Asks the questions of cases [first, first + num) together; replies[i] are those of case i, their
// texts in the experiment's arena.
EM_MUST_CHECK enum em_status evaluate_cases(struct experiment *e, int first, int num,
                                            struct em_reply *const *replies);

// The texts that the model writes after the rewrite prompts of cases [first, first + num), in the
// experiment's arena.
EM_MUST_CHECK enum em_status evaluate_texts(struct experiment *e, int first, int num,
                                            const char **out);

// What metrics read from files and ask of the unedited model before they measure; once.
EM_MUST_CHECK enum em_status evaluate_open(struct experiment *e);

// Room for the replies of every case, [data.num][num_questions].
struct em_reply **evaluate_replies(struct arena *a, const struct data_set *data);

#endif
