// Keys that were met; see seen.h.

#include "experiment/sweep/estimate/seen.h"

#include <string.h>

bool seen_before(struct arena *a, struct seen **list, const char *key)
{
    for (const struct seen *s = *list; s; s = s->next)
        if (strcmp(s->key, key) == 0)
            return true;
    struct seen *s = arena_new(a, struct seen);
    *s = (struct seen) {key, *list};
    *list = s;
    return false;
}
