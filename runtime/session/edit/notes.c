// What has been done to a session's model: the list of changes, rows that algorithms keep, and the
// state's hash, a chain of SHA-256 from the model's own. See session.h.

#include <string.h>

#include "session/edit/edit.h"

static size_t left_size(const struct session_edit *e)
{
    return (size_t) e->n * (size_t) e->rows * sizeof(float);
}

static size_t right_size(const struct session_edit *e)
{
    return (size_t) e->n * (size_t) e->cols * sizeof(float);
}

void edit_hash(const struct session_edit *e, char state[HASH_SIZE])
{
    struct hash *h = hash_begin();
    const int place[] = {(int) e->kind, (int) e->matrix, e->layer, e->n, e->rows, e->cols};
    hash_text(h, state);
    hash_bytes(h, place, sizeof(place));
    hash_text(h, e->name ? e->name : "");
    hash_bytes(h, e->left, left_size(e));
    hash_bytes(h, e->right, right_size(e));
    hash_end(h, state);
}

void edit_note(struct em_session *s, const struct session_edit *e)
{
    struct edit *at = arena_new(s->edits_arena, struct edit);
    at->e = *e;
    if (e->kind != SESSION_KEEP)
        at->e.right = arena_copy_bytes(s->edits_arena, e->right, right_size(e));
    if (e->left)
        at->e.left = arena_copy_bytes(s->edits_arena, e->left, left_size(e));
    edit_hash(&at->e, s->state_hash);
    memcpy(at->state, s->state_hash, sizeof(at->state));
    if (!s->edits_tail)
        s->edits_tail = &s->edits;
    *s->edits_tail = at;
    s->edits_tail = &at->next;
    s->num_edits++;
}

void session_state_reset(struct em_session *s)
{
    arena_clear(s->edits_arena);
    s->edits = NULL;
    s->edits_tail = NULL;
    s->num_edits = 0;
    s->kept = NULL;
    memcpy(s->state_hash, s->model_hash, sizeof(s->state_hash));
}

const char *session_state_hash(struct em_session *s)
{
    return s->state_hash;
}

const char *session_state_below(const struct em_session *s, int layer)
{
    const char *state = s->model_hash;
    for (const struct edit *e = s->edits; e; e = e->next)
        if (e->e.kind != SESSION_KEEP && e->e.layer < layer)
            state = e->state;
    return state;
}

const struct session_edit *session_edits(struct em_session *s, int *num)
{
    struct session_edit *list =
        arena_array(s->edits_arena, struct session_edit, (size_t) s->num_edits + 1);
    int i = 0;
    for (const struct edit *e = s->edits; e; e = e->next)
        list[i++] = e->e;
    *num = i;
    return list;
}

// --- kept rows

static struct kept_rows *find_kept(const struct em_session *s, const char *name)
{
    struct kept_rows *k = s->kept;
    while (k && strcmp(k->name, name) != 0)
        k = k->next;
    return k;
}

// Room for `add` more floats, doubled so that a long sequence of edits copies little; old places
// stay as they are in the arena, and notes of earlier rows point to them.
static float *grow(struct em_session *s, struct kept_rows *k, size_t add)
{
    const size_t old = (size_t) k->num * (size_t) k->width;
    if (old + add > k->cap) {
        const size_t cap = old + add > 2 * k->cap ? old + add : 2 * k->cap;
        float *all = arena_array(s->edits_arena, float, cap);
        if (old)
            memcpy(all, k->rows, old * sizeof(float));
        k->rows = all;
        k->cap = cap;
    }
    return k->rows + old;
}

enum em_status em_keep(struct em_session *s, const char *name, const float *rows, int num,
                       int width)
{
    struct kept_rows *k = find_kept(s, name);
    if (k && k->width != width)
        return em_fail(s, EM_ERR_CONFIG, "rows of \"%s\" have %d values, not %d", name, k->width,
                       width);
    if (!k) {
        k = arena_new(s->edits_arena, struct kept_rows);
        *k = (struct kept_rows) {
            .name = arena_copy(s->edits_arena, name), .width = width, .next = s->kept};
        s->kept = k;
    }
    const size_t add = (size_t) num * (size_t) width;
    float *to = grow(s, k, add);
    memcpy(to, rows, add * sizeof(float));
    k->num += num;
    edit_note(s, &(struct session_edit) {
                     .kind = SESSION_KEEP, .name = k->name, .n = num, .cols = width, .right = to});
    return EM_OK;
}

enum em_status em_kept(struct em_session *s, const char *name, const float **rows, int *num,
                       int *width)
{
    const struct kept_rows *k = find_kept(s, name);
    *rows = k ? k->rows : NULL;
    *num = k ? k->num : 0;
    *width = k ? k->width : 0;
    return EM_OK;
}
