// Any bytes as an .npz archive and, because few get past a member's CRC-32, as one array: each read
// or refused, and all values lie in the file.

#include "../fuzz.h"

#include "model/npz/parts.h"

static void use_array(struct log *log, struct arena *a, enum em_status status,
                      const struct npz_array *x)
{
    if (status == EM_OK) {
        fuzz_touch(x->data, x->num * (uint64_t) x->width);
        npz_values(x, arena_array(a, double, x->num));
    } else if (!log_error(log)[0]) {
        abort(); // a refusal without a message
    }
    log_clear(log);
}

static void use_archive(struct log *log, struct arena *a, const char *path)
{
    struct npz_file f;
    struct npz_array x;
    if (npz_open(log, a, path, &f) != EM_OK) {
        if (!log_error(log)[0])
            abort();
        log_clear(log);
        return;
    }
    for (int i = 0; i < f.num; i++) {
        char *name = arena_copy(a, f.members[i].name);
        const size_t length = strlen(name);
        name[length < 4 ? 0 : length - 4] = 0; // without .npy, or whatever it ends in
        use_array(log, a, npz_read(&f, name, &x), &x);
    }
    npz_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int fd = fuzz_file_begin(data, size, path);
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    use_archive(log, a, path);
    const struct npz_file alone = {.log = log, .a = a, .path = path};
    struct npz_array x = {.name = "alone"};
    use_array(log, a, npy_parse(&alone, data, size, &x), &x);
    arena_destroy(&a);
    log_destroy(&log);
    fuzz_file_end(fd);
    return 0;
}
