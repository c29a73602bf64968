// One case of a run as a line of JSON, with the keys of the published result files, and back:
// {"case_id", "requested_rewrite", "pre"?, "post", "series"?}, where pre and post hold
// "rewrite_prompts_probs": [{"target_new": NLL, "target_true": NLL, "new_correct",
// "true_correct"}], "rewrite_prompts_correct": [bool], the same for each group of questions that
// have targets, "text": [...] of those that have none, and "rewrite_text" of the first cases.
//
// A series is what the algorithm recorded while it wrote a batch; it stands in the line of the
// batch's first case, in the order of the batch's facts.
//
// Numbers have nine digits. Summaries are made of what the journal holds, never of what was in
// memory, so that a run that was resumed and one that was not end alike.

#ifndef EXPERIMENT_JOURNAL_H
#define EXPERIMENT_JOURNAL_H

#include <cjson/cJSON.h>
#include <emend/plugin.h>

#include "base/text/json.h"
#include "session/session.h"

cJSON *journal_number(double x); // nine digits; null for what is not finite

// What the model said about a case; rewrite_text may be NULL. The caller's to delete.
cJSON *journal_replies(const struct em_case *c, const struct em_reply *replies,
                       const char *rewrite_text);
// The replies out of "pre" or "post" of a line, [num_questions], their texts in `a`.
EM_MUST_CHECK enum em_status journal_read_replies(const struct json *line, const char *key,
                                                  const struct em_case *c, struct arena *a,
                                                  struct em_reply *replies);

// A line without pre, post and series.
cJSON *journal_case(const struct em_case *c);
cJSON *journal_series(const struct session_series *series, int num);

// The whole lines of a journal file, in order; a last line that a crash cut off is taken away from
// the file. Absent: none.
EM_MUST_CHECK enum em_status journal_read_lines(struct log *log, struct arena *a, const char *path,
                                                const char ***lines, int *num);
// Takes all but the first `keep` of the lines that were read away from the file.
EM_MUST_CHECK enum em_status journal_keep_lines(struct log *log, const char *path,
                                                const char *const *lines, int num, int keep);
// Adds the members of a list as lines, all or none.
EM_MUST_CHECK enum em_status journal_append(struct log *log, const char *path, const cJSON *lines);

#endif
