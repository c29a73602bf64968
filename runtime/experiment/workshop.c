// What runs share, made on first use; see workshop.h.

#include "experiment/workshop.h"

#include <string.h>

#include "base/file/file.h"
#include "experiment/read/missing.h"

struct workshop_model {
    const char *path;
    struct model_files *files;
    struct workshop_model *next;
};

struct workshop_data {
    const char *key;
    struct data_set set;
    struct workshop_data *next;
};

struct workshop_corpus { // one pass over it measures all layers
    const char *key;
    int *layers, num; // ascending
    struct workshop_corpus *next;
};

struct workshop_hash {
    const char *path;
    char hex[HASH_SIZE];
    struct workshop_hash *next;
};

struct workshop *workshop_create(const struct experiment_params *params)
{
    struct arena *a = arena_create();
    struct workshop *w = arena_new(a, struct workshop);
    w->params = *params;
    w->log = params->log;
    w->arena = a;
    w->cache = cache_create(params->log, params->cache_folder);
    return w;
}

void workshop_drop_session(struct workshop *w)
{
    session_destroy(&w->session);
    w->session_key = w->corpus_key = w->templates_key = NULL;
    w->checked = NULL;
}

void workshop_drop_device(struct workshop *w)
{
    workshop_drop_session(w);
    gpu_destroy(&w->gpu);
}

void workshop_destroy(struct workshop **workshop)
{
    struct workshop *w = *workshop;
    if (!w)
        return;
    workshop_drop_device(w);
    for (struct workshop_model *m = w->models; m; m = m->next)
        model_files_close(&m->files);
    cache_destroy(&w->cache);
    struct arena *a = w->arena; // holds *w
    arena_destroy(&a);
    *workshop = NULL;
}

static enum em_status find_model(struct workshop *w, const struct document *d, const char *model,
                                 const char **found)
{
    struct missing *missing = missing_create(w->log, w->arena);
    *found = spec_find_model(d, w->arena, model, w->params.hub, missing);
    EM_TRY(missing_fail(missing));
    if (*found)
        return EM_OK;
    const char *where = document_where(d, w->arena, "model");
    if (!w->params.fetch)
        missing_add(missing, where, model, path_join(w->arena, document_folder(d, "model"), model),
                    "file, folder or known model");
    EM_TRY(missing_fail(missing));
    const enum em_status status = w->params.fetch(w->params.fetch_user, model, w->arena, found);
    if (status != EM_ERR_CONFIG)
        return status;
    const char *message = arena_copy(w->arena, log_error(w->log)); // of a name that is not known
    log_clear(w->log);
    return log_fail(w->log, status, "%s: %s", where, message);
}

enum em_status workshop_files(struct workshop *w, const struct document *d, const char *model,
                              struct model_files **files, const char **path)
{
    EM_TRY(find_model(w, d, model, path));
    struct workshop_model *m = w->models;
    while (m && strcmp(m->path, *path) != 0)
        m = m->next;
    if (!m) {
        m = arena_new(w->arena, struct workshop_model);
        *m = (struct workshop_model) {*path, model_files_open(w->log, *path), w->models};
        if (!m->files)
            return log_status(w->log);
        w->models = m;
    }
    *files = m->files;
    return model_files_tokenizer(m->files) ? EM_OK : log_status(w->log);
}

enum em_status workshop_read_data(struct workshop *w, const struct spec *spec,
                                  const struct data_set **out)
{
    const char *key = data_key(w->arena, spec);
    struct workshop_data *at = w->data;
    while (at && strcmp(at->key, key) != 0)
        at = at->next;
    if (!at) {
        at = arena_new(w->arena, struct workshop_data);
        at->key = key;
        EM_TRY(data_read(w->log, w->arena, spec, &at->set));
        at->next = w->data;
        w->data = at;
    }
    *out = &at->set;
    return EM_OK;
}

enum em_status workshop_hash_file(struct workshop *w, const char *path, char hex[HASH_SIZE])
{
    struct workshop_hash *h = w->hashes;
    while (h && strcmp(h->path, path) != 0)
        h = h->next;
    if (!h) {
        h = arena_new(w->arena, struct workshop_hash);
        h->path = arena_copy(w->arena, path);
        EM_TRY(hash_file(w->log, path, h->hex));
        h->next = w->hashes;
        w->hashes = h;
    }
    memcpy(hex, h->hex, HASH_SIZE);
    return EM_OK;
}

static void show_progress(void *user, const char *what, int done, int total)
{
    const struct workshop *w = user;
    char text[64];
    if (w->label)
        snprintf(text, sizeof(text), "%s %s", w->label, what);
    w->params.progress(w->params.progress_user, w->label ? text : what, done, total);
}

