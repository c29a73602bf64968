// Reference texts as they are published with CounterFact (attribute_snippets.json): for a relation
// and a target, texts about subjects of which the target is true.
//
//   [{"relation_id": "P103", "target_id": "Q1860", "samples": [{"text": "..."}, ...]}, ...]

#ifndef EXPERIMENT_SNIPPETS_H
#define EXPERIMENT_SNIPPETS_H

#include "base/text/json.h"

struct snippets;

// In the caller's arena.
EM_MUST_CHECK enum em_status snippets_read(struct log *log, struct arena *a, const char *path,
                                           const struct snippets **out);

// The texts filed under both names, ends with NULL; NULL if there are none.
const char *const *snippets_find(const struct snippets *s, const char *relation,
                                 const char *target);

#endif
