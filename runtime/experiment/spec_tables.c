// The sections of an experiment, and the resolved experiment written from them; see spec_tables.h.

#include "experiment/spec_tables.h"

#include <limits.h>

static const char *const bos_names[] = {"auto", "none", NULL};                      // session_bos
static const char *const format_names[] = {"counterfact", "jsonl", "inline", NULL}; // spec_format
static const char *const mode_names[] = {"single", NULL};
const char *const spec_later_modes[] = {"batch", "sequential", "sequential-batched", NULL};
const char *const spec_metrics[] = {"efficacy", "paraphrase", "neighborhood", "score"};
const char *const spec_sections[] = {"tokens",  "data", "templates", "covariance", "algorithm",
                                     "metrics", "run",  "evaluate",  "import",     NULL};

const struct em_option spec_root_table[] = {
    EM_STRING(struct spec_root, name, NULL, "names the run folder"),
    EM_STRING(struct spec_root, about, NULL, "for people"),
    EM_STRING(struct spec_root, model, NULL, "a folder, a .gguf file, or a known name"),
    EM_STRING(struct spec_root, device, NULL, "index, part of a name, or cpu"),
    EM_INT(struct spec_root, seed, 0, 0, INT_MAX, "of everything that is left to chance"),
    {0},
};
const struct em_option spec_tokens_table[] = {
    EM_CHOICE(struct spec_tokens, bos, 0, bos_names, "token before each prompt"),
    {0},
};
const struct em_option spec_data_table[] = {
    EM_CHOICE(struct spec_data, format, 0, format_names, "of the file at path"),
    EM_PATH(struct spec_data, path, "the records"),
    EM_PATH(struct spec_data, order, "a JSON list of record positions"),
    EM_INT(struct spec_data, first, 0, 0, INT_MAX, "records that are left out first"),
    EM_INT(struct spec_data, count, 0, 0, INT_MAX, "facts to edit, 0 for all that follow"),
    {0},
};
const struct em_option spec_templates_table[] = {
    EM_PATH(struct spec_templates, path, "context templates; generated where there is no file"),
    {0},
};
const struct em_option spec_covariance_table[] = {
    EM_INT(struct spec_covariance, tokens, 0, 0, INT_MAX, "of the corpus, 0 for 10 times F"),
    EM_INT(struct spec_covariance, documents, 0, 0, INT_MAX, "of the corpus, instead of tokens"),
    EM_INT(struct spec_covariance, max_length, 128, 2, 65536, "tokens of a document"),
    EM_BOOL(struct spec_covariance, shuffle, true, "documents in an order drawn from the seed"),
    {0},
};
const struct em_option spec_run_table[] = {
    EM_CHOICE(struct spec_run, mode, 0, mode_names, "what is edited together and kept"),
    {0},
};
const struct em_option spec_evaluate_table[] = {
    EM_BOOL(struct spec_evaluate, before, true, "score the unedited model too"),
    EM_INT(struct spec_evaluate, texts, 3, 0, INT_MAX, "cases that are shown with a text"),
    EM_INT(struct spec_evaluate, text_length, 30, 2, 4096, "tokens of a text, prompt included"),
    {0},
};
const struct em_option spec_import_table[] = {
    EM_PATH(struct spec_values, values, "safetensors with z.ID and key.ID, instead of own values"),
    {0},
};

const char *const *spec_member_names(struct arena *a)
{
    const char *const *root = options_names(a, spec_root_table);
    struct {
        const char **items;
        size_t num, cap;
    } names = {0};
    for (; *root; root++)
        *arena_push(a, &names) = *root;
    for (const char *const *s = spec_sections; *s; s++)
        *arena_push(a, &names) = *s;
    *arena_push(a, &names) = NULL;
    return names.items;
}

static void write_section(cJSON *to, const char *name, const struct em_option *table,
                          const void *values)
{
    options_write(table, values, cJSON_AddObjectToObject(to, name));
}

static void write_covariance(cJSON *to, const struct spec_covariance *c)
{
    cJSON *json = cJSON_AddObjectToObject(to, "covariance");
    if (c->num_corpus)
        cJSON_AddItemToObject(json, "corpus", cJSON_CreateStringArray(c->corpus, c->num_corpus));
    options_write(spec_covariance_table, c, json);
    cJSON *imports = c->num_imports ? cJSON_AddObjectToObject(json, "import") : NULL;
    for (int i = 0; i < c->num_imports; i++) {
        char layer[16];
        snprintf(layer, sizeof(layer), "%d", c->imports[i].layer);
        cJSON_AddStringToObject(imports, layer, c->imports[i].path);
    }
}

static cJSON *write_plugin(const char *name, const struct em_option *table, const void *options)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", name);
    options_write(table, options, json);
    return json;
}

cJSON *spec_write(const struct spec *spec, const cJSON *facts)
{
    cJSON *json = cJSON_CreateObject();
    options_write(spec_root_table, &spec->root, json);
    write_section(json, "tokens", spec_tokens_table, &spec->tokens);
    write_section(json, "data", spec_data_table, &spec->data);
    if (facts)
        cJSON_AddItemToObject(cJSON_GetObjectItem(json, "data"), "facts",
                              cJSON_Duplicate(facts, true));
    write_section(json, "templates", spec_templates_table, &spec->templates);
    write_covariance(json, &spec->covariance);
    cJSON_AddItemToObject(
        json, "algorithm",
        write_plugin(spec->algorithm->name, spec->algorithm->options, spec->options));
    cJSON *metrics = cJSON_AddArrayToObject(json, "metrics");
    for (int i = 0; i < spec->num_metrics; i++) {
        const struct spec_metric *m = &spec->metrics[i];
        cJSON_AddItemToArray(metrics,
                             write_plugin(m->metric->name, m->metric->options, m->options));
    }
    write_section(json, "run", spec_run_table, &spec->run);
    write_section(json, "evaluate", spec_evaluate_table, &spec->evaluate);
    write_section(json, "import", spec_import_table, &spec->import);
    return json;
}
