// Any bytes as a covariance of the user's: .npz or .safetensors, by the first byte.

#include "../fuzz.h"

#include "session/moment/covariance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    static const struct model_config config = {.layers = 1, .ffn = 2};
    struct covariance layer = {0};
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    struct em_session s = {
        .log = log, .config = &config, .life = a, .call = a, .covariances = &layer};
    const char *path = fuzz_write(a, *data % 2 ? "c.npz" : "c.safetensors",
                                  (struct file_part) {data + 1, size - 1});
    const enum em_status status = session_covariance_import(&s, 0, path);
    if (status == EM_OK)
        fuzz_touch((const uint8_t *) layer.c, 4 * sizeof(*layer.c));
    covariance_free_layer(&layer);
    fuzz_end(&log, &a, status);
    return 0;
}
