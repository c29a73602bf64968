// Any text as a config.json: what is read is consistent, and has angles.

#include "../fuzz.h"

#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    char *text = arena_alloc(a, size + 1);
    if (size)
        memcpy(text, data, size);
    struct model_config c;
    if (config_from_json(log, "fuzz", text, &c) == EM_OK) {
        if (config_check(log, "fuzz", &c) != EM_OK)
            abort();
        config_rope_table(&c, 2, arena_array(a, float, 2 * (size_t) c.head_dim));
    } else if (!log_error(log)[0]) {
        abort(); // a refusal without a message
    }
    arena_destroy(&a);
    log_destroy(&log);
    return 0;
}
