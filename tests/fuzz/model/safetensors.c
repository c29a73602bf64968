// Any bytes as a safetensors file: read or refused, and all tensors lie in the file.

#include "../fuzz.h"

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int fd = fuzz_file_begin(data, size, path);
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    struct st_file f;
    if (st_open(log, a, path, &f) == EM_OK) {
        for (int i = 0; i < f.num; i++)
            fuzz_touch(f.tensors[i].data, f.tensors[i].size);
        st_close(&f);
    } else if (!log_error(log)[0]) {
        abort(); // a refusal without a message
    }
    arena_destroy(&a);
    log_destroy(&log);
    fuzz_file_end(fd);
    return 0;
}
