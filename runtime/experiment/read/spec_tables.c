// The sections of an experiment, and the resolved experiment written from them; see spec_tables.h.

#include "experiment/read/spec_tables.h"

#include <limits.h>
#include <string.h>

#include "base/text/words.h"
#include "experiment/experiment.h"
#include "experiment/read/spec_parts.h"

static const char *const bos_names[] = {"auto", "none", NULL};      // session_bos
static const char *const target_names[] = {"answers", "alt", NULL}; // spec_target
static const char *const mode_names[] = {"single", "batch", "sequential", "sequential-batched",
                                         NULL}; // spec_mode
const char *const spec_formats[] = {"counterfact", "jsonl", "inline", "zsre",
                                    "mquake",      "csv",   NULL};
const char *const spec_metrics[] = {"efficacy", "paraphrase", "neighborhood", "score"};

const struct em_option spec_root_table[] = {
    EM_STRING(struct spec_root, name, NULL, "names the run folder"),
    EM_STRING(struct spec_root, about, NULL, "for people"),
    EM_STRING(struct spec_root, model, NULL,
              "a folder, a .gguf file, a name in the Hugging Face cache, or a known name"),
    EM_STRING(struct spec_root, device, NULL, "index, part of a name, or cpu"),
    EM_INT(struct spec_root, seed, 0, 0, INT_MAX, "of everything that is left to chance"),
    {0},
};
static const struct em_option tokens_table[] = {
    EM_CHOICE(struct spec_tokens, bos, 0, bos_names, "token before each prompt"),
    {0},
};
static const struct em_option data_table[] = {
    EM_CHOICE(struct spec_data, format, 0, spec_formats, "of the file at path"),
    EM_PATH(struct spec_data, path, "the records"),
    EM_PATH(struct spec_data, order, "a JSON list of record positions, or an object of such lists"),
    EM_STRING(struct spec_data, order_list, NULL, "which list of the object, else \"0\""),
    EM_PATH(struct spec_data, snippets,
            "attribute_snippets.json of the published CounterFact: reference texts"),
    EM_CHOICE(struct spec_data, target, 0, target_names,
              "zsre: what is written, its first answer or alt (counterfactual)"),
    EM_STRING(struct spec_data, separator, NULL,
              "csv: what stands between the prompts of one cell, else |"),
    EM_INT(struct spec_data, first, 0, 0, INT_MAX, "records that are left out first"),
    EM_INT(struct spec_data, count, 0, 0, INT_MAX, "records to take, 0 for all that follow"),
    {0},
};
static const struct em_option templates_table[] = {
    EM_PATH(struct spec_templates, path,
            "the texts, such as a run's templates.json; else the model writes them"),
    {0},
};
static const struct em_option covariance_table[] = {
    EM_INT(struct spec_covariance, tokens, 0, 0, INT_MAX,
           "of the corpus, 0 for 10 times the width of a key"),
    EM_INT(struct spec_covariance, documents, 0, 0, INT_MAX, "of the corpus, instead of tokens"),
    EM_INT(struct spec_covariance, max_length, 0, 0, 65536,
           "tokens of a document, 0 for 128 or what the model takes if that is less"),
    EM_BOOL(struct spec_covariance, shuffle, true, "documents in an order drawn from the seed"),
    {0},
};
static const struct em_option run_table[] = {
    EM_CHOICE(struct spec_run, mode, 0, mode_names,
              "one fact or a batch at a time, taken back after it or, sequential, kept"),
    EM_INT(struct spec_run, batch_size, 0, 0, INT_MAX, "facts of a batch, 0 for all"),
    {0},
};
static const struct em_option evaluate_table[] = {
    EM_BOOL(struct spec_evaluate, before, true, "score the unedited model too"),
    EM_BOOL(struct spec_evaluate, fresh, true, "ask about each batch right after it"),
    EM_INT(struct spec_evaluate, texts, 3, 0, INT_MAX, "cases that are shown with a text"),
    EM_INT(struct spec_evaluate, text_length, 30, 2, 4096, "tokens of a text, prompt included"),
    EM_INT(struct spec_evaluate, generation_length, 100, 2, 4096,
           "tokens of a text that metrics read, prompt included"),
    {0},
};
static const struct em_option import_table[] = {
    EM_PATH(struct spec_values, values, "safetensors with z.ID and key.ID, instead of own values"),
    {0},
};
static const struct em_option export_table[] = {
    EM_BOOL(struct spec_export, values, false,
            "write values.safetensors with z.ID, key.ID, key_bare.ID, log.ID, for import.values"),
    {0},
};

