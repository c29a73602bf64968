// An experiment's sections, read; see spec.h.

#include "experiment/read/spec.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file/file.h"
#include "base/text/words.h"
#include "experiment/read/missing.h"
#include "experiment/read/spec_parts.h"
#include "model/hub.h"
#include "session/session.h"

// Where the members of one section stand in the document.
struct place {
    const struct spec *spec;
    const char *section; // "algorithm", "metrics[2]", "" for the root
};

static const char *place_path(const struct place *p, struct arena *a, const char *key)
{
    return arena_print(a, "%s%s%s", p->section, *p->section && *key ? "." : "", key);
}

static const char *place_where(void *user, struct arena *a, const char *key)
{
    const struct place *p = user;
    return document_where(p->spec->document, a, place_path(p, a, key));
}

static const char *place_folder(void *user, struct arena *a, const char *key)
{
    const struct place *p = user;
    return document_folder(p->spec->document, place_path(p, a, key));
}

static void place_missing(void *user, struct arena *a, const char *key, const char *written,
                          const char *path)
{
    const struct place *p = user;
    missing_add(p->spec->missing, place_where(user, a, key), written, path, "file");
}

static struct options_source source_at(const struct spec *spec, struct place *place,
                                       const char *owner, const char *const *skip)
{
    return (struct options_source) {
        .log = spec->log,
        .arena = spec->arena,
        .owner = owner,
        .where = place_where,
        .folder = place_folder,
        .missing = place_missing,
        .user = place,
        .skip = skip,
    };
}

struct options_source spec_source(const struct spec *spec, const char *path, const char *owner,
                                  const char *const *skip)
{
    struct place *place = arena_new(spec->arena, struct place);
    *place = (struct place) {spec, path};
    return source_at(spec, place, owner, skip);
}

static const cJSON *section(const struct spec *spec, const char *name)
{
    return json_get(document_root(spec->document), name);
}

static enum em_status read_section(const struct spec *spec, const char *name, void *out)
{
    const struct spec_section *s = spec_section_find(name);
    struct place place = {spec, name};
    const struct options_source source =
        source_at(spec, &place, name, spec_section_skip(spec->arena, s));
    return options_fill(&source, s->table, section(spec, name), out);
}

static enum em_status check_members(const struct spec *spec)
{
    const char *const *names = spec_member_names(spec->arena);
    for (const cJSON *m = document_root(spec->document)->child; m; m = m->next)
        if (!text_is_one_of(m->string, names))
            return document_fail(spec->document, m->string, "unknown member of an experiment%s",
                                 options_suggest(spec->arena, m->string, names));
    return EM_OK;
}

static enum em_status read_root(struct spec *spec)
{
    const struct document *d = spec->document;
    EM_TRY(check_members(spec));
    struct place place = {spec, ""};
    const struct options_source source =
        source_at(spec, &place, "an experiment", spec_section_names(spec->arena));
    EM_TRY(options_fill(&source, spec_root_table, document_root(d), &spec->root));
    if (!spec->root.name)
        spec->root.name = document_stem(d);
    if (!spec->root.name[strspn(spec->root.name, SPEC_NAME_CHARACTERS)] &&
        spec->root.name[0] != '.' && spec->root.name[0])
        return spec->root.model ? EM_OK : document_fail(d, "model", "is missing");
    return document_fail(d, "name",
                         "\"%s\" cannot name a run folder: letters, digits, - _ and . are needed, "
                         "with no . in front",
                         spec->root.name);
}

static enum em_status read_data(struct spec *spec)
{
    const struct document *d = spec->document;
    if (!section(spec, "data"))
        return document_fail(d, "data", "is missing");
    EM_TRY(read_section(spec, "data", &spec->data));
    const bool is_inline = spec->data.format == SPEC_INLINE;
    const cJSON *facts = json_get(section(spec, "data"), "facts");
    if (!is_inline && !spec->data.path)
        return document_fail(d, "data.path", "is missing");
    if (is_inline && !cJSON_IsArray(facts))
        return document_fail(d, "data.facts", "is %s; a list of facts is needed",
                             json_type_name(facts));
    if (!is_inline && facts)
        return document_fail(d, "data.facts", "stands only beside \"format\": \"inline\"");
    if (is_inline && spec->data.path)
        return document_fail(d, "data.path", "has no meaning beside \"format\": \"inline\"");
    return EM_OK;
}

