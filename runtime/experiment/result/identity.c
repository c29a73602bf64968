// Hashes of an experiment's parts; see identity.h.

#include "experiment/result/identity.h"

#include "base/file/hash.h"
#include "experiment/workshop.h"
#include "model/tokenizer.h"

static enum em_status add_file(struct experiment *e, cJSON *to, const char *name, const char *path)
{
    char hex[HASH_SIZE];
    if (!path)
        return EM_OK;
    EM_TRY(workshop_hash_file(e->workshop, path, hex));
    cJSON_AddStringToObject(to, name, hex);
    return EM_OK;
}

// One hash of several files, in order.
static enum em_status add_files(struct experiment *e, cJSON *to, const char *name,
                                const char *const *paths, int num)
{
    char hex[HASH_SIZE];
    struct hash *all = hash_begin();
    enum em_status status = EM_OK;
    for (int i = 0; i < num && status == EM_OK; i++) {
        status = workshop_hash_file(e->workshop, paths[i], hex);
        hash_text(all, hex);
    }
    hash_end(all, hex);
    if (num && status == EM_OK)
        cJSON_AddStringToObject(to, name, hex);
    return status;
}

// Files that a plugin's options name.
static enum em_status add_options(struct experiment *e, cJSON *to, const char *name,
                                  const struct em_option *table, const void *options)
{
    for (const struct em_option *o = table; o->type != EM_OPTION_END; o++) {
        const void *at = (const char *) options + o->offset;
        if (o->type == EM_OPTION_GROUP)
            EM_TRY(add_options(e, to, name, o->group, at));
        if (o->type == EM_OPTION_PATH)
            EM_TRY(add_file(e, to, arena_print(e->arena, "%s.%s", name, o->name),
                            *(const char *const *) at));
    }
    return EM_OK;
}

// Its weights, and of a folder's other files what decides results.
static enum em_status add_model(struct experiment *e, cJSON *to)
{
    char hex[HASH_SIZE];
    EM_TRY(model_files_hash(e->files, e->cache, hex));
    cJSON_AddStringToObject(to, "model", hex);
    struct hash *config = hash_begin();
    config_hash(model_files_config(e->files), config);
    hash_end(config, hex);
    cJSON_AddStringToObject(to, "config", hex);
    const struct tokenizer *tokenizer = model_files_tokenizer(e->files);
    if (!tokenizer)
        return log_status(e->log);
    cJSON_AddStringToObject(to, "tokenizer", tokenizer_hash(tokenizer));
    return EM_OK;
}

static enum em_status fill(struct experiment *e, cJSON *to)
{
    const struct spec *s = &e->spec;
    EM_TRY(add_model(e, to));
    EM_TRY(add_file(e, to, "data", s->data.path)); // inline facts are in the experiment itself
    EM_TRY(add_file(e, to, "order", s->data.order));
    EM_TRY(add_file(e, to, "snippets", s->data.snippets));
    EM_TRY(add_file(e, to, "templates", s->templates.path));
    EM_TRY(add_files(e, to, "corpus", s->covariance.corpus, s->covariance.num_corpus));
    const char **imports = arena_array(e->arena, const char *, s->covariance.num_imports + 1);
    for (int i = 0; i < s->covariance.num_imports; i++)
        imports[i] = s->covariance.imports[i].path;
    EM_TRY(add_files(e, to, "covariances", imports, s->covariance.num_imports));
    EM_TRY(add_options(e, to, s->algorithm->name, s->algorithm->options, s->options));
    for (int i = 0; i < s->num_metrics; i++)
        EM_TRY(add_options(e, to, s->metrics[i].metric->name, s->metrics[i].metric->options,
                           s->metrics[i].options));
    return add_file(e, to, "values", s->import.values);
}

enum em_status identity_make(struct experiment *e, cJSON **out)
{
    *out = cJSON_CreateObject();
    cJSON_AddNumberToObject(*out, "chunk", CHUNK); // of cases, of which results may depend in a bit
    return fill(e, *out);
}

enum em_status identity_add_profile(struct experiment *e, cJSON *identity)
{
    char hex[HASH_SIZE];
    EM_TRY(
        workshop_hash_file(e->workshop, registry_path(e->params.registry, e->spec.algorithm), hex));
    const char *profile = arena_print(e->arena, "%s; %s %.16s", session_profile(e->session),
                                      e->spec.algorithm->name, hex);
    cJSON_AddStringToObject(identity, "profile", profile);
    return EM_OK;
}
