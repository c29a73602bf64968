// Work that points share, by key: counted where it is met first.

#ifndef EXPERIMENT_SEEN_H
#define EXPERIMENT_SEEN_H

#include "experiment/internal.h"

struct seen {
    const char *key;
    struct seen *next;
};

// Whether the key is in the list; it is from here on.
bool seen_before(struct arena *a, struct seen **list, const char *key);

struct seen_rows { // cases [0, end) were asked, `cut` at once; what entered `layer` is kept
    const void *files, *facts;
    int cut, layer, end;
    struct seen_rows *next;
};

// The layer that a pass over cases up to `end` begins at, of batches of `size` (CHUNK: of none):
// the first that the experiment edits, once another pass over them has left what enters it, or one
// below. From here on this pass has.
int seen_begin(struct arena *a, struct seen_rows **list, const struct experiment *e, int size,
               int end);

#endif
