// `emend covariance`: the second moment of layers' keys over a text, measured and kept before an
// experiment needs it.

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <emend/linalg.h>

#include "base/file/file.h"
#include "cli/cli.h"

struct covariance_options {
    const char *model, *layers, *out;
    struct cli_texts corpus;
    struct cli_place place;
    int tokens, max_length, seed, form, sample_size;
};

enum { SAFETENSORS, NPZ, NPZ_F32 };
static const char *const form_names[] = {"safetensors", "npz", "npz-f32", NULL};

static const struct cli_option covariance_table[] = {
    CLI_MODEL_ROW(struct covariance_options),
    CLI_TEXTS_ROW(struct covariance_options, corpus, "corpus", "FILE", true,
                  "a text file, or JSON lines with \"text\""),
    CLI_TEXT_ROW(struct covariance_options, layers, "layers", "3,5", true,
                 "layers, with commas between them"),
    CLI_INT_ROW(struct covariance_options, tokens, "tokens", 0, 0, INT_MAX,
                "of the corpus, 0 for 10 times the width of a key"),
    CLI_INT_ROW(struct covariance_options, max_length, "max-length", 0, 0, 65536,
                "tokens of a document, 0 for 128 or what the model takes if that is less"),
    CLI_INT_ROW(struct covariance_options, seed, "seed", 0, 0, INT_MAX, "of the documents' order"),
    CLI_TEXT_ROW(struct covariance_options, out, "out", "DIR", false,
                 "write DIR/covariance-LAYER.safetensors too, for covariance.import"),
    CLI_CHOICE_ROW(struct covariance_options, form, "form", form_names,
                   "of the files; npz: as the published ROME and MEMIT keep them"),
    CLI_INT_ROW(struct covariance_options, sample_size, "sample-size", 0, 0, INT_MAX,
                "of npz: those tools take a file only with their mom2_n_samples, 0 for none"),
    CLI_DEVICE_ROW(struct covariance_options),
    CLI_MATMUL_ROW(struct covariance_options),
    {0},
};

struct layers {
    int *items;
    size_t num, cap;
};

static enum em_status read_layers(struct cli *cli, const char *text, struct layers *out)
{
    for (const char *at = text;; at++) {
        char *end;
        const long layer = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || layer < 0 || layer > EM_MAX_LAYER)
            return log_fail(cli->log, EM_ERR_CONFIG,
                            "--layers %s: numbers from 0 to %d with commas between them are "
                            "needed, such as 3,5",
                            text, EM_MAX_LAYER);
        *arena_push(cli->arena, out) = (int) layer;
        at = end;
        if (!*at)
            return EM_OK;
    }
}

static enum em_status check_corpus(struct cli *cli, const struct covariance_options *o)
{
    for (size_t i = 0; i < o->corpus.num; i++) {
        const char *path = o->corpus.items[i];
        if (file_is_folder(path))
            return log_fail(cli->log, EM_ERR_CONFIG, "--corpus %s: is a folder; a file is needed",
                            path);
        if (!file_exists(path))
            return log_fail(cli->log, EM_ERR_CONFIG, "--corpus %s: there is no such file", path);
    }
    return EM_OK;
}

static enum em_status check_max_length(struct cli *cli, const struct covariance_options *o,
                                       const struct model_config *config)
{
    if (!o->max_length || (o->max_length >= 2 && o->max_length <= config->max_tokens))
        return EM_OK;
    return log_fail(cli->log, EM_ERR_CONFIG,
                    "--max-length %d: the model takes documents of 2 to %d tokens%s", o->max_length,
                    config->max_tokens, config_limit_reason(config));
}

static enum em_status check_layers(struct cli *cli, const struct layers *layers,
                                   const struct em_model *model)
{
    for (size_t i = 0; i < layers->num; i++)
        if (layers->items[i] >= model->layers)
            return log_fail(cli->log, EM_ERR_CONFIG, "--layers: %s has layers 0 to %d, and no %d",
                            model->name, model->layers - 1, layers->items[i]);
    return EM_OK;
}

// For covariance.import, or for the published tools.
static enum em_status write_file(struct cli *cli, const struct covariance_options *o,
                                 struct em_session *s, int layer, const char **path)
{
    *path = arena_print(cli->arena, "%s/covariance-%d.%s", o->out, layer,
                        o->form == SAFETENSORS ? "safetensors" : "npz");
    EM_TRY(folder_make(cli->log, o->out));
    return session_covariance_export(
        s, layer,
        &(struct session_covariance_file) {
            .path = *path, .single = o->form == NPZ_F32, .documents = (uint64_t) o->sample_size});
}

struct line {
    int layer;
    uint64_t tokens;
    double reciprocal; // of the condition number; 0: not positive definite
    const char *path;  // where it is kept, or was written
};

