// Rows of the residual stream, kept from pass to pass; see residual.h.

#include "session/store/residual.h"

#include <stdlib.h>
#include <string.h>

static const char *state_below(const struct em_session *s, bool unedited, int layer)
{
    return unedited ? s->model_hash : session_state_below(s, layer);
}

const struct residual *residual_find(struct em_session *s, const char forest[HASH_SIZE],
                                     bool unedited, int layer)
{
    struct residuals *all = &s->residuals;
    struct residual *found = NULL;
    for (size_t i = 0; i < all->num; i++) {
        struct residual *r = &all->items[i];
        if (r->layer <= layer && (!found || r->layer > found->layer) &&
            strcmp(r->forest, forest) == 0 &&
            strcmp(r->below, state_below(s, unedited, r->layer)) == 0)
            found = r;
    }
    if (found)
        found->used = ++all->clock;
    return found;
}

static void drop(struct residuals *all, struct residual *r)
{
    all->bytes -= r->bytes;
    free(r->rows); // NOLINT(clang-analyzer-unix.Malloc): no two have the same rows
    *r = all->items[--all->num];
}

// Drops the longest unused, but nothing that has been used since edits were last expected: who asks
// the same prompts in turn comes to the longest unused next.
static bool make_room(struct residuals *all, uint64_t limit, uint64_t bytes)
{
    if (bytes > limit)
        return false;
    while (all->bytes + bytes > limit) {
        struct residual *oldest = all->items;
        for (size_t i = 1; i < all->num; i++)
            if (all->items[i].used < oldest->used)
                oldest = &all->items[i];
        if (oldest->used > all->expected)
            return false;
        drop(all, oldest);
    }
    return true;
}

void residual_keep(struct em_session *s, const char forest[HASH_SIZE], bool unedited, int layer,
                   struct tensor rows)
{
    struct residuals *all = &s->residuals;
    const uint64_t bytes = rows.mem.size;
    if (!make_room(all, s->residual_limit, bytes))
        return;
    float *copy = malloc(bytes);
    if (!copy)
        return;
    memcpy(copy, gpu_buf_at(rows.mem), bytes);
    struct residual *r = arena_push(s->life, all);
    *r = (struct residual) {.layer = layer, .bytes = bytes, .rows = copy, .used = ++all->clock};
    memcpy(r->forest, forest, HASH_SIZE);
    memcpy(r->below, state_below(s, unedited, layer), HASH_SIZE);
    all->bytes += bytes;
}

void residual_destroy(struct em_session *s)
{
    while (s->residuals.num)
        drop(&s->residuals, s->residuals.items);
}

void session_expect_edits(struct em_session *s, int layer)
{
    s->first_edited = layer;
    s->residuals.expected = s->residuals.clock;
}
