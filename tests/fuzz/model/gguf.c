// Any bytes as a model in a GGUF file, with its tensors and its tokenizer.

#include "../fuzz.h"

#include "model/files.h"
#include "model/tokenizer.h"

static void use_model(struct model_files *m, struct arena *a)
{
    for (int i = 0; i < model_files_count(m); i++) {
        const struct file_tensor *t = model_files_at(m, i);
        float *row = arena_array(a, float, t->cols);
        file_tensor_rows_f32(t, 0, 1, row);
        file_tensor_rows_f32(t, t->rows - 1, 1, row);
    }
    struct tokenizer *t = model_files_tokenizer(m);
    int *ids, num;
    if (t && tokenizer_encode(t, a, "The caf\xC3\xA9's 12\xFF <s>[X] ", true, &ids, &num) == EM_OK)
        tokenizer_decode(t, a, ids, num, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int fd = fuzz_file_begin(data, size, path);
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    struct model_files *m = model_files_open(log, path);
    if (m)
        use_model(m, a);
    else if (!log_error(log)[0])
        abort(); // a refusal without a message
    model_files_close(&m);
    arena_destroy(&a);
    log_destroy(&log);
    fuzz_file_end(fd);
    return 0;
}
