// Experiments opened and set up; see experiment.h. They are run in run.c.

#include "experiment/experiment.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "experiment/evaluate.h"
#include "experiment/result/identity.h"
#include "experiment/internal.h"
#include "experiment/templates.h"
#include "model/safetensors.h"

// A path as the author wrote it, or a name that the caller fetches.
static enum em_status find_model(struct experiment *e)
{
    const char *model = e->spec.root.model;
    const char *path = path_join(e->arena, document_folder(e->document, "model"), model);
    if (file_exists(path)) {
        e->model_path = e->spec.root.model = path_absolute(e->arena, path);
        return EM_OK;
    }
    const size_t n = strlen(model);
    const bool is_path = strchr(model, '/') || (n > 5 && strcmp(model + n - 5, ".gguf") == 0);
    if (is_path || !e->params.fetch)
        return document_fail(e->document, "model", "\"%s\": there is no such %s (looked for %s)",
                             model, is_path ? "file or folder" : "file, folder or known model",
                             path);
    return e->params.fetch(e->params.fetch_user, model, e->arena, &e->model_path);
}

static enum em_status open_model(struct experiment *e)
{
    EM_TRY(find_model(e));
    e->files = model_files_open(e->log, e->model_path);
    if (!e->files || !model_files_tokenizer(e->files))
        return log_status(e->log);
    const struct model_config *config = model_files_config(e->files);
    return spec_check_model(&e->spec, config->layers, config->ffn);
}

static enum em_status open_parts(struct experiment *e, const struct experiment_params *p)
{
    e->document = document_open(&(struct document_params) {
        .log = p->log, .path = p->path, .text = p->text, .sets = p->sets, .num_sets = p->num_sets});
    if (!e->document)
        return log_status(e->log);
    EM_TRY(spec_read(&e->spec, e->log, e->arena, e->document, p->registry));
    EM_TRY(data_read(e->log, e->arena, &e->spec, &e->data));
    e->spec.data.count = e->data.num;
    EM_TRY(spec_check_run(&e->spec, p->registry, e->data.num));
    EM_TRY(open_model(e));
    e->json = spec_write(&e->spec, e->data.inline_facts);
    return identity_make(e, &e->identity);
}

struct experiment *experiment_open(const struct experiment_params *params)
{
    struct arena *a = arena_create();
    struct experiment *e = arena_new(a, struct experiment);
    e->params = *params;
    e->log = params->log;
    e->arena = a;
    e->begun = time_now();
    e->cache = cache_create(params->log, params->cache_folder);
    if (open_parts(e, params) != EM_OK) {
        experiment_destroy(&e);
        return NULL;
    }
    e->seconds[PHASE_LOAD] = time_now() - e->begun;
    const char *out = params->out ? params->out : path_join(a, "runs", e->spec.root.name);
    e->folder = (struct folder) {
        .log = e->log, .arena = a, .path = arena_copy(a, out), .fresh = params->fresh};
    return e;
}

void experiment_destroy(struct experiment **e)
{
    if (!*e)
        return;
    folder_end(&(*e)->folder);
    session_destroy(&(*e)->session);
    gpu_destroy(&(*e)->gpu);
    model_files_close(&(*e)->files);
    cache_destroy(&(*e)->cache);
    cJSON_Delete((*e)->json);
    cJSON_Delete((*e)->identity);
    document_close(&(*e)->document);
    struct arena *a = (*e)->arena; // holds *e
    arena_destroy(&a);
    *e = NULL;
}

double experiment_call_begin(struct experiment *e)
{
    session_call_begin(e->session);
    return time_now();
}

void experiment_call_end(struct experiment *e, enum phase phase, double begun)
{
    e->seconds[phase] += time_now() - begun;
    session_call_end(e->session);
}

static enum em_status make_session(struct experiment *e)
{
    const char *device = e->params.device ? e->params.device : e->spec.root.device;
    e->gpu = gpu_create(&(struct gpu_params) {
        .log = e->log, .device = device, .cache_folder = e->params.cache_folder});
    if (!e->gpu)
        return log_status(e->log);
    e->session = session_create(&(struct session_params) {
        .log = e->log,
        .gpu = e->gpu,
        .files = e->files,
        .matmul = e->params.matmul,
        .bos = (enum session_bos) e->spec.tokens.bos,
        .seed = (uint64_t) e->spec.root.seed,
        .cache = e->cache,
    });
    if (!e->session)
        return log_status(e->log);
    session_on_progress(e->session, e->params.progress, e->params.progress_user);
    return identity_add_profile(e, e->identity);
}

