// Values of facts found and put: imported ones first, then those of the newest chunk that the fact
// was prepared with, then what was put outside any chunk.

#include "session/store/store.h"

#include <stdlib.h>
#include <string.h>

struct store *store_of(struct em_session *s)
{
    if (!s->store) {
        s->store = arena_new(s->life, struct store);
        s->store->a = arena_create();
    }
    return s->store;
}

void store_destroy(struct em_session *s)
{
    struct store *store = s->store;
    if (!store)
        return;
    for (struct chunk *next; store->chunks; store->chunks = next) {
        next = store->chunks->next;
        chunk_destroy(&store->chunks);
    }
    chunk_destroy(&store->strays);
    for (size_t i = 0; i < store->imports.num; i++)
        st_close(&store->imports.items[i].file);
    arena_destroy(&store->a);
    s->store = NULL;
}

void session_store_key(struct em_session *s, const char *options_text, const char *set)
{
    s->store_set = set ? arena_copy(s->life, set) : NULL;
    s->store_options = arena_copy(s->life, options_text);
}

void session_values_forget(struct em_session *s)
{
    if (s->store)
        chunk_destroy(&s->store->strays);
}

bool store_is_open(const struct em_session *s)
{
    return s->store && s->store->open;
}

void store_context(struct em_session *s, char context[HASH_SIZE])
{
    const struct store *store = store_of(s);
    struct hash *h = hash_begin();
    hash_text(h, "values 1");
    hash_text(h, s->store_options ? s->store_options : "");
    hash_text(h, s->entry_hash);
    session_hash_arithmetic(s, h);
    for (int i = 0; i < s->num_sets; i++) {
        if (s->store_set && strcmp(s->store_set, s->sets[i].name) != 0)
            continue;
        hash_text(h, s->sets[i].name);
        hash_bytes(h, &s->sets[i].num, sizeof(s->sets[i].num));
        for (int k = 0; k < s->sets[i].num; k++)
            hash_text(h, s->sets[i].texts[k]);
    }
    for (size_t i = 0; i < store->imports.num; i++)
        hash_text(h, store->imports.items[i].hash);
    hash_end(h, context);
}

// --- values of a file

static int compare_names(const void *left, const void *right)
{
    const struct st_tensor *l = left, *r = right;
    return strcmp(l->name, r->name);
}

static const struct st_tensor *find_import(struct em_session *s, const struct em_fact *fact,
                                           const char *name)
{
    const struct st_tensor like = {
        .name = arena_print(s->call, "%s.%s", name, fact->id ? fact->id : "")};
    const struct st_tensor *t = NULL;
    for (size_t i = 0; i < s->store->imports.num && !t; i++) {
        const struct st_file *f = &s->store->imports.items[i].file;
        t = f->num ? bsearch(&like, f->tensors, (size_t) f->num, sizeof(like), compare_names)
                   : NULL;
    }
    return t;
}

// z and values are as wide as the model, keys as its feed-forward part.
static enum em_status check_import(struct em_session *s, const char *path,
                                   const struct st_tensor *t)
{
    const bool key = strncmp(t->name, "key", 3) == 0;
    const int want = key ? s->config->ffn : s->config->dim;
    if (t->type != ST_F32)
        return em_fail(s, EM_ERR_CONFIG, "%s: %s is %s; imported values are F32", path, t->name,
                       t->type_name);
    if ((key || t->name[0] == 'z') && t->size != (uint64_t) want * sizeof(float))
        return em_fail(s, EM_ERR_CONFIG, "%s: %s has %llu values; of this model a %s has %d", path,
                       t->name, (unsigned long long) (t->size / sizeof(float)), key ? "key" : "z",
                       want);
    return EM_OK;
}

enum em_status session_store_import(struct em_session *s, const char *path)
{
    struct store *store = store_of(s);
    struct store_import *import = arena_push(store->a, &store->imports);
    *import = (struct store_import) {0};
    EM_TRY(hash_file(s->log, path, import->hash));
    EM_TRY(st_open(s->log, store->a, path, &import->file));
    const struct st_file *f = &import->file;
    for (int i = 0; i < f->num; i++)
        EM_TRY(check_import(s, path, &f->tensors[i]));
    if (f->num)
        qsort(f->tensors, (size_t) f->num, sizeof(*f->tensors), compare_names);
    return EM_OK;
}

// --- values of chunks

// Where the values of a fact are, or NULL.
static struct known_fact *find_home(const struct store *store, const char *context, const char *key)
{
    if (store->open)
        return chunk_find(store->open, key);
    struct known_fact *fact = NULL;
    for (const struct chunk *c = store->chunks; c && !fact; c = c->next)
        if (strcmp(c->context, context) == 0)
            fact = chunk_find(c, key);
    return fact;
}

