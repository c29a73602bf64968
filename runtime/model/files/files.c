// An open model: its configuration, tensors, hash and tokenizer; see files.h.

#include "model/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text/read.h"
#include "base/text/words.h"
#include "base/workers.h"
#include "model/hub.h"
#include "model/files/parts.h"

static enum em_status open_files(struct model_files *m)
{
    if (!file_exists(m->path))
        return log_fail(m->log, EM_ERR_CONFIG, "%s: there is no such folder or file", m->path);
    if (file_is_folder(m->path)) {
        m->container = CONTAINER_HF;
        return files_read_folder(m);
    }
    if (text_ends_with(m->path, ".safetensors"))
        return log_fail(m->log, EM_ERR_CONFIG,
                        "%s: is one file of a model; give the folder that has its config.json",
                        m->path);
    m->container = CONTAINER_GGUF;
    return files_read_gguf(m);
}

struct model_files *model_files_open(struct log *log, const char *path)
{
    struct arena *a = arena_create();
    struct model_files *m = arena_new(a, struct model_files);
    char *own = arena_copy(a, path);
    for (size_t i = strlen(own); i > 1 && own[i - 1] == '/'; i--)
        own[i - 1] = 0;
    m->log = log;
    m->a = a;
    m->path = own;
    const char *repository = hub_name(a, own);
    char *name = arena_copy(a, path_name(repository ? repository : own));
    if (text_ends_with(name, ".gguf"))
        name[strlen(name) - strlen(".gguf")] = 0;
    m->name = name;
    if (open_files(m) != EM_OK)
        model_files_close(&m);
    return m;
}

void model_files_close(struct model_files **files)
{
    struct model_files *m = *files;
    if (!m)
        return;
    tokenizer_destroy(&m->tokenizer);
    for (int i = 0; m->shards && i < m->num_weight_files; i++)
        st_close(&m->shards[i]);
    for (int i = 1; m->gguf_rest && i < m->num_weight_files; i++)
        gguf_close(&m->gguf_rest[i - 1]);
    gguf_close(&m->gguf);
    struct arena *a = m->a; // holds *m itself
    arena_destroy(&a);
    *files = NULL;
}

const struct model_config *model_files_config(const struct model_files *m)
{
    return &m->config;
}

const char *model_files_name(const struct model_files *m)
{
    return m->name;
}

const struct file_tensor *model_files_tensor(const struct model_files *m, const char *name)
{
    for (int i = 0; i < m->num_tensors; i++)
        if (strcmp(m->tensors[i].name, name) == 0)
            return &m->tensors[i];
    return NULL;
}

int model_files_count(const struct model_files *m)
{
    return m->num_tensors;
}

const struct file_tensor *model_files_at(const struct model_files *m, int i)
{
    return &m->tensors[i];
}

const char *const *model_files_weights(const struct model_files *m, int *num)
{
    *num = m->num_weight_files;
    return m->weight_files;
}

// What the hash of files is remembered by: their paths, sizes and times, and what was looked at
// before it was remembered.
static enum em_status make_memory_key(const struct model_files *m, char key[HASH_SIZE])
{
    struct hash *h = hash_begin();
    enum em_status status = EM_OK;
    hash_text(h, "finite");
    for (int i = 0; i < m->num_weight_files && status == EM_OK; i++) {
        struct stat st;
        char *path = realpath(m->weight_files[i], NULL);
        if (path && stat(path, &st) == 0) {
            hash_text(h, path);
            hash_bytes(h, &st.st_size, sizeof(st.st_size));
            hash_bytes(h, &st.st_mtim, sizeof(st.st_mtim));
        } else {
            status = log_fail(m->log, EM_ERR_IO, "%s: can no longer be found: %s",
                              m->weight_files[i], strerror(errno));
        }
        free(path);
    }
    hash_end(h, key);
    return status;
}

static const struct file_map *weight_map(const struct model_files *m, int i)
{
    return m->container == CONTAINER_GGUF ? &files_gguf_part(m, i)->map : &m->shards[i].map;
}

static void hash_weights(const struct model_files *m, char hex[HASH_SIZE])
{
    struct hash *h = hash_begin();
    for (int i = 0; i < m->num_weight_files; i++)
        hash_bytes(h, weight_map(m, i)->data, weight_map(m, i)->size);
    hash_end(h, hex);
}

// What is done once for each model, and remembered.
struct first_look {
    const struct model_files *m;
    char *hex;
    enum em_status finite;
};

static void look(void *task, int worker)
{
    struct first_look *l = task;
    if (worker == 0)
        hash_weights(l->m, l->hex);
    else
        l->finite = files_check_finite(l->m);
}

// Both at the same time, so that what is read from the disk serves both.
static enum em_status look_first(const struct model_files *m, char hex[HASH_SIZE])
{
    struct first_look l = {.m = m, .hex = hex};
    struct workers *two = workers_create(2);
    if (two) {
        workers_run(two, 2, look, &l);
        workers_destroy(&two);
    } else {
        look(&l, 0);
        look(&l, 1);
    }
    return l.finite;
}

enum em_status model_files_hash(struct model_files *m, struct cache *cache, char hex[HASH_SIZE])
{
    char key[HASH_SIZE];
    struct cache_entry e;
    EM_TRY(make_memory_key(m, key));
    EM_TRY(cache_open(cache, "model", key, &e));
    enum em_status status = EM_OK;
    if (e.size == HASH_SIZE) {
        memcpy(hex, e.data, HASH_SIZE);
    } else {
        status = look_first(m, hex);
        if (status == EM_OK)
            cache_put(&e, &(struct file_part) {hex, HASH_SIZE}, 1);
    }
    cache_close(&e);
    return status;
}

static struct tokenizer *make_folder_tokenizer(struct model_files *m)
{
    const char *path = path_join(m->a, m->path, "tokenizer.json");
    if (!file_exists(path)) {
        log_fail(m->log, EM_ERR_CONFIG,
                 "%s: has no tokenizer.json; other forms of tokenizers (tokenizer.model, "
                 "vocab.json) are not read",
                 m->path);
        return NULL;
    }
    char *text;
    if (text_read(m->log, m->a, path, &text) != EM_OK)
        return NULL;
    return tokenizer_from_json(m->log, path, text);
}

struct tokenizer *model_files_tokenizer(struct model_files *m)
{
    if (m->tokenizer)
        return m->tokenizer;
    m->tokenizer =
        m->container == CONTAINER_GGUF ? files_make_gguf_tokenizer(m) : make_folder_tokenizer(m);
    if (m->tokenizer && tokenizer_vocab(m->tokenizer) > m->config.vocab) {
        log_fail(m->log, EM_ERR_CONFIG,
                 "%s: its tokenizer has %d tokens, but the model only %d embeddings", m->path,
                 tokenizer_vocab(m->tokenizer), m->config.vocab);
        tokenizer_destroy(&m->tokenizer);
    }
    return m->tokenizer;
}

void model_files_release(const struct model_files *m)
{
    for (int i = 0; i < m->num_weight_files; i++)
        file_release(weight_map(m, i));
}