// An existing file named by the text at `path`.
static enum em_status read_file_name(struct spec *spec, const char *path, const cJSON *value,
                                     const char **out)
{
    const struct document *d = spec->document;
    if (!cJSON_IsString(value))
        return document_fail(d, path, "is %s; a path in quotes is needed", json_type_name(value));
    const char *file = path_join(spec->arena, document_folder(d, path), value->valuestring);
    if (file_is_folder(file))
        return document_fail(d, path, "\"%s\" is a folder (%s); a file is needed",
                             value->valuestring, file);
    if (file_exists(file))
        *out = path_absolute(spec->arena, file);
    else
        missing_add(spec->missing, document_where(d, spec->arena, path), value->valuestring, file,
                    "file");
    return EM_OK;
}

static enum em_status read_corpus(struct spec *spec, const cJSON *corpus)
{
    struct spec_covariance *c = &spec->covariance;
    const bool is_list = cJSON_IsArray(corpus);
    c->num_corpus = is_list ? cJSON_GetArraySize(corpus) : 1;
    c->corpus = arena_array(spec->arena, const char *, c->num_corpus ? c->num_corpus : 1);
    if (!c->num_corpus)
        return document_fail(spec->document, "covariance.corpus", "is an empty list");
    if (!is_list)
        return read_file_name(spec, "covariance.corpus", corpus, &c->corpus[0]);
    for (int i = 0; i < c->num_corpus; i++)
        EM_TRY(read_file_name(spec, arena_print(spec->arena, "covariance.corpus[%d]", i),
                              cJSON_GetArrayItem(corpus, i), &c->corpus[i]));
    return EM_OK;
}

static enum em_status read_imports(struct spec *spec, const cJSON *import)
{
    struct spec_covariance *c = &spec->covariance;
    if (!cJSON_IsObject(import))
        return document_fail(spec->document, "covariance.import",
                             "is %s; an object of layers and files is needed, such as "
                             "{\"5\": \"covariance-5.safetensors\"}",
                             json_type_name(import));
    c->imports = arena_array(spec->arena, struct spec_import, cJSON_GetArraySize(import) + 1);
    for (const cJSON *m = import->child; m; m = m->next) {
        const char *path = arena_print(spec->arena, "covariance.import.%s", m->string);
        struct spec_import *at = &c->imports[c->num_imports++];
        char *end;
        const long layer = strtol(m->string, &end, 10);
        if (*end || end == m->string || layer < 0 || layer > EM_MAX_LAYER)
            return document_fail(spec->document, path, "\"%s\" is not the number of a layer",
                                 m->string);
        at->layer = (int) layer;
        EM_TRY(read_file_name(spec, path, m, &at->path));
    }
    return EM_OK;
}

static enum em_status read_covariance(struct spec *spec)
{
    EM_TRY(read_section(spec, "covariance", &spec->covariance));
    const cJSON *json = section(spec, "covariance");
    const cJSON *corpus = json_get(json, "corpus"), *import = json_get(json, "import");
    if (corpus)
        EM_TRY(read_corpus(spec, corpus));
    if (import)
        EM_TRY(read_imports(spec, import));
    if (spec->covariance.tokens && spec->covariance.documents)
        return document_fail(spec->document, "covariance.documents",
                             "stands beside covariance.tokens; give one of the two");
    if (!(spec->needs & EM_NEEDS_COVARIANCE) || corpus || import)
        return EM_OK;
    return document_fail(spec->document, "covariance.corpus",
                         "is missing; %s measures the model's keys on a text, or takes "
                         "covariance.import",
                         spec->algorithm->name);
}

