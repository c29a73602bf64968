// Any bytes as an order file: the positions that are taken are those of records.

#include "../fuzz.h"

#include "experiment/data/choose.h"

enum { RECORDS = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int fd = fuzz_file_begin(data, size, path);
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    struct document *d = document_open(&(struct document_params) {.log = log, .text = "{}"});
    const struct spec spec = {
        .log = log, .arena = a, .document = d, .data = {.order = path, .first = (int) (size & 1)}};
    int *positions, num;
    if (choose_records(&spec, a, "facts", RECORDS, &positions, &num) != EM_OK) {
        if (!log_error(log)[0])
            abort(); // a refusal without a message
    } else {
        for (int i = 0; i < num; i++)
            if (positions[i] < 0 || positions[i] >= RECORDS)
                abort();
    }
    document_close(&d);
    arena_destroy(&a);
    log_destroy(&log);
    fuzz_file_end(fd);
    return 0;
}
