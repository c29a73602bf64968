// Chunks of facts that are prepared together: one file of values, computed whole, kept whole and
// found whole.

#include "session/store/store.h"

#include <stdlib.h>
#include <string.h>

struct chunk *chunk_create(const char context[HASH_SIZE])
{
    struct arena *a = arena_create();
    struct chunk *chunk = arena_new(a, struct chunk);
    chunk->a = a;
    memcpy(chunk->context, context, HASH_SIZE);
    return chunk;
}

void chunk_destroy(struct chunk **chunk)
{
    if (!*chunk)
        return;
    cache_close(&(*chunk)->entry);
    struct arena *a = (*chunk)->a; // holds *chunk
    arena_destroy(&a);
    *chunk = NULL;
}

static void hash_or_null(struct hash *h, const char *text)
{
    hash_text(h, text ? text : "\1");
}

void chunk_fact_key(const struct em_fact *fact, char key[HASH_SIZE])
{
    struct hash *h = hash_begin();
    hash_or_null(h, fact->prompt);
    hash_or_null(h, fact->subject);
    hash_or_null(h, fact->target_new);
    hash_end(h, key);
}

void chunk_add_fact(struct chunk *chunk, const char key[HASH_SIZE])
{
    struct known_fact *fact = arena_push(chunk->a, &chunk->facts);
    *fact = (struct known_fact) {0};
    memcpy(fact->key, key, HASH_SIZE);
}

struct known_fact *chunk_find(const struct chunk *chunk, const char key[HASH_SIZE])
{
    for (size_t i = 0; i < chunk->facts.num; i++)
        if (memcmp(chunk->facts.items[i].key, key, HASH_SIZE) == 0)
            return &chunk->facts.items[i];
    return NULL;
}

const struct value *chunk_get(const struct known_fact *fact, const char *name)
{
    const struct value *v = fact->values;
    while (v && strcmp(v->name, name) != 0)
        v = v->next;
    return v;
}

static void link_value(struct chunk *chunk, struct known_fact *fact, const struct value *value)
{
    struct value *v = (struct value *) chunk_get(fact, value->name);
    if (!v) {
        v = arena_new(chunk->a, struct value);
        v->next = fact->values;
        v->name = arena_copy(chunk->a, value->name);
        fact->values = v;
    }
    v->at = value->at;
    v->count = value->count;
}

void chunk_put(struct chunk *chunk, struct known_fact *fact, const struct value *value)
{
    struct value copy = *value;
    copy.at = arena_copy_bytes(chunk->a, value->at, value->count * sizeof(float));
    link_value(chunk, fact, &copy);
}

// --- its file: tensors NAME.PLACE, the place of the fact in the chunk

static void make_key(const struct chunk *chunk, char key[HASH_SIZE])
{
    struct hash *h = hash_begin();
    hash_text(h, chunk->context);
    for (size_t i = 0; i < chunk->facts.num; i++)
        hash_text(h, chunk->facts.items[i].key);
    hash_end(h, key);
}

// The values stay where the file is mapped.
static enum em_status load(struct em_session *s, struct chunk *chunk)
{
    struct st_file f;
    const struct cache_entry *e = &chunk->entry;
    EM_TRY(st_parse(s->log, chunk->a, e->folder, e->data, e->size, &f));
    for (int i = 0; i < f.num; i++) {
        const struct st_tensor *t = &f.tensors[i];
        char *name = arena_copy(chunk->a, t->name), *dot = strrchr(name, '.');
        const size_t place = dot ? strtoul(dot + 1, NULL, 10) : SIZE_MAX;
        if (place >= chunk->facts.num || t->type != ST_F32)
            return em_fail(s, EM_ERR_IO, "%s: %s is no value of a chunk of %zu facts", e->folder,
                           t->name, chunk->facts.num);
        *dot = 0;
        const struct value value = {
            .name = name, .at = (const float *) t->data, .count = t->size / sizeof(float)};
        link_value(chunk, &chunk->facts.items[place], &value);
    }
    return EM_OK;
}

static void keep(struct chunk *chunk)
{
    struct {
        struct st_tensor *items;
        size_t num, cap;
    } tensors = {0};
    struct arena *a = arena_create();
    for (size_t i = 0; i < chunk->facts.num; i++)
        for (const struct value *v = chunk->facts.items[i].values; v; v = v->next)
            *arena_push(a, &tensors) =
                (struct st_tensor) {.name = arena_print(a, "%s.%zu", v->name, i),
                                    .type = ST_F32,
                                    .num_dims = 1,
                                    .dims = {v->count},
                                    .data = (const uint8_t *) v->at};
    int num;
    const struct file_part *parts = st_parts(a, tensors.items, (int) tensors.num, NULL, &num);
    cache_put(&chunk->entry, parts, num);
    arena_destroy(&a);
}

