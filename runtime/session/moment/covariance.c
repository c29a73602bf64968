// The second moment of the keys, C = sum k k^T / tokens, over a corpus on the unedited model, in
// float64. All layers asked for are measured in one pass and cached by content.

#include "session/moment/covariance.h"

#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/file/hash.h"
#include "session/moment/corpus.h"

enum { CHUNK_BYTES = 64 << 20, CHUNK_MOST = 1024, CHUNK_LEAST = 128 };

void covariance_free_layer(struct covariance *c)
{
    free(c->c);
    free(c->factor);
    free(c->values);
    free(c->vectors);
    *c = (struct covariance) {0};
}

void covariance_destroy(struct em_session *s)
{
    for (int i = 0; s->covariances && i < s->config->layers; i++)
        covariance_free_layer(&s->covariances[i]);
}

enum em_status covariance_matrix(struct em_session *s, size_t count, double **out)
{
    *out = calloc(count, sizeof(double));
    if (*out)
        return EM_OK;
    return em_fail(s, EM_ERR_IO, "out of host memory for a matrix of %.0f MiB",
                   (double) count * sizeof(double) / 0x1p20);
}

static uint64_t corpus_tokens(const struct em_session *s)
{
    return s->corpus.tokens ? s->corpus.tokens : 10 * (uint64_t) s->config->ffn;
}

// The layers in ascending order, each once, whatever an experiment names.
static void sort_layers(struct em_session *s, const int *layers, int num)
{
    s->corpus_layers = arena_array(s->life, int, (size_t) num + 1);
    s->num_corpus_layers = 0;
    for (int i = 0; i < num; i++) {
        int at = s->num_corpus_layers;
        while (at > 0 && s->corpus_layers[at - 1] > layers[i])
            at--;
        if (at > 0 && s->corpus_layers[at - 1] == layers[i])
            continue;
        memmove(s->corpus_layers + at + 1, s->corpus_layers + at,
                (size_t) (s->num_corpus_layers - at) * sizeof(int));
        s->corpus_layers[at] = layers[i];
        s->num_corpus_layers++;
    }
}

int session_document_length(const struct model_config *config)
{
    return config->max_tokens < 128 ? config->max_tokens : 128;
}

enum em_status session_corpus_set(struct em_session *s, const struct session_corpus *corpus,
                                  const int *layers, int num_layers)
{
    s->corpus = *corpus;
    const char **paths = arena_array(s->life, const char *, (size_t) corpus->num_paths + 1);
    for (int i = 0; i < corpus->num_paths; i++)
        paths[i] = arena_copy(s->life, corpus->paths[i]);
    s->corpus.paths = paths;
    if (!corpus->max_length)
        s->corpus.max_length = session_document_length(s->config);
    sort_layers(s, layers, num_layers);
    const uint64_t tokens = corpus_tokens(s);
    if (tokens < (uint64_t) s->config->ffn && !corpus->documents)
        return em_fail(
            s, EM_ERR_CONFIG,
            "covariance.tokens: %llu tokens cannot determine a %d x %d covariance; use at "
            "least %d, better %d",
            (unsigned long long) tokens, s->config->ffn, s->config->ffn, s->config->ffn,
            10 * s->config->ffn);
    struct hash *h = hash_begin();
    for (int i = 0; i < corpus->num_paths; i++) {
        char hex[HASH_SIZE];
        const enum em_status status = hash_file(s->log, paths[i], hex);
        if (status != EM_OK) {
            hash_end(h, s->corpus_hash);
            return status;
        }
        hash_text(h, hex);
    }
    const uint64_t numbers[] = {tokens, corpus->documents, (uint64_t) s->corpus.max_length, s->bos,
                                corpus->shuffle ? s->seed + 1 : 0};
    hash_bytes(h, numbers, sizeof(numbers));
    hash_end(h, s->corpus_hash);
    covariance_destroy(s);
    session_values_forget(s);
    return EM_OK;
}

void session_covariance_key(struct em_session *s, int layer, char key[HASH_SIZE])
{
    struct hash *h = hash_begin();
    hash_text(h, "covariance 3");
    hash_text(h, s->model_hash);
    hash_text(h, s->corpus_hash);
    session_hash_arithmetic(s, h);
    hash_bytes(h, &layer, sizeof(layer));
    hash_end(h, key);
}

enum em_status covariance_check_layer(struct em_session *s, int layer)
{
    if (layer >= 0 && layer < s->config->layers)
        return EM_OK;
    return em_fail(s, EM_ERR_CONFIG, "layer %d is not in the model: it has layers 0 to %d", layer,
                   s->config->layers - 1);
}