static struct known_fact *find_stray(const struct store *store, const char *context,
                                     const char *key)
{
    const struct chunk *strays = store->strays;
    return strays && strcmp(strays->context, context) == 0 ? chunk_find(strays, key) : NULL;
}

bool em_store_get(struct em_session *s, const struct em_fact *fact, const char *name, float *out,
                  size_t count)
{
    struct store *store = store_of(s);
    const struct st_tensor *t = find_import(s, fact, name);
    if (t && t->type == ST_F32 && t->size == count * sizeof(float)) {
        memcpy(out, t->data, t->size);
        return true;
    }
    char key[HASH_SIZE], context[HASH_SIZE];
    chunk_fact_key(fact, key);
    store_context(s, context);
    const struct known_fact *home = find_home(store, context, key);
    const struct value *v = home ? chunk_get(home, name) : NULL;
    if (!v && !(home && store->open)) {
        home = find_stray(store, context, key);
        v = home ? chunk_get(home, name) : NULL;
    }
    if (!v || v->count != count)
        return false;
    memcpy(out, v->at, count * sizeof(float));
    return true;
}

enum em_status em_store_put(struct em_session *s, const struct em_fact *fact, const char *name,
                            const float *values, size_t count)
{
    struct store *store = store_of(s);
    const struct value value = {.name = name, .at = values, .count = count};
    char key[HASH_SIZE], context[HASH_SIZE];
    chunk_fact_key(fact, key);
    store_context(s, context);
    struct known_fact *known = store->open ? chunk_find(store->open, key) : NULL;
    struct chunk *chunk = store->open;
    if (!known) {
        if (store->strays && strcmp(store->strays->context, context) != 0)
            chunk_destroy(&store->strays);
        if (!store->strays)
            store->strays = chunk_create(context);
        chunk = store->strays;
        if (!chunk_find(chunk, key))
            chunk_add_fact(chunk, key);
        known = chunk_find(chunk, key);
    }
    chunk_put(chunk, known, &value);
    return EM_OK;
}

// --- values to a file

struct export
{
    struct arena *a;
    struct st_tensor *items;
    size_t num, cap;
};

static void add_export(struct export *to, const char *name, const void *data, size_t count)
{
    *arena_push(to->a, to) = (struct st_tensor) {
        .name = name, .type = ST_F32, .num_dims = 1, .dims = {count}, .data = data};
}

static void export_imports(struct em_session *s, const struct em_fact *fact, struct export *to)
{
    for (size_t i = 0; i < s->store->imports.num; i++)
        for (int k = 0; k < s->store->imports.items[i].file.num; k++) {
            const struct st_tensor *t = &s->store->imports.items[i].file.tensors[k];
            const char *dot = strchr(t->name, '.');
            if (!dot || strcmp(dot + 1, fact->id) != 0)
                continue;
            const char *name = arena_print(to->a, "%.*s", (int) (dot - t->name), t->name);
            if (find_import(s, fact, name) == t) // not one that an earlier file has
                add_export(to, t->name, t->data, t->size / sizeof(float));
        }
}

// Those of `known` that are neither imported nor a value of `before`.
static void export_known(struct em_session *s, const struct em_fact *fact,
                         const struct known_fact *known, const struct known_fact *before,
                         struct export *to)
{
    for (const struct value *v = known ? known->values : NULL; v; v = v->next)
        if (!find_import(s, fact, v->name) && !(before && chunk_get(before, v->name)))
            add_export(to, arena_print(to->a, "%s.%s", v->name, fact->id), v->at, v->count);
}

enum em_status session_store_export(struct em_session *s, const struct em_fact *facts, int n,
                                    const char *path)
{
    struct store *store = store_of(s);
    struct export to = {.a = arena_create()};
    char key[HASH_SIZE], context[HASH_SIZE];
    store_context(s, context);
    for (int i = 0; i < n; i++) {
        chunk_fact_key(&facts[i], key);
        const struct known_fact *home = find_home(store, context, key);
        export_imports(s, &facts[i], &to);
        export_known(s, &facts[i], home, NULL, &to);
        export_known(s, &facts[i], find_stray(store, context, key), home, &to);
    }
    if (to.num) // in an order that does not tell how they were come by
        qsort(to.items, to.num, sizeof(*to.items), compare_names);
    const enum em_status status = st_write(s->log, path, to.items, (int) to.num, NULL);
    arena_destroy(&to.a);
    return status;
}