static enum em_status open_device(struct workshop *w, const char *device)
{
    const char *key = device ? device : "";
    if (w->gpu && strcmp(w->device, key) == 0)
        return EM_OK;
    workshop_drop_device(w);
    w->gpu = gpu_create(&(struct gpu_params) {
        .log = w->log, .device = device, .cache_folder = w->params.cache_folder});
    w->device = arena_copy(w->arena, key);
    return w->gpu ? EM_OK : log_status(w->log);
}

// Everything of a spec that a session cannot change once it stands.
static const char *make_session_key(struct workshop *w, const struct spec *spec,
                                    const struct model_files *files)
{
    char *key = arena_print(w->arena, "%p %d %d %s", (const void *) files, spec->tokens.bos,
                            spec->root.seed, spec->import.values ? spec->import.values : "");
    for (int i = 0; i < spec->covariance.num_imports; i++)
        key = arena_print(w->arena, "%s\n%d %s", key, spec->covariance.imports[i].layer,
                          spec->covariance.imports[i].path);
    return key;
}

enum em_status workshop_session(struct workshop *w, const struct spec *spec,
                                struct model_files *files)
{
    EM_TRY(open_device(w, w->params.device ? w->params.device : spec->root.device));
    const char *key = make_session_key(w, spec, files);
    if (w->session && strcmp(key, w->session_key) == 0)
        return session_revert(w->session);
    workshop_drop_session(w);
    w->session = session_create(&(struct session_params) {
        .log = w->log,
        .gpu = w->gpu,
        .files = files,
        .matmul = w->params.matmul,
        .bos = (enum session_bos) spec->tokens.bos,
        .seed = (uint64_t) spec->root.seed,
        .cache = w->cache,
    });
    if (!w->session)
        return log_status(w->log);
    w->session_key = key;
    if (w->params.progress)
        session_on_progress(w->session, show_progress, w);
    return spec->import.values ? session_store_import(w->session, spec->import.values) : EM_OK;
}

// --- corpora

static struct workshop_corpus *find_corpus(struct workshop *w, const struct spec *spec,
                                           const struct model_files *files)
{
    const struct spec_covariance *c = &spec->covariance;
    char *key = arena_print(w->arena, "%s\n%d %d %d %d", make_session_key(w, spec, files),
                            c->tokens, c->documents, c->max_length, c->shuffle);
    for (int i = 0; i < c->num_corpus; i++)
        key = arena_print(w->arena, "%s\n%s", key, c->corpus[i]);
    struct workshop_corpus *at = w->corpora;
    while (at && strcmp(at->key, key) != 0)
        at = at->next;
    if (!at) {
        at = arena_new(w->arena, struct workshop_corpus);
        *at = (struct workshop_corpus) {.key = key, .next = w->corpora};
        w->corpora = at;
    }
    return at;
}

// Both lists ascend, and so does the union.
static int *join_layers(struct arena *a, const int *x, int nx, const int *y, int ny, int *num)
{
    int *out = arena_array(a, int, (size_t) (nx + ny) + 1), i = 0, j = 0;
    for (*num = 0; i < nx || j < ny; ++*num) {
        const int next = j == ny || (i < nx && x[i] <= y[j]) ? x[i] : y[j];
        out[*num] = next;
        i += i < nx && x[i] == next;
        j += j < ny && y[j] == next;
    }
    return out;
}

void workshop_expect(struct workshop *w, const struct spec *spec, const struct model_files *files)
{
    if (!(spec->needs & EM_NEEDS_COVARIANCE))
        return;
    struct workshop_corpus *c = find_corpus(w, spec, files);
    int num;
    const int *layers = options_layers(spec->arena, spec->algorithm->options, spec->options, &num);
    c->layers = join_layers(w->arena, c->layers, c->num, layers, num, &c->num);
}

enum em_status workshop_give_corpus(struct workshop *w, const struct spec *spec,
                                    const struct model_files *files)
{
    const struct spec_covariance *c = &spec->covariance;
    if (!(spec->needs & EM_NEEDS_COVARIANCE))
        return EM_OK;
    const struct workshop_corpus *corpus = find_corpus(w, spec, files);
    const char *key = arena_print(w->arena, "%s\n%d layers", corpus->key, corpus->num);
    if (w->corpus_key && strcmp(w->corpus_key, key) == 0)
        return EM_OK;
    if (c->num_corpus)
        EM_TRY(session_corpus_set(w->session,
                                  &(struct session_corpus) {.paths = c->corpus,
                                                            .num_paths = c->num_corpus,
                                                            .tokens = (uint64_t) c->tokens,
                                                            .documents = (uint64_t) c->documents,
                                                            .max_length = c->max_length,
                                                            .shuffle = c->shuffle},
                                  corpus->layers, corpus->num));
    for (int i = 0; i < c->num_imports; i++)
        EM_TRY(session_covariance_import(w->session, c->imports[i].layer, c->imports[i].path));
    w->corpus_key = key;
    return EM_OK;
}