// The name in a plugin's place: "rome", or {"name": "rome", ...}.
static enum em_status read_plugin_name(const struct spec *spec, const char *path,
                                       const cJSON *value, const char **name)
{
    const cJSON *member = cJSON_IsObject(value) ? json_get(value, "name") : value;
    if (!value)
        return document_fail(spec->document, path, "is missing");
    if (cJSON_IsObject(value) && !member)
        return document_fail(spec->document, arena_print(spec->arena, "%s.name", path),
                             "is missing");
    if (!cJSON_IsString(member))
        return document_fail(spec->document, path,
                             "is %s; a name, or an object with a name and options, is needed",
                             json_type_name(value));
    *name = member->valuestring;
    return EM_OK;
}

// The registry's message, with the place in front.
static enum em_status fail_plugin(const struct spec *spec, const char *path)
{
    const char *message = arena_copy(spec->arena, log_error(spec->log));
    log_clear(spec->log);
    return document_fail(spec->document, path, "%s", message);
}

static enum em_status read_options(struct spec *spec, const char *path, const char *name,
                                   const cJSON *json, const struct em_option *table, size_t size,
                                   void **out)
{
    static const char *const skip[] = {"name", NULL};
    struct place place = {spec, path};
    const struct options_source source = source_at(spec, &place, name, skip);
    *out = arena_alloc(spec->arena, size ? size : 1);
    return options_fill(&source, table, cJSON_IsObject(json) ? json : NULL, *out);
}

static enum em_status read_algorithm(struct spec *spec, struct registry *registry)
{
    const cJSON *json = section(spec, "algorithm");
    const char *name;
    EM_TRY(read_plugin_name(spec, "algorithm", json, &name));
    spec->algorithm = registry_algorithm(registry, name);
    if (!spec->algorithm)
        return fail_plugin(spec, cJSON_IsObject(json) ? "algorithm.name" : "algorithm");
    EM_TRY(read_options(spec, "algorithm", name, json, spec->algorithm->options,
                        spec->algorithm->options_size, &spec->options));
    spec->needs = spec->algorithm->needs | options_needs(spec->algorithm->options, spec->options);
    return EM_OK;
}

static const struct spec_metric *find_metric(const struct spec *spec, const char *name)
{
    for (int i = 0; i < spec->num_metrics; i++)
        if (strcmp(spec->metrics[i].metric->name, name) == 0)
            return &spec->metrics[i];
    return NULL;
}

static enum em_status read_metric(struct spec *spec, struct registry *registry, const char *path,
                                  const cJSON *json)
{
    const char *name;
    EM_TRY(read_plugin_name(spec, path, json, &name));
    if (find_metric(spec, name))
        return document_fail(spec->document, path, "\"%s\" is in the list twice", name);
    const struct em_metric *metric = registry_metric(registry, name);
    if (!metric)
        return fail_plugin(spec, path);
    void *options;
    EM_TRY(read_options(spec, path, name, json, metric->options, metric->options_size, &options));
    spec->metrics[spec->num_metrics++] = (struct spec_metric) {metric, options};
    return EM_OK;
}

static enum em_status read_metrics(struct spec *spec, struct registry *registry)
{
    const cJSON *list = section(spec, "metrics");
    cJSON *fallback = NULL;
    if (!list)
        list = fallback = cJSON_CreateStringArray(spec_metrics, SPEC_NUM_METRICS);
    enum em_status status = EM_OK;
    if (!cJSON_IsArray(list))
        status = document_fail(spec->document, "metrics", "is %s; a list of metrics is needed",
                               json_type_name(list));
    spec->metrics = arena_array(spec->arena, struct spec_metric, cJSON_GetArraySize(list) + 1);
    int i = 0;
    for (const cJSON *m = list->child; m && status == EM_OK; m = m->next, i++)
        status = read_metric(spec, registry, arena_print(spec->arena, "metrics[%d]", i), m);
    cJSON_Delete(fallback);
    return status;
}

static enum em_status check_derived(const struct spec *spec)
{
    for (int i = 0; i < spec->num_metrics; i++) {
        const struct em_metric *m = spec->metrics[i].metric;
        for (int r = 0; m->scope == EM_DERIVED && m->reads[r]; r++) {
            const struct spec_metric *read = find_metric(spec, m->reads[r]);
            if (!read || read->metric->scope != EM_PER_CASE)
                return document_fail(spec->document, arena_print(spec->arena, "metrics[%d]", i),
                                     "%s is made of \"%s\", which %s; put it into the list",
                                     m->name, m->reads[r],
                                     read ? "is not measured per case" : "is not in the list");
        }
    }
    return EM_OK;
}

