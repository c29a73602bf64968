// Any text as a file of context templates: what is taken has one place for a prompt.

#include "../fuzz.h"

#include "experiment/run/templates.h"
#include "experiment/workshop.h"
#include "session/internal.h"

static const char *read_set(const void *options)
{
    (void) options;
    return "rome";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct em_algorithm algorithm = {.name = "rome", .contexts = read_set};
    char path[64];
    const int fd = fuzz_file_begin(data, size, path);
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    struct em_session s = {.log = log, .life = a, .call = a};
    struct workshop w = {.log = log, .arena = a};
    cJSON *json = cJSON_Parse("{\"templates\": {}}");
    struct experiment e = {.log = log,
                           .arena = a,
                           .workshop = &w,
                           .session = &s,
                           .json = json,
                           .spec = {.algorithm = &algorithm, .templates = {.path = path}}};
    const enum em_status status = templates_make(&e);
    for (int i = 0; i < s.num_sets; i++)
        for (int k = 0; k < s.sets[i].num; k++)
            if (!strstr(s.sets[i].texts[k], "{}"))
                abort();
    cJSON_Delete(json);
    fuzz_end(&log, &a, status);
    fuzz_file_end(fd);
    return 0;
}
