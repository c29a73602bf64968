// Keys that were met; see seen.h.

#include "experiment/sweep/estimate/seen.h"

#include <string.h>

#include "plugin/options.h"

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

static bool is_like(const struct seen_rows *a, const struct seen_rows *b)
{
    return a->files == b->files && a->facts == b->facts && a->cut == b->cut;
}

int seen_begin(struct arena *a, struct seen_rows **list, const struct experiment *e, int size,
               int end)
{
    int num, begin = 0;
    const int *layers = options_layers(a, e->spec.algorithm->options, e->spec.options, &num);
    const struct seen_rows asked = {
        .files = e->files,
        .facts = e->data.facts,
        .cut = size % CHUNK && size < e->data.num ? size : CHUNK,
        .layer = num ? layers[0] : 0,
        .next = *list,
    };
    struct seen_rows *own = NULL;
    for (struct seen_rows *s = *list; s; s = s->next) {
        if (!is_like(s, &asked) || s->layer > asked.layer)
            continue;
        own = s->layer == asked.layer ? s : own;
        begin = s->end >= end && s->layer > begin ? s->layer : begin;
    }
    if (!own) {
        own = *list = arena_new(a, struct seen_rows);
        *own = asked;
    }
    own->end = own->end > end ? own->end : end;
    return begin;
}
