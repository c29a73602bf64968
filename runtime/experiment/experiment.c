// Experiments opened and set up; see experiment.h. They are run in run.c.

#include "experiment/experiment.h"

#include <string.h>

#include "base/clock.h"
#include "base/file/file.h"
#include "experiment/data/applies.h"
#include "experiment/internal.h"
#include "experiment/result/identity.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/templates.h"
#include "experiment/workshop.h"
#include "model/safetensors.h"

static enum em_status open_model(struct experiment *e)
{
    EM_TRY(workshop_files(e->workshop, e->document, e->spec.root.model, &e->files, &e->model_path));
    return spec_check_model(&e->spec, model_files_config(e->files));
}

static enum em_status open_parts(struct experiment *e)
{
    const struct experiment_params *p = &e->params;
    const struct data_set *data;
    EM_TRY(spec_read(&e->spec, &(struct spec_params) {.log = e->log,
                                                      .arena = e->arena,
                                                      .document = e->document,
                                                      .registry = p->registry,
                                                      .hub = p->hub}));
    EM_TRY(workshop_read_data(e->workshop, &e->spec, &data));
    e->data = *data;
    e->spec.data.count = data->num_records;
    EM_TRY(applies_check_metrics(&e->spec, p->registry, data));
    EM_TRY(spec_check_run(&e->spec, p->registry, data->num));
    EM_TRY(applies_check_batches(&e->spec, data));
    EM_TRY(open_model(e));
    e->json = spec_write(&e->spec, data->inline_facts);
    return identity_make(e, &e->identity);
}

struct experiment *experiment_open_at(struct workshop *w, struct document *d, const char *folder)
{
    struct arena *a = arena_create();
    struct experiment *e = arena_new(a, struct experiment);
    e->params = w->params;
    e->workshop = w;
    e->cache = w->cache;
    e->document = d;
    e->log = w->log;
    e->arena = a;
    const double begun = time_now();
    if (open_parts(e) != EM_OK) {
        experiment_destroy(&e);
        return NULL;
    }
    e->seconds[PHASE_LOAD] = time_now() - begun;
    const char *path = folder ? folder : path_join(a, "runs", e->spec.root.name);
    e->folder = (struct folder) {
        .log = e->log, .arena = a, .path = arena_copy(a, path), .fresh = w->params.fresh};
    return e;
}

struct document *experiment_read(const struct experiment_params *p)
{
    return document_open(&(struct document_params) {.log = p->log,
                                                    .path = p->path,
                                                    .text = p->text,
                                                    .names = p->names,
                                                    .sets = p->sets,
                                                    .num_sets = p->num_sets});
}

struct experiment *experiment_open(const struct experiment_params *p)
{
    struct document *d = experiment_read(p);
    if (!d)
        return NULL;
    if (json_get(document_root(d), "sweep")) {
        document_fail(d, "sweep", "is for \"emend run\"; one experiment is needed here");
        document_close(&d);
        return NULL;
    }
    struct workshop *w = workshop_create(p);
    struct experiment *e = experiment_open_at(w, d, p->out);
    if (e)
        e->owns_workshop = true;
    else
        workshop_destroy(&w);
    return e;
}

void experiment_destroy(struct experiment **e)
{
    if (!*e)
        return;
    folder_end(&(*e)->folder);
    if ((*e)->owns_workshop)
        workshop_destroy(&(*e)->workshop);
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
    struct workshop *w = e->workshop;
    EM_TRY(workshop_session(w, &e->spec, e->files));
    e->gpu = w->gpu;
    e->session = w->session;
    e->flop_before = session_cost(e->session).flop;
    return identity_add_profile(e, e->identity);
}

// Every fact as the model's tokens, so that one that cannot be told apart is known before anything
// is computed.
static enum em_status check_prompts(struct experiment *e)
{
    enum em_status status = EM_OK;
    if (e->workshop->checked == e->data.facts)
        return EM_OK;
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
    if (status == EM_OK)
        e->workshop->checked = e->data.facts;
    return status;
}

// A file of values that knows none of the facts was made for another data set.
static enum em_status check_values(struct experiment *e)
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
    return EM_OK;
}

// What the algorithm's stored values depend on beside the fact, the model and the templates.
enum em_status experiment_store_key(struct experiment *e, const char **key)
{
    const struct em_algorithm *algorithm = e->spec.algorithm;
    const char *prepares = algorithm->prepares;
    char *options, hex[HASH_SIZE];
    EM_TRY(options_prepares(e->log, e->arena, algorithm->options, e->spec.options, &options));
    EM_TRY(workshop_hash_file(e->workshop, registry_path(e->params.registry, algorithm), hex));
    if (!prepares)
        prepares = arena_print(e->arena, "%s %s", algorithm->name, hex);
    *key = arena_print(e->arena, "%s\n%s", prepares, options);
    return EM_OK;
}

static enum em_status set_store_key(struct experiment *e)
{
    const char *key;
    EM_TRY(experiment_store_key(e, &key));
    session_store_key(e->session, key, templates_set(e));
    return EM_OK;
}

static enum em_status set_up(struct experiment *e)
{
    double begun = time_now();
    EM_TRY(make_session(e));
    EM_TRY(check_prompts(e));
    workshop_expect(e->workshop, &e->spec, e->files);
    EM_TRY(workshop_give_corpus(e->workshop, &e->spec, e->files));
    EM_TRY(set_store_key(e));
    EM_TRY(check_values(e));
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
    e->begun = time_now() - e->seconds[PHASE_LOAD];
    EM_TRY(set_up(e));
    e->ready = true;
    return EM_OK;
}

const cJSON *experiment_json(const struct experiment *e)
{
    return e->json;
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
