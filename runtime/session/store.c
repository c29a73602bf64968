// Values of facts by content: the key is made of the fact, the value's name, the options that
// matter, the templates, the model's state when the entry point was called, and the numeric
// profile.

#include "session/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "model/safetensors.h"

struct entry {
    char key[HASH_SIZE];
    float *values;
    size_t count;
    struct entry *next;
};

enum { BUCKETS = 4096, MAX_IMPORTS = 16 };

struct store {
    struct arena *a;
    struct entry *buckets[BUCKETS];
    struct st_file imports[MAX_IMPORTS];
    int num_imports;
};

static struct store *open_store(struct em_session *s)
{
    if (!s->store) {
        s->store = calloc(1, sizeof(*s->store));
        if (!s->store)
            abort(); // 32 KiB
        s->store->a = arena_create();
    }
    return s->store;
}

void store_destroy(struct store **store)
{
    if (!*store)
        return;
    for (int i = 0; i < (*store)->num_imports; i++)
        st_close(&(*store)->imports[i]);
    arena_destroy(&(*store)->a);
    free(*store);
    *store = NULL;
}

void session_store_key(struct em_session *s, const char *options_text)
{
    s->store_options = arena_copy(s->life, options_text);
}

static void hash_or_null(struct hash *h, const char *text)
{
    hash_text(h, text ? text : "\1");
}

static void make_key(struct em_session *s, const struct em_fact *fact, const char *name,
                     char key[HASH_SIZE])
{
    struct hash *h = hash_begin();
    hash_text(h, name);
    hash_or_null(h, fact->prompt);
    hash_or_null(h, fact->subject);
    hash_or_null(h, fact->target_new);
    hash_or_null(h, s->store_options);
    hash_text(h, s->entry_hash);
    hash_text(h, s->profile);
    hash_text(h, s->bos ? "bos" : "no bos");
    for (int i = 0; i < s->num_sets; i++) {
        hash_text(h, s->sets[i].name);
        for (int k = 0; k < s->sets[i].num; k++)
            hash_text(h, s->sets[i].texts[k]);
    }
    hash_end(h, key);
}

static struct entry **bucket(struct store *store, const char *key)
{
    char digits[4] = {key[0], key[1], key[2], 0};
    return &store->buckets[strtoul(digits, NULL, 16) % BUCKETS];
}

static const struct st_tensor *find_import(struct em_session *s, const struct em_fact *fact,
                                           const char *name)
{
    const char *full = arena_print(s->call, "%s.%s", name, fact->id ? fact->id : "");
    for (int i = 0; i < s->store->num_imports; i++) {
        const struct st_tensor *t = st_find(&s->store->imports[i], full);
        if (t)
            return t;
    }
    return NULL;
}

bool em_store_get(struct em_session *s, const struct em_fact *fact, const char *name, float *out,
                  size_t count)
{
    struct store *store = open_store(s);
    const struct st_tensor *t = find_import(s, fact, name);
    if (t && t->type == ST_F32 && t->size == count * sizeof(float)) {
        memcpy(out, t->data, t->size);
        return true;
    }
    char key[HASH_SIZE];
    make_key(s, fact, name, key);
    for (const struct entry *e = *bucket(store, key); e; e = e->next)
        if (e->count == count && strcmp(e->key, key) == 0) {
            memcpy(out, e->values, count * sizeof(float));
            return true;
        }
    return false;
}

enum em_status em_store_put(struct em_session *s, const struct em_fact *fact, const char *name,
                            const float *values, size_t count)
{
    struct store *store = open_store(s);
    struct entry *e = arena_new(store->a, struct entry);
    make_key(s, fact, name, e->key);
    e->values = arena_copy_bytes(store->a, values, count * sizeof(float));
    e->count = count;
    struct entry **at = bucket(store, e->key);
    e->next = *at;
    *at = e;
    return EM_OK;
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
    struct store *store = open_store(s);
    if (store->num_imports == MAX_IMPORTS)
        return em_fail(s, EM_ERR_CONFIG, "%s: more than %d files of values", path, MAX_IMPORTS);
    struct st_file *f = &store->imports[store->num_imports];
    EM_TRY(st_open(s->log, store->a, path, f));
    store->num_imports++;
    for (int i = 0; i < f->num; i++)
        EM_TRY(check_import(s, path, &f->tensors[i]));
    return EM_OK;
}
