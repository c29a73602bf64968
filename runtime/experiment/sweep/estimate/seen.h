// Work that points share, by key: counted where it is met first.

#ifndef EXPERIMENT_SEEN_H
#define EXPERIMENT_SEEN_H

#include "base/arena.h"

struct seen {
    const char *key;
    struct seen *next;
};

// Whether the key is in the list; it is from here on.
bool seen_before(struct arena *a, struct seen **list, const char *key);

#endif
