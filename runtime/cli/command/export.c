// `emend export`: what a run made of its model, for other programs.

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "experiment/export/export.h"

struct export_options {
    const char *out, *model;
    int format, precision, batch;
};

static const char *const format_names[] = {"delta", "hf", NULL}; // export_format
static const char *const formats_refused[] = {
    "gguf",
    "is not offered: make a Hugging Face folder with --format hf and convert it with llama.cpp's "
    "convert_hf_to_gguf.py",
    NULL,
};
static const char *const precision_names[] = {"stored", "f32", NULL};

static const struct cli_option export_table[] = {
    CLI_TEXT_ROW(struct export_options, out, "out", "DIR", true,
                 "where it goes, a folder that is not there yet"),
    CLI_CHOICE_ROW(struct export_options, format, "format", format_names, "what is made",
                   .refused = formats_refused),
    CLI_INT_ROW(struct export_options, batch, "batch", 0, 1, 1000000000,
                "the change by the run's N-th batch alone"),
    CLI_CHOICE_ROW(struct export_options, precision, "precision", precision_names,
                   "of hf: edited matrices in the type they had, or in float32"),
    CLI_TEXT_ROW(struct export_options, model, "model", "M", false,
                 "where the run's model is, if it has moved"),
    {0},
};

static void print_json(const struct export_result *r)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "path", r->path);
    cJSON_AddNumberToObject(json, "facts", r->num_facts);
    cJSON_AddNumberToObject(json, "batches", r->num_batches);
    cJSON_AddStringToObject(json, "base_sha256", r->base);
    cJSON *list = cJSON_AddArrayToObject(json, "matrices");
    for (int i = 0; i < r->num_matrices; i++) {
        const struct export_matrix *m = &r->matrices[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", m->name);
        if (m->rank)
            cJSON_AddNumberToObject(item, "rank", m->rank);
        if (m->change > 0) {
            cJSON_AddNumberToObject(item, "change", m->change);
            cJSON_AddNumberToObject(item, "rounding", m->rounding);
        }
        cJSON_AddItemToArray(list, item);
    }
    cli_print_json(json);
}

static void print_people(const struct export_result *r)
{
    printf("the edits of %d fact%s in %d batch%s\n", r->num_facts, r->num_facts == 1 ? "" : "s",
           r->num_batches, r->num_batches == 1 ? "" : "es");
    for (int i = 0; i < r->num_matrices; i++) {
        const struct export_matrix *m = &r->matrices[i];
        printf("  %s", m->name);
        if (m->rank)
            printf(", rank %d", m->rank);
        if (m->change > 0)
            printf(", changed by %.4g (Frobenius)", m->change);
        if (m->rounding > 0)
            printf(", of which rounding to 16 bits moved %.2g; --precision f32 keeps all",
                   m->rounding);
        putchar('\n');
    }
    printf("  base    %.16s... (SHA-256 of the weights)\n  at      %s\n", r->base, r->path);
}

static enum em_status export_run(struct cli *cli, const void *options, const char *const *args,
                                 int num)
{
    (void) num;
    const struct export_options *o = options;
    struct export_result result;
    const char *model = NULL;
    if (o->model)
        EM_TRY(cli_model_path(cli, o->model, &model));
    cli->running = true; // what is wrong with the input is no EM_ERR_IO
    struct cache *cache = cache_create(cli->log, cli->cache_folder);
    const enum em_status status = experiment_export(
        &(struct export_params) {
            .log = cli->log,
            .arena = cli->arena,
            .run = args[0],
            .model = model,
            .out = o->out,
            .format = (enum export_format) o->format,
            .f32 = o->precision != 0,
            .batch = o->batch,
            .cache = cache,
            .fetch = cli_fetch_model,
            .fetch_user = cli,
        },
        &result);
    cache_destroy(&cache);
    if (status != EM_OK)
        return status;
    if (cli->json)
        print_json(&result);
    else
        print_people(&result);
    return EM_OK;
}

const struct cli_command cli_export = {
    .name = "export",
    .arguments = "RUN",
    .summary = "Take the edits of a run, or the edited model, to other programs",
    .about =
        "RUN is the folder of a finished run. --format delta writes delta.safetensors with the\n"
        "tensors NAME.left [rows, n] and NAME.right [n, columns] for each edited matrix, such as\n"
        "model.layers.5.mlp.down_proj: W + left right is the edited one; its metadata names the\n"
        "base model by SHA-256. --format hf writes a Hugging Face folder with the edited matrices\n"
        "in their places and all else as it was; the run's model must be such a folder. Modes\n"
        "that take their edits back need --batch N.",
    .min_args = 1,
    .max_args = 1,
    .options = export_table,
    .options_size = sizeof(struct export_options),
    .run = export_run,
};