static const struct spec_member data_others[] = {
    {"facts",
     "format inline: a list of {id?, prompt, subject, target_new, target_true?, "
     "paraphrases?, neighborhood?, generation?, references?}; a jsonl file has one a line",
     "{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"object\","
     "\"required\":[\"prompt\",\"subject\",\"target_new\"]}}"},
    {0},
};
static const struct spec_member covariance_others[] = {
    {"corpus", "a text file, a JSON lines file with \"text\", or a list of them",
     "{\"type\":[\"string\",\"array\",\"null\"],\"items\":{\"type\":\"string\"},\"minItems\":1}"},
    {"import",
     "measured before: {\"5\": \"covariance-5.safetensors\"}, each with a tensor C, or "
     "an .npz of the published tools (mom2.mom2, mom2.count; stored, not compressed)",
     "{\"type\":[\"object\",\"null\"],\"propertyNames\":{\"pattern\":\"^[0-9]+$\"},"
     "\"additionalProperties\":{\"type\":\"string\"}}"},
    {0},
};

static const struct spec_member evaluate_others[] = {
    {"retained",
     "sequential modes: when all facts so far are asked again: \"end\" (the default), "
     "{\"every\": N} edits and at the end, or \"none\"",
     "{\"anyOf\":[{\"enum\":[\"end\",\"none\",null]},"
     "{\"type\":\"object\",\"required\":[\"every\"],\"additionalProperties\":false,"
     "\"properties\":{\"every\":{\"type\":\"integer\",\"minimum\":1}}}]}"},
    {0},
};
static const struct spec_member sweep_others[] = {
    {"PATH", "a list of values, as in \"run.batch_size\": [16, 64]; whole objects too", NULL},
    {"PATH",
     "{\"each\": \"all\"}, {\"each\": {\"from\": 0, \"to\": 30, \"step\": 2}}: one layer each",
     NULL},
    {0},
};

const struct spec_section spec_sections[] = {
    {"tokens", "how prompts become tokens", tokens_table, NULL, NULL},
    {"data", "the facts to edit, and the questions about them", data_table, data_others, NULL},
    {"templates", "texts put before prompts while a value is sought", templates_table, NULL,
     spec_template_sections},
    {"covariance", "the second moment of a layer's keys", covariance_table, covariance_others,
     NULL},
    {"algorithm", "a name, or an object of a name and its options (emend help NAME)", NULL, NULL,
     NULL},
    {"metrics", "a list of the same, else efficacy, paraphrase, neighborhood, score", NULL, NULL,
     NULL},
    {"run", "what is edited together", run_table, NULL, NULL},
    {"evaluate", "what is asked, and when", evaluate_table, evaluate_others, NULL},
    {"import", "what is taken from files", import_table, NULL, NULL},
    {"export", "what is left in the run folder for other programs", export_table, NULL, NULL},
    {"reference", "a list of a paper's figures, drawn beside the run's", NULL,
     spec_reference_members, NULL},
    {"sweep", "a run for each value of a path, or for each combination of them", NULL, sweep_others,
     NULL},
    {0},
};

const struct spec_section *spec_section_find(const char *name)
{
    const struct spec_section *s = spec_sections;
    while (s->name && strcmp(s->name, name) != 0)
        s++;
    return s->name ? s : NULL;
}

bool spec_mode_keeps_edits(const char *mode)
{
    return strcmp(mode, mode_names[SPEC_SEQUENTIAL]) == 0 ||
           strcmp(mode, mode_names[SPEC_SEQUENTIAL_BATCHED]) == 0;
}

struct names {
    const char **items;
    size_t num, cap;
};

const char *const *spec_section_skip(struct arena *a, const struct spec_section *s)
{
    struct names names = {0};
    for (const struct spec_member *m = s->others; m && m->name; m++)
        *arena_push(a, &names) = m->name;
    for (const struct spec_section *part = s->parts; part && part->name; part++)
        *arena_push(a, &names) = part->name;
    *arena_push(a, &names) = NULL;
    return names.items;
}

