// `emend device`: what the chosen Vulkan device can do, and what its driver makes of the kernels.

#include <string.h>

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "gpu/kernel.h"

struct device_options {
    const char *device;
    bool kernels;
};

static const struct cli_option device_table[] = {
    CLI_TEXT_ROW(struct device_options, device, "device", "D", false,
                 "index, part of the name, or \"cpu\"; else the best there is"),
    CLI_FLAG_ROW(struct device_options, kernels, "kernels", 0,
                 "compile every kernel and show the driver's statistics"),
    {0},
};

static void add_limits(cJSON *json, const struct gpu_info *d)
{
    cJSON_AddNumberToObject(json, "index", d->index);
    cJSON_AddStringToObject(json, "name", d->name);
    cJSON_AddStringToObject(json, "driver", d->driver);
    cJSON_AddStringToObject(json, "driver_version", d->driver_version);
    cJSON_AddNumberToObject(json, "memory", (double) d->memory);
    cJSON_AddNumberToObject(json, "max_range", (double) d->max_range);
    cJSON_AddNumberToObject(json, "max_alloc", (double) d->max_alloc);
    cJSON_AddNumberToObject(json, "max_groups", d->max_groups);
    cJSON_AddNumberToObject(json, "max_invocations", d->max_invocations);
    cJSON_AddNumberToObject(json, "shared_memory", d->shared_memory);
    cJSON_AddNumberToObject(json, "subgroup_size", d->subgroup_size);
    cJSON_AddNumberToObject(json, "offset_align", d->offset_align);
    cJSON_AddBoolToObject(json, "unified", d->unified);
}

static void print_limits(struct cli *cli, const struct gpu_info *d)
{
    const double gib = 1u << 30, mib = 1u << 20;
    printf("%s%d: %s%s\n", cli_bold(cli), d->index, d->name, cli_plain(cli));
    printf("  driver             %s %s, Vulkan %u.%u\n", d->driver, d->driver_version,
           d->api_version >> 22 & 0x7f, d->api_version >> 12 & 0x3ff);
    printf("  memory             %.1f GiB%s\n", (double) d->memory / gib,
           d->unified ? ", the host's own" : "");
    printf("  one allocation     %.0f MiB\n", (double) d->max_alloc / mib);
    printf("  one binding        %.0f MiB, at multiples of %u bytes\n", (double) d->max_range / mib,
           d->offset_align);
    printf("  one dispatch       %u groups in a dimension\n", d->max_groups);
    printf("  one workgroup      %u invocations, %u KiB of shared memory\n", d->max_invocations,
           d->shared_memory / 1024);
    printf("  subgroup           %u invocations\n", d->subgroup_size);
}

static void print_statistics(struct cli *cli, const struct gpu_statistic *list, int num)
{
    if (!num)
        printf("\nThis driver tells nothing about compiled kernels.\n");
    for (int i = 0; i < num; i++) {
        const struct gpu_statistic *s = &list[i];
        const bool first =
            !i || s->kernel != s[-1].kernel || strcmp(s->executable, s[-1].executable) != 0;
        if (first)
            printf("\n%s%s%s  %s\n", cli_bold(cli), gpu_kernel_info(s->kernel)->name,
                   cli_plain(cli), s->executable);
        printf("  %-40s %.10g\n", s->name, s->value);
    }
}

static void add_statistics(cJSON *json, const struct gpu_statistic *list, int num)
{
    cJSON *kernels = cJSON_AddArrayToObject(json, "kernels");
    for (int i = 0; i < num; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "kernel", gpu_kernel_info(list[i].kernel)->name);
        cJSON_AddStringToObject(item, "executable", list[i].executable);
        cJSON_AddStringToObject(item, "statistic", list[i].name);
        cJSON_AddNumberToObject(item, "value", list[i].value);
        cJSON_AddItemToArray(kernels, item);
    }
}

static enum em_status show_device(struct cli *cli, struct gpu *gpu, bool kernels)
{
    struct gpu_statistic *list = NULL;
    int num = 0;
    if (kernels)
        EM_TRY(gpu_kernel_statistics(gpu, cli->arena, &list, &num));
    if (!cli->json) {
        print_limits(cli, gpu_info(gpu));
        if (kernels)
            print_statistics(cli, list, num);
        return EM_OK;
    }
    cJSON *json = cJSON_CreateObject();
    add_limits(json, gpu_info(gpu));
    if (kernels)
        add_statistics(json, list, num);
    cli_print_json(json);
    return EM_OK;
}

static enum em_status device_run(struct cli *cli, const void *options, const char *const *args,
                                 int num)
{
    (void) args, (void) num;
    const struct device_options *o = options;
    struct gpu *gpu = gpu_create(&(struct gpu_params) {.log = cli->log, .device = o->device});
    if (!gpu)
        return log_status(cli->log);
    const enum em_status status = show_device(cli, gpu, o->kernels);
    gpu_destroy(&gpu);
    return status;
}

const struct cli_command cli_device = {
    .name = "device",
    .summary = "Show a device's limits and what its driver makes of the kernels",
    .options = device_table,
    .options_size = sizeof(struct device_options),
    .run = device_run,
};