// Every fact as the model's tokens, so that one that cannot be told apart is known before anything
// is computed.
static enum em_status check_prompts(struct experiment *e)
{
    enum em_status status = EM_OK;
    for (int i = 0; i < e->data.num && status == EM_OK; i++) {
        const struct em_fact *f = &e->data.facts[i];
        struct em_prompt prompt;
        session_call_begin(e->session);
        status = em_prompt_make(
            e->session,
            &(struct em_text) {.prompt = f->prompt, .subject = f->subject, .target = f->target_new},
            &prompt);
        session_call_end(e->session);
        if (status != EM_OK)
            log_say(e->log, "record %s cannot be used", f->id);
    }
    return status;
}

static enum em_status give_corpus(struct experiment *e)
{
    const struct spec_covariance *c = &e->spec.covariance;
    int num_layers;
    const int *layers =
        options_layers(e->arena, e->spec.algorithm->options, e->spec.options, &num_layers);
    if (c->num_corpus && (e->spec.needs & EM_NEEDS_COVARIANCE))
        EM_TRY(session_corpus_set(e->session,
                                  &(struct session_corpus) {.paths = c->corpus,
                                                            .num_paths = c->num_corpus,
                                                            .tokens = (uint64_t) c->tokens,
                                                            .documents = (uint64_t) c->documents,
                                                            .max_length = c->max_length,
                                                            .shuffle = c->shuffle},
                                  layers, num_layers));
    for (int i = 0; i < c->num_imports; i++)
        EM_TRY(session_covariance_import(e->session, c->imports[i].layer, c->imports[i].path));
    return EM_OK;
}

// Values from a file; one that knows none of the facts was made for another data set.
static enum em_status import_values(struct experiment *e)
{
    const char *path = e->spec.import.values;
    if (!path)
        return EM_OK;
    struct st_file file;
    EM_TRY(st_open(e->log, e->arena, path, &file));
    bool known = false;
    for (int i = 0; i < e->data.num && !known; i++)
        for (int t = 0; t < file.num && !known; t++) {
            const char *dot = strchr(file.tensors[t].name, '.');
            known = dot && strcmp(dot + 1, e->data.facts[i].id) == 0;
        }
    st_close(&file);
    if (!known)
        return document_fail(e->document, "import.values",
                             "%s holds no value of any fact of this experiment (such as z.%s)",
                             path_name(path), e->data.facts[0].id);
    return session_store_import(e->session, path);
}

// What the algorithm's stored values depend on beside the fact, the model and the templates.
static enum em_status set_store_key(struct experiment *e)
{
    const struct em_algorithm *algorithm = e->spec.algorithm;
    char *options, hex[HASH_SIZE];
    EM_TRY(options_prepares(e->log, e->arena, algorithm->options, e->spec.options, &options));
    EM_TRY(hash_file(e->log, registry_path(e->params.registry, algorithm), hex));
    session_store_key(e->session,
                      arena_print(e->arena, "%s %s\n%s", algorithm->name, hex, options));
    return EM_OK;
}

static enum em_status set_up(struct experiment *e)
{
    double begun = time_now();
    EM_TRY(make_session(e));
    EM_TRY(check_prompts(e));
    EM_TRY(give_corpus(e));
    EM_TRY(set_store_key(e));
    EM_TRY(import_values(e));
    e->seconds[PHASE_LOAD] += time_now() - begun;
    begun = experiment_call_begin(e);
    const enum em_status status = templates_make(e);
    experiment_call_end(e, PHASE_TEMPLATES, begun);
    return status == EM_OK ? evaluate_open(e) : status;
}

enum em_status experiment_setup(struct experiment *e)
{
    if (e->ready)
        return EM_OK;
    EM_TRY(set_up(e));
    e->ready = true;
    return EM_OK;
}

const cJSON *experiment_json(const struct experiment *e)
{
    return e->json;
}

const char *experiment_folder(const struct experiment *e)
{
    return e->folder.path;
}

struct em_session *experiment_session(struct experiment *e)
{
    return e->session;
}

const struct em_algorithm *experiment_algorithm(const struct experiment *e, const void **options)
{
    *options = e->spec.options;
    return e->spec.algorithm;
}

const struct em_fact *experiment_facts(const struct experiment *e, int *num)
{
    *num = e->data.num;
    return e->data.facts;
}