const char *const *spec_section_names(struct arena *a)
{
    struct names names = {0};
    for (const struct spec_section *s = spec_sections; s->name; s++)
        *arena_push(a, &names) = s->name;
    *arena_push(a, &names) = NULL;
    return names.items;
}

const char *const *spec_member_names(struct arena *a)
{
    struct names names = {0};
    for (const char *const *root = options_names(a, spec_root_table); *root; root++)
        *arena_push(a, &names) = *root;
    for (const char *const *section = spec_section_names(a); *section; section++)
        *arena_push(a, &names) = *section;
    *arena_push(a, &names) = NULL;
    return names.items;
}

bool spec_is_path(struct arena *a, const char *path)
{
    const char *dot = strchr(path, '.');
    const char *first = dot ? arena_print(a, "%.*s", (int) (dot - path), path) : path;
    const struct spec_section *s = spec_section_find(first);
    if (!dot || !s)
        return !dot && text_is_one_of(path, spec_member_names(a));
    const char *member = arena_print(a, "%.*s", (int) strcspn(dot + 1, ".["), dot + 1);
    return *member && (!s->table || text_is_one_of(member, options_names(a, s->table)) ||
                       text_is_one_of(member, spec_section_skip(a, s)));
}

static char *section_help(struct arena *a, const char *within, const struct spec_section *s)
{
    char *text = arena_print(a, "\n%s%s: %s\n", within, s->name, s->about);
    for (const struct spec_member *m = s->others; m && m->name; m++)
        text = arena_print(a, "%s  %-18s %s\n", text, m->name, m->help);
    if (s->table)
        text = arena_print(a, "%s%s", text, options_help(a, s->table));
    for (const struct spec_section *part = s->parts; part && part->name; part++)
        text = arena_print(a, "%s%s", text,
                           section_help(a, arena_print(a, "%s%s.", within, s->name), part));
    return text;
}

char *experiment_help(struct arena *a)
{
    char *text = arena_print(a, "  %-18s %s\n%s", "extends",
                             "another experiment's file, for the members that this one has not",
                             options_help(a, spec_root_table));
    for (const struct spec_section *s = spec_sections; s->name; s++)
        text = arena_print(a, "%s%s", text, section_help(a, "", s));
    return text;
}

static void write_section(cJSON *to, const char *name, const void *values)
{
    options_write(spec_section_find(name)->table, values, cJSON_AddObjectToObject(to, name));
}

static void write_covariance(cJSON *to, const struct spec_covariance *c)
{
    cJSON *json = cJSON_AddObjectToObject(to, "covariance");
    if (c->num_corpus)
        cJSON_AddItemToObject(json, "corpus", cJSON_CreateStringArray(c->corpus, c->num_corpus));
    options_write(covariance_table, c, json);
    cJSON *imports = c->num_imports ? cJSON_AddObjectToObject(json, "import") : NULL;
    for (int i = 0; i < c->num_imports; i++) {
        char layer[16];
        snprintf(layer, sizeof(layer), "%d", c->imports[i].layer);
        cJSON_AddStringToObject(imports, layer, c->imports[i].path);
    }
}

static void write_evaluate(cJSON *to, const struct spec_evaluate *evaluate)
{
    write_section(to, "evaluate", evaluate);
    cJSON *json = cJSON_GetObjectItem(to, "evaluate");
    if (evaluate->retained == SPEC_EVERY)
        cJSON_AddNumberToObject(cJSON_AddObjectToObject(json, "retained"), "every",
                                evaluate->every);
    else
        cJSON_AddStringToObject(json, "retained",
                                evaluate->retained == SPEC_AT_END ? "end" : "none");
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
    write_section(json, "tokens", &spec->tokens);
    write_section(json, "data", &spec->data);
    if (facts)
        cJSON_AddItemToObject(cJSON_GetObjectItem(json, "data"), "facts",
                              cJSON_Duplicate(facts, true));
    write_section(json, "templates", &spec->templates);
    spec_write_template_sets(spec, cJSON_GetObjectItem(json, "templates"));
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
    write_section(json, "run", &spec->run);
    write_evaluate(json, &spec->evaluate);
    write_section(json, "import", &spec->import);
    write_section(json, "export", &spec->export);
    if (spec->reference)
        cJSON_AddItemToObject(json, "reference", cJSON_Duplicate(spec->reference, true));
    return json;
}
