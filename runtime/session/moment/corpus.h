// A corpus as token sequences: documents of text or JSON-lines files, cut to pieces, until enough
// tokens are read.

#ifndef SESSION_CORPUS_H
#define SESSION_CORPUS_H

#include "session/internal.h"

struct corpus {
    struct arena *a;
    struct em_prompt *docs;
    int num, longest;
};

// At most `tokens` tokens (the last document is cut) in documents of from->max_length, which
// is not 0; an error if there are fewer than F.
EM_MUST_CHECK enum em_status corpus_read(struct em_session *s, const struct session_corpus *from,
                                         uint64_t tokens, struct corpus *out);
void corpus_free(struct corpus *corpus);

#endif