// --- the chunks of a session

// A chunk of these facts without values, and the key of its file.
static struct chunk *name_chunk(const char context[HASH_SIZE], const struct em_fact *facts, int n,
                                char key[HASH_SIZE])
{
    struct chunk *chunk = chunk_create(context);
    for (int i = 0; i < n; i++) {
        chunk_fact_key(&facts[i], key);
        chunk_add_fact(chunk, key);
    }
    make_key(chunk, key);
    return chunk;
}

// The same with its key locked or its file mapped.
static enum em_status open_chunk(struct em_session *s, const char context[HASH_SIZE],
                                 const struct em_fact *facts, int n, struct chunk **out)
{
    char key[HASH_SIZE];
    struct chunk *chunk = *out = name_chunk(context, facts, n, key);
    EM_TRY(cache_open(s->cache, "values", key, &chunk->entry));
    return chunk->entry.data ? load(s, chunk) : EM_OK;
}

bool session_chunk_is_kept(struct em_session *s, const struct em_fact *facts, int n)
{
    char key[HASH_SIZE], context[HASH_SIZE];
    store_context(s, context);
    struct chunk *chunk = name_chunk(context, facts, n, key);
    chunk_destroy(&chunk);
    return cache_has(s->cache, "values", key);
}

static bool is_of(const struct chunk *chunk, const struct em_fact *facts, int n)
{
    bool same = chunk->facts.num == (size_t) n;
    for (int i = 0; i < n && same; i++) {
        char key[HASH_SIZE];
        chunk_fact_key(&facts[i], key);
        same = memcmp(chunk->facts.items[i].key, key, HASH_SIZE) == 0;
    }
    return same;
}

// Takes the chunk of these facts out of the list, if it is there. Chunks of another context are of
// no use any more: they are on disk, or belong to a model that has been edited since.
static struct chunk *take_out(struct store *store, const char context[HASH_SIZE],
                              const struct em_fact *facts, int n)
{
    struct chunk *found = NULL;
    for (struct chunk **at = &store->chunks; *at;) {
        struct chunk *c = *at;
        const bool useless = strcmp(c->context, context) != 0;
        const bool taken = !useless && !found && is_of(c, facts, n);
        if (useless || taken)
            *at = c->next;
        else
            at = &c->next;
        if (useless)
            chunk_destroy(&c);
        if (taken)
            found = c;
    }
    return found;
}

enum em_status session_chunk_begin(struct em_session *s, const struct em_fact *facts, int n)
{
    struct store *store = store_of(s);
    char context[HASH_SIZE];
    store_context(s, context);
    struct chunk *chunk = take_out(store, context, facts, n);
    enum em_status status = EM_OK;
    if (!chunk)
        status = open_chunk(s, context, facts, n, &chunk);
    if (status != EM_OK) {
        chunk_destroy(&chunk);
        return status;
    }
    chunk->next = store->chunks;
    store->open = store->chunks = chunk;
    return EM_OK;
}

// What was computed is from now on read from the file that it was written to.
static enum em_status close_chunk(struct em_session *s, struct chunk *chunk)
{
    if (chunk->entry.lock < 0)
        return EM_OK; // it was found, or nothing can be kept
    keep(chunk);
    if (!chunk->entry.data)
        return EM_OK;
    struct chunk *mapped = chunk_create(chunk->context);
    for (size_t i = 0; i < chunk->facts.num; i++)
        chunk_add_fact(mapped, chunk->facts.items[i].key);
    mapped->entry = chunk->entry;
    mapped->next = chunk->next;
    chunk->entry = (struct cache_entry) {.lock = -1};
    s->store->chunks = mapped;
    chunk_destroy(&chunk);
    return load(s, mapped);
}

enum em_status session_chunk_end(struct em_session *s, enum em_status status)
{
    struct store *store = s->store;
    struct chunk *chunk = store->open;
    store->open = NULL;
    if (status == EM_OK)
        return close_chunk(s, chunk);
    store->chunks = chunk->next;
    chunk_destroy(&chunk);
    return status;
}
