// What the model said, kept on disk by what it was asked: answers and texts.
//
//   struct hash *h = kept_hash(s, "..."); ... what it is asked ...
//   EM_TRY(kept_texts_open(s, h, num, texts, &e));
//   status = e.data ? EM_OK : ask(s, ...);
//   if (status == EM_OK)
//       kept_texts_put(s, num, texts, &e);
//   cache_close(&e);

#ifndef SESSION_KEPT_H
#define SESSION_KEPT_H

#include "session/internal.h"

// Begins the key of something that the model as it stands says.
struct hash *kept_hash(const struct em_session *s, const char *what);

// End the key; what is found is copied out.
EM_MUST_CHECK enum em_status kept_answers_open(struct em_session *s, struct hash *h, int num,
                                               struct em_answer *answers, struct cache_entry *e);
EM_MUST_CHECK enum em_status kept_texts_open(struct em_session *s, struct hash *h, int num,
                                             const char **texts, struct cache_entry *e);

// Without effect on an entry that has data, or is all zero.
void kept_answers_put(struct em_session *s, int num, const struct em_answer *answers,
                      struct cache_entry *e);
void kept_texts_put(struct em_session *s, int num, const char *const *texts, struct cache_entry *e);

#endif