// The kept C of a layer, if there is one; else the key is this process's to put.
static enum em_status look_up(struct em_session *s, int layer, struct cache_entry *e)
{
    char key[HASH_SIZE];
    struct st_file f;
    session_covariance_key(s, layer, key);
    EM_TRY(cache_open(s->cache, "covariance", key, e));
    if (!e->data)
        return EM_OK;
    EM_TRY(st_parse(s->log, s->call, e->folder, e->data, e->size, &f));
    return covariance_take(s, layer, e->folder, &f);
}

static bool is_on_disk(struct em_session *s, int layer)
{
    char key[HASH_SIZE];
    session_covariance_key(s, layer, key);
    return cache_has(s->cache, "covariance", key);
}

bool session_covariance_is_kept(struct em_session *s, int layer)
{
    return s->covariances[layer].c || is_on_disk(s, layer);
}

uint64_t session_covariance_tokens(const struct em_session *s, int layer)
{
    return s->covariances[layer].tokens;
}

uint64_t session_covariance_limit(const struct em_session *s)
{
    return s->covariance_limit;
}

static uint64_t bytes_of(const struct em_session *s, const struct covariance *c)
{
    const int matrices = (c->c != NULL) + (c->factor != NULL) + (c->vectors != NULL);
    const uint64_t F = (uint64_t) s->config->ffn;
    return (uint64_t) matrices * F * F * sizeof(double);
}

// The layers that nobody has asked for longest go first; those that no file has stay.
void covariance_trim(struct em_session *s)
{
    uint64_t bytes = 0;
    for (int i = 0; i < s->config->layers; i++)
        bytes += bytes_of(s, &s->covariances[i]);
    while (bytes > s->covariance_limit) {
        struct covariance *oldest = NULL;
        for (int i = 0; i < s->config->layers; i++) {
            struct covariance *c = &s->covariances[i];
            const bool is_free = c->c && !c->imported && c->used <= s->covariance_call;
            if (is_free && (!oldest || c->used < oldest->used) && is_on_disk(s, i))
                oldest = c;
        }
        if (!oldest)
            return;
        bytes -= bytes_of(s, oldest);
        covariance_free_layer(oldest);
    }
}

static void keep(struct em_session *s, int layer, struct cache_entry *e)
{
    struct st_tensor tensors[2];
    covariance_tensors(s, layer, tensors);
    int num;
    const struct file_part *parts = st_parts(s->call, tensors, 2, NULL, &num);
    cache_put(e, parts, num);
}

struct pass { // over the corpus
    int *layers, num_layers;
    float *keys;  // [layers][rows, F]
    double *wide; // [rows, F]
    uint64_t tokens;
};

// C += K^T K of one chunk of documents, in float64.
static enum em_status add_chunk(struct em_session *s, struct pass *m, const struct em_prompt *docs,
                                int num_docs, int rows)
{
    const int F = s->config->ffn;
    struct em_row *row = malloc((size_t) rows * sizeof(*row));
    if (!row)
        return em_fail(s, EM_ERR_IO, "out of host memory for %d rows", rows);
    for (int i = 0, at = 0; i < num_docs; i++)
        for (int t = 0; t < docs[i].num_tokens; t++)
            row[at++] = (struct em_row) {i, t};
    struct em_probe *probes = arena_array(s->call, struct em_probe, (size_t) m->num_layers);
    for (int i = 0; i < m->num_layers; i++)
        probes[i] = (struct em_probe) {.site = EM_SITE_MLP_KEY,
                                       .layer = m->layers[i],
                                       .rows = row,
                                       .num_rows = rows,
                                       .value = m->keys + (size_t) i * (size_t) rows * (size_t) F};
    const enum em_status status = em_run(s, &(struct em_pass) {.prompts = docs,
                                                               .num_prompts = num_docs,
                                                               .probes = probes,
                                                               .num_probes = m->num_layers,
                                                               .unedited = true});
    free(row);
    EM_TRY(status);
    for (int i = 0; i < m->num_layers; i++) {
        const size_t num = (size_t) rows * (size_t) F;
        for (size_t k = 0; k < num; k++)
            m->wide[k] = probes[i].value[k];
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, F, rows, 1, m->wide, F, 1,
                    s->covariances[m->layers[i]].c, F);
    }
    m->tokens += (uint64_t) rows;
    return EM_OK;
}

static enum em_status run_chunks(struct em_session *s, struct pass *m, const struct corpus *corpus,
                                 int most)
{
    uint64_t total = 0;
    for (int i = 0; i < corpus->num; i++)
        total += (uint64_t) corpus->docs[i].num_tokens;
    for (int first = 0; first < corpus->num;) {
        int end = first, rows = 0;
        while (end < corpus->num && (end == first || rows + corpus->docs[end].num_tokens <= most))
            rows += corpus->docs[end++].num_tokens;
        EM_TRY(add_chunk(s, m, corpus->docs + first, end - first, rows));
        first = end;
        em_progress(s, "covariance", (int) m->tokens, (int) total);
        if (log_stopped(s->log))
            return em_fail(s, EM_STOPPED, "interrupted");
    }
    return EM_OK;
}