// evaluate.retained: "end", "none", or {"every": N}.
static enum em_status read_retained(struct spec *spec, const cJSON *json)
{
    static const char path[] = "evaluate.retained";
    const char *text = cJSON_GetStringValue(json);
    const cJSON *every = json_get(json, "every");
    struct spec_evaluate *to = &spec->evaluate;
    if (cJSON_IsObject(json) && cJSON_GetArraySize(json) == 1 && every) {
        to->retained = SPEC_EVERY;
        const double n = cJSON_IsNumber(every) ? every->valuedouble : 0;
        to->every = n >= 1 && n <= INT_MAX && n == (int) n ? (int) n : 0;
        return to->every ? EM_OK
                         : document_fail(spec->document, "evaluate.retained.every",
                                         "a whole number of edits, 1 or more, is needed");
    }
    to->retained = text && strcmp(text, "end") == 0    ? SPEC_AT_END
                   : text && strcmp(text, "none") == 0 ? SPEC_NEVER
                                                       : SPEC_UNSAID;
    if (to->retained != SPEC_UNSAID)
        return EM_OK;
    return document_fail(spec->document, path,
                         "\"end\", \"none\", or an object such as {\"every\": 100} is needed");
}

static enum em_status read_evaluate(struct spec *spec)
{
    EM_TRY(read_section(spec, "evaluate", &spec->evaluate));
    const cJSON *retained = json_get(section(spec, "evaluate"), "retained");
    return retained ? read_retained(spec, retained) : EM_OK;
}

const char *spec_find_model(const struct document *d, struct arena *a, const char *model,
                            const char *hub, struct missing *missing)
{
    const char *folder = document_folder(d, "model"), *what = "file or folder";
    const char *path = hub_find(a, folder, model, hub);
    if (path)
        return path_absolute(a, path);
    if (hub && hub_is_name(model))
        what = arena_print(a, "file or folder, and no such model in %s", hub);
    if (strchr(model, '/') || text_ends_with(model, ".gguf"))
        missing_add(missing, document_where(d, a, "model"), model, path_join(a, folder, model),
                    what);
    return NULL;
}

enum em_status spec_read(struct spec *spec, const struct spec_params *p)
{
    struct registry *registry = p->registry;
    *spec = (struct spec) {.log = p->log,
                           .arena = p->arena,
                           .document = p->document,
                           .missing = missing_create(p->log, p->arena)};
    EM_TRY(read_root(spec));
    const char *model =
        spec_find_model(p->document, p->arena, spec->root.model, p->hub, spec->missing);
    if (model)
        spec->root.model = model;
    EM_TRY(read_section(spec, "tokens", &spec->tokens));
    EM_TRY(read_section(spec, "run", &spec->run));
    EM_TRY(read_evaluate(spec));
    EM_TRY(read_section(spec, "templates", &spec->templates));
    EM_TRY(spec_read_template_sets(spec));
    EM_TRY(read_section(spec, "import", &spec->import));
    EM_TRY(read_section(spec, "export", &spec->export));
    EM_TRY(read_algorithm(spec, registry));
    EM_TRY(read_metrics(spec, registry));
    EM_TRY(check_derived(spec));
    EM_TRY(spec_read_reference(spec, registry));
    EM_TRY(read_covariance(spec));
    EM_TRY(read_data(spec));
    return missing_fail(spec->missing);
}

// "emmet, memit": those that take as many facts at once; NULL: none.
static const char *algorithms_for(const struct spec *spec, struct registry *registry, int size)
{
    int num;
    const char *const *names = registry_algorithms(registry, spec->arena, &num), *list = NULL;
    for (int i = 0; i < num; i++) {
        const int most = registry_algorithm(registry, names[i])->max_facts;
        if (!most || most >= size)
            list = arena_print(spec->arena, "%s%s%s", list ? list : "", list ? ", " : "", names[i]);
    }
    return list;
}

