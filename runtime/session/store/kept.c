// Answers and texts on disk; see kept.h.

#include "session/store/kept.h"

#include <string.h>

#include "model/safetensors.h"

void session_remember(struct em_session *s, bool on)
{
    s->remembers = on;
}

struct hash *kept_hash(const struct em_session *s, const char *what)
{
    struct hash *h = hash_begin();
    hash_text(h, what);
    hash_text(h, s->state_hash);
    session_hash_arithmetic(s, h);
    return h;
}

static enum em_status open_entry(struct em_session *s, const char *kind, struct hash *h,
                                 struct cache_entry *e)
{
    char key[HASH_SIZE];
    hash_end(h, key);
    return cache_open(s->cache, kind, key, e);
}

// --- answers: a safetensors file of "nll" and "hit"

static enum em_status read_answers(struct em_session *s, const struct cache_entry *e, int num,
                                   struct em_answer *out)
{
    struct st_file f;
    EM_TRY(st_parse(s->log, s->call, e->folder, e->data, e->size, &f));
    const struct st_tensor *nll = st_find(&f, "nll"), *hit = st_find(&f, "hit");
    if (!nll || !hit || nll->size != (size_t) num * sizeof(double) || hit->size != (size_t) num)
        return em_fail(s, EM_ERR_IO, "%s: are no answers to %d questions", e->folder, num);
    for (int i = 0; i < num; i++) {
        memcpy(&out[i].nll, nll->data + (size_t) i * sizeof(double), sizeof(double));
        out[i].hit = hit->data[i];
    }
    return EM_OK;
}

enum em_status kept_answers_open(struct em_session *s, struct hash *h, int num,
                                 struct em_answer *answers, struct cache_entry *e)
{
    EM_TRY(open_entry(s, "answers", h, e));
    const enum em_status status = e->data ? read_answers(s, e, num, answers) : EM_OK;
    if (status != EM_OK)
        cache_close(e);
    return status;
}

void kept_answers_put(struct em_session *s, int num, const struct em_answer *answers,
                      struct cache_entry *e)
{
    double *nll = arena_array(s->call, double, (size_t) num);
    uint8_t *hit = arena_array(s->call, uint8_t, (size_t) num);
    for (int i = 0; i < num; i++) {
        nll[i] = answers[i].nll;
        hit[i] = answers[i].hit;
    }
    const struct st_tensor tensors[] = {
        {.name = "nll",
         .type = ST_F64,
         .num_dims = 1,
         .dims = {(uint64_t) num},
         .data = (const uint8_t *) nll},
        {.name = "hit", .type = ST_U8, .num_dims = 1, .dims = {(uint64_t) num}, .data = hit},
    };
    int num_parts;
    const struct file_part *parts = st_parts(s->call, tensors, 2, NULL, &num_parts);
    cache_put(e, parts, num_parts);
}

// --- texts: one after another, each with its NUL

static enum em_status read_texts(struct em_session *s, const struct cache_entry *e, int num,
                                 const char **texts)
{
    const char *at = (const char *) e->data, *end = at + e->size;
    for (int i = 0; i < num; i++) {
        const size_t left = (size_t) (end - at), length = strnlen(at, left);
        if (length == left)
            return em_fail(s, EM_ERR_IO, "%s: holds %d texts, not %d", e->folder, i, num);
        texts[i] = arena_copy(s->call, at);
        at += length + 1;
    }
    return EM_OK;
}

enum em_status kept_texts_open(struct em_session *s, struct hash *h, int num, const char **texts,
                               struct cache_entry *e)
{
    EM_TRY(open_entry(s, "texts", h, e));
    const enum em_status status = e->data ? read_texts(s, e, num, texts) : EM_OK;
    if (status != EM_OK)
        cache_close(e);
    return status;
}

void kept_texts_put(struct em_session *s, int num, const char *const *texts, struct cache_entry *e)
{
    struct file_part *parts = arena_array(s->call, struct file_part, (size_t) num);
    for (int i = 0; i < num; i++)
        parts[i] = (struct file_part) {texts[i], strlen(texts[i]) + 1};
    cache_put(e, parts, num);
}