static void finish(struct em_session *s, int layer, uint64_t tokens)
{
    const size_t F = (size_t) s->config->ffn;
    double *c = s->covariances[layer].c;
    s->covariances[layer].tokens = tokens;
    for (size_t i = 0; i < F; i++)
        for (size_t j = i; j < F; j++)
            c[j * F + i] = c[i * F + j] = c[i * F + j] / (double) tokens;
}

static enum em_status measure(struct em_session *s, int *layers, int num_layers)
{
    const size_t F = (size_t) s->config->ffn;
    struct corpus corpus;
    EM_TRY(corpus_read(s, &s->corpus, corpus_tokens(s), &corpus));
    // A layer's sums do not depend on which others are measured beside it.
    int most = (int) (CHUNK_BYTES / (F * sizeof(float)));
    most = most > CHUNK_MOST ? CHUNK_MOST : most < CHUNK_LEAST ? CHUNK_LEAST : most;
    const size_t rows = (size_t) (most > corpus.longest ? most : corpus.longest);
    struct pass m = {.layers = layers, .num_layers = num_layers};
    m.keys = malloc(rows * F * sizeof(float) * (size_t) num_layers);
    enum em_status status = covariance_matrix(s, rows * F, &m.wide);
    if (!m.keys)
        status = em_fail(s, EM_ERR_IO, "out of host memory for the keys of %d layers", num_layers);
    for (int i = 0; i < num_layers && status == EM_OK; i++)
        status = covariance_matrix(s, F * F, &s->covariances[layers[i]].c);
    if (status == EM_OK)
        status = run_chunks(s, &m, &corpus, most);
    free(m.keys);
    free(m.wide);
    for (int i = 0; i < num_layers; i++) {
        struct covariance *c = &s->covariances[layers[i]];
        if (status == EM_OK) {
            finish(s, layers[i], m.tokens);
        } else {
            free(c->c);
            c->c = NULL;
        }
    }
    corpus_free(&corpus);
    return status;
}

// What is kept of `layers` is read, and what is missing measured in one pass. Keys are locked in
// the order of the layers, the same in every process.
static enum em_status provide(struct em_session *s, const int *layers, int num)
{
    struct cache_entry *entries = arena_array(s->call, struct cache_entry, (size_t) num + 1);
    int *missing = arena_array(s->call, int, (size_t) num + 1), num_missing = 0;
    enum em_status status = EM_OK;
    for (int i = 0; i < num && status == EM_OK; i++) {
        status = covariance_check_layer(s, layers[i]);
        if (status != EM_OK || s->covariances[layers[i]].c)
            continue;
        status = look_up(s, layers[i], &entries[num_missing]);
        if (!s->covariances[layers[i]].c)
            missing[num_missing++] = layers[i];
        else
            cache_close(&entries[num_missing]);
    }
    if (num_missing && status == EM_OK)
        status = measure(s, missing, num_missing);
    for (int i = 0; i < num_missing; i++) {
        if (status == EM_OK)
            keep(s, missing[i], &entries[i]);
        cache_close(&entries[i]);
    }
    return status;
}

// One pass for all that are missing, or as many passes as the host's memory asks for.
enum em_status session_covariance_prepare(struct em_session *s)
{
    const uint64_t F = (uint64_t) s->config->ffn,
                   most = s->covariance_limit / (F * F * sizeof(double));
    int *missing = arena_array(s->call, int, (size_t) s->num_corpus_layers + 1), num = 0;
    for (int i = 0; i < s->num_corpus_layers; i++) {
        EM_TRY(covariance_check_layer(s, s->corpus_layers[i]));
        if (!session_covariance_is_kept(s, s->corpus_layers[i]))
            missing[num++] = s->corpus_layers[i];
    }
    for (int first = 0, size; first < num; first += size) {
        size = most < (uint64_t) (num - first) ? (most ? (int) most : 1) : num - first;
        EM_TRY(provide(s, missing + first, size));
        covariance_trim(s);
    }
    return EM_OK;
}

enum em_status em_covariance(struct em_session *s, int layer, const double **c)
{
    EM_TRY(covariance_check_layer(s, layer));
    if (store_is_open(s))
        return em_fail(s, EM_ERR_CONFIG,
                       "the algorithm's prepare() asks for the covariance; what it computes may "
                       "depend on the model and the fact alone, the rest belongs in apply()");
    if (!s->covariances[layer].c)
        EM_TRY(session_covariance_prepare(s));
    if (!s->covariances[layer].c && !s->corpus.num_paths)
        return em_fail(s, EM_ERR_CONFIG,
                       "the covariance of layer %d is needed and no corpus is given; set "
                       "covariance.corpus or covariance.import",
                       layer);
    EM_TRY(provide(s, &layer, 1));
    s->covariances[layer].used = ++s->covariance_clock;
    *c = s->covariances[layer].c;
    return EM_OK;
}