// Measures what is not kept yet; one layer's matrix is looked at.
static enum em_status measure(struct cli *cli, const struct covariance_options *o,
                              struct em_session *s, struct line *line)
{
    const size_t width = (size_t) em_model(s)->ffn;
    const double *c;
    char key[65];
    EM_TRY(em_covariance(s, line->layer, &c));
    line->tokens = session_covariance_tokens(s, line->layer);
    session_covariance_key(s, line->layer, key);
    line->path = arena_print(cli->arena, "%s/covariance/%s", cli->cache_folder, key);
    if (o->out)
        EM_TRY(write_file(cli, o, s, line->layer, &line->path));
    double *copy = malloc(width * width * sizeof(*copy)), *row = calloc(width, sizeof(*row));
    enum em_status status =
        copy && row ? EM_OK
                    : log_fail(cli->log, EM_ERR_IO, "out of host memory for %zu x %zu numbers",
                               width, width);
    if (status == EM_OK) {
        memcpy(copy, c, width * width * sizeof(*copy));
        status = em_solve(s, copy, (int) width, row, 1, &line->reciprocal);
    }
    free(copy);
    free(row);
    return status;
}

static void print_json(const struct line *lines, size_t num)
{
    cJSON *json = cJSON_CreateArray();
    for (size_t i = 0; i < num; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "layer", lines[i].layer);
        cJSON_AddNumberToObject(item, "tokens", (double) lines[i].tokens);
        if (lines[i].reciprocal > 0)
            cJSON_AddNumberToObject(item, "condition", 1 / lines[i].reciprocal);
        else
            cJSON_AddNullToObject(item, "condition");
        cJSON_AddStringToObject(item, "path", lines[i].path);
        cJSON_AddItemToArray(json, item);
    }
    cli_print_json(json);
}

static void print_people(struct cli *cli, const struct line *lines, size_t num)
{
    printf("%slayer    tokens  condition  at%s\n", cli_bold(cli), cli_plain(cli));
    for (size_t i = 0; i < num; i++) {
        printf("%5d  %8llu  ", lines[i].layer, (unsigned long long) lines[i].tokens);
        if (lines[i].reciprocal > 0)
            printf("%9.2g  %s\n", 1 / lines[i].reciprocal, lines[i].path);
        else
            printf(" singular  %s\n", lines[i].path);
    }
}

static enum em_status measure_all(struct cli *cli, const struct covariance_options *o,
                                  const struct layers *layers, struct em_session *s)
{
    EM_TRY(check_layers(cli, layers, em_model(s)));
    cli->running = true;
    session_on_progress(s, cli_progress_show, cli_progress_create(cli));
    EM_TRY(session_corpus_set(s,
                              &(struct session_corpus) {.paths = o->corpus.items,
                                                        .num_paths = (int) o->corpus.num,
                                                        .tokens = (uint64_t) o->tokens,
                                                        .max_length = o->max_length,
                                                        .shuffle = true},
                              layers->items, (int) layers->num));
    struct line *lines = arena_array(cli->arena, struct line, layers->num);
    for (size_t i = 0; i < layers->num; i++) {
        lines[i].layer = layers->items[i];
        session_call_begin(s);
        const enum em_status status = measure(cli, o, s, &lines[i]);
        session_call_end(s);
        EM_TRY(status);
    }
    if (cli->json)
        print_json(lines, layers->num);
    else
        print_people(cli, lines, layers->num);
    return EM_OK;
}

static enum em_status covariance_run(struct cli *cli, const void *options, const char *const *args,
                                     int num)
{
    (void) args, (void) num;
    const struct covariance_options *o = options;
    struct layers layers = {0};
    struct cli_model model;
    if (!o->out && (o->form != SAFETENSORS || o->sample_size))
        return log_fail(cli->log, EM_ERR_CONFIG,
                        "covariance: --form and --sample-size say how --out writes files; give "
                        "--out DIR too");
    EM_TRY(read_layers(cli, o->layers, &layers));
    EM_TRY(check_corpus(cli, o));
    EM_TRY(cli_model_open(cli,
                          &(struct cli_model_params) {
                              .model = o->model, .place = o->place, .seed = (uint64_t) o->seed},
                          &model));
    enum em_status status = check_max_length(cli, o, model_files_config(model.files));
    if (status == EM_OK)
        status = measure_all(cli, o, &layers, model.session);
    cli_model_close(&model);
    return status;
}

const struct cli_command cli_covariance = {
    .name = "covariance",
    .summary = "Measure the covariance of layers' keys, and keep it for experiments",
    .about =
        "  emend covariance --model smollm2 --corpus neutral.txt --layers 3,5\n\n"
        "The second moment of what a layer's down-projection reads, over the tokens of the\n"
        "corpus. An experiment with the same model, device, corpus, tokens and seed finds it in\n"
        "the cache; --out writes files for other machines (\"covariance\": { \"import\": ... }).\n"
        "A corpus with fewer tokens than asked for is used whole.",
    .options = covariance_table,
    .options_size = sizeof(struct covariance_options),
    .run = covariance_run,
};
