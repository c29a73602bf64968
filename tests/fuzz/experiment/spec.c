// Any text as an experiment's file, with a --set for each line behind it and a file that it may
// extend: read, varied as its sweep says, or refused.

#include "../fuzz.h"

#include "experiment/read/spec.h"
#include "experiment/sweep/grid.h"
#include "plugin/registry.h"

enum { SETS = 4, POINTS = 3, LAYERS = 32 };

static const struct model_config model = {.layers = LAYERS, .ffn = 176, .max_tokens = 256};

static enum em_status count_layers(void *user, const struct document *d, int *num)
{
    (void) user, (void) d;
    *num = LAYERS;
    return EM_OK;
}

static enum em_status read_points(struct log *log, struct arena *a, const struct document *d,
                                  struct registry *registry)
{
    struct grid grid;
    enum em_status status = grid_read(&grid, a, d, count_layers, NULL);
    for (int i = 0; i < grid.num_points && i < POINTS && status == EM_OK; i++) {
        struct document *point = grid_vary(&grid, a, d, i);
        struct spec spec;
        status =
            point ? spec_read(&spec,
                              &(struct spec_params) {
                                  .log = log, .arena = a, .document = point, .registry = registry})
                  : EM_ERR_CONFIG;
        if (status == EM_OK)
            status = spec_check_run(&spec, registry, 40);
        if (status == EM_OK)
            status = spec_check_model(&spec, &model);
        document_close(&point);
    }
    grid_close(&grid);
    return status;
}

static int split_sets(char *text, const char **sets)
{
    int num = 0;
    char *save = NULL;
    for (char *at = strtok_r(text, "\n", &save); at && num < SETS; at = strtok_r(NULL, "\n", &save))
        sets[num++] = at;
    return num;
}

static struct registry *find_plugins(struct log *log)
{
    static const char *const folders[] = {PLUGINS};
    struct registry *registry = registry_create(log, folders, 1);
    if (!registry || !registry_algorithm(registry, "rome"))
        abort();
    return registry;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct file_part parts[3];
    const char *sets[SETS];
    static struct log *log;
    static struct registry *registry; // of this log
    if (!log)
        log = log_create(NULL, LOG_QUIET);
    if (!registry)
        registry = find_plugins(log);
    log_clear(log);
    fuzz_split(data, size, parts, 3);
    struct arena *a = arena_create();
    const char *path = fuzz_write(a, "experiment.json", parts[0]);
    fuzz_write(a, "base.json", parts[2]);
    const int num_sets = split_sets(fuzz_text(a, parts[1]), sets);
    struct document *d = document_open(
        &(struct document_params) {.log = log, .path = path, .sets = sets, .num_sets = num_sets});
    const enum em_status status = d ? read_points(log, a, d, registry) : EM_ERR_CONFIG;
    document_close(&d);
    if (status != EM_OK && !log_error(log)[0])
        abort(); // a refusal without a message
    arena_destroy(&a);
    return 0;
}
