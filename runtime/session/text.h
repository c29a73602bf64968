// Text to prompts and back, for the files of this folder.

#ifndef SESSION_TEXT_H
#define SESSION_TEXT_H

#include "base/number/random.h"
#include "session/internal.h"

// `prompt` and behind it the tokens of `target`; subject_last is the prompt's
// last token.
EM_MUST_CHECK enum em_status session_question(struct em_session *s, const char *prompt,
                                              const char *target, struct em_prompt *out);

// The ids of `text`, BOS in front where it is on.
EM_MUST_CHECK enum em_status session_encode(struct em_session *s, const char *text, int **ids,
                                            int *num);

// As em_generate, with the caller's chance.
EM_MUST_CHECK enum em_status session_generate(struct em_session *s, const char *const *prompts,
                                              int num, int length, int top_k, struct random *chance,
                                              const char **out);

#endif