bool spec_keeps_edits(const struct spec *spec)
{
    return spec->run.mode == SPEC_SEQUENTIAL || spec->run.mode == SPEC_SEQUENTIAL_BATCHED;
}

bool spec_state_is_due(const struct spec *spec, int num_facts, int first, int end)
{
    const struct spec_evaluate *e = &spec->evaluate;
    if (!spec_keeps_edits(spec) || end == num_facts)
        return true;
    return e->retained == SPEC_EVERY && end / e->every > first / e->every;
}

static enum em_status check_retained(struct spec *spec)
{
    struct spec_evaluate *e = &spec->evaluate;
    const bool keeps = spec_keeps_edits(spec);
    if (e->retained == SPEC_UNSAID)
        e->retained = keeps ? SPEC_AT_END : SPEC_NEVER;
    if (keeps || e->retained == SPEC_NEVER)
        return EM_OK;
    return document_fail(spec->document, "evaluate.retained",
                         "run.mode is \"%s\", which keeps no edit that could be asked about again; "
                         "leave it out, or choose a sequential mode",
                         spec->run.mode == SPEC_SINGLE ? "single" : "batch");
}

enum em_status spec_check_run(struct spec *spec, struct registry *registry, int num_facts)
{
    const bool sequential = spec->run.mode == SPEC_SEQUENTIAL;
    const bool alone = sequential || spec->run.mode == SPEC_SINGLE;
    const int otherwise = alone ? 1 : num_facts;
    const int size = spec->run.batch_size ? spec->run.batch_size : otherwise;
    const int most = spec->algorithm->max_facts;
    if (alone && size > 1)
        return document_fail(spec->document, "run.batch_size",
                             "is %d, but run.mode is \"%s\", one fact at a time; more are "
                             "edited together in \"mode\": \"%s\"",
                             size, sequential ? "sequential" : "single",
                             sequential ? "sequential-batched" : "batch");
    if (size > num_facts)
        return document_fail(spec->document, "run.batch_size", "is %d; there %s %d fact%s to edit",
                             size, num_facts == 1 ? "is" : "are", num_facts,
                             num_facts == 1 ? "" : "s");
    if (most && size > most) {
        const char *others = algorithms_for(spec, registry, size);
        return document_fail(spec->document, "run.batch_size",
                             "%s %d%s; %s takes at most %d at once; algorithms that take as many: "
                             "%s",
                             spec->run.batch_size ? "is" : "is 0, which means all", size,
                             spec->run.batch_size ? "" : " facts", spec->algorithm->name, most,
                             others ? others : "none");
    }
    spec->run.batch_size = size;
    return check_retained(spec);
}

enum em_status spec_check_model(struct spec *spec, const struct model_config *config)
{
    const int num_layers = config->layers, ffn = config->ffn;
    struct place place = {spec, "algorithm"};
    const struct options_source source = source_at(spec, &place, spec->algorithm->name, NULL);
    EM_TRY(options_check_layers(&source, spec->algorithm->options, spec->options, num_layers));
    struct spec_covariance *c = &spec->covariance;
    for (int i = 0; i < c->num_imports; i++)
        if (c->imports[i].layer >= num_layers)
            return document_fail(
                spec->document,
                arena_print(spec->arena, "covariance.import.%d", c->imports[i].layer),
                "layer %d is beyond the model, which has layers 0 to %d", c->imports[i].layer,
                num_layers - 1);
    if (c->tokens && c->tokens < ffn)
        return document_fail(spec->document, "covariance.tokens",
                             "is %d; at least %d, the width of a key, are needed for a covariance "
                             "that has an inverse (the default is 10 times as many)",
                             c->tokens, ffn);
    const bool measured = (spec->needs & EM_NEEDS_COVARIANCE) && c->num_corpus;
    if (!c->max_length)
        c->max_length = session_document_length(config);
    if (measured && (c->max_length < 2 || c->max_length > config->max_tokens))
        return document_fail(spec->document, "covariance.max_length",
                             "is %d; the model takes documents of 2 to %d tokens%s", c->max_length,
                             config->max_tokens, config_limit_reason(config));
    if (!c->tokens && !c->documents && c->num_corpus)
        c->tokens = 10 * ffn;
    return EM_OK;
}
