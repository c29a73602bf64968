// Any bytes as the files of a model: a Hugging Face folder with shards, or the parts of a split
// GGUF file; the first byte says which.

#include "../fuzz.h"

#include "model/files.h"

static const char *write_folder(struct arena *a, const uint8_t *data, size_t size)
{
    static const char *const names[] = {"config.json", "model.safetensors.index.json",
                                        "tokenizer.json", "a.safetensors", "b.safetensors"};
    enum { NAMES = sizeof(names) / sizeof(*names) };
    struct file_part parts[NAMES];
    fuzz_split(data, size, parts, NAMES);
    for (int i = 0; i < NAMES; i++)
        fuzz_write(a, names[i], parts[i]);
    return fuzz_folder();
}

static const char *write_split(struct arena *a, const uint8_t *data, size_t size)
{
    struct file_part parts[2];
    fuzz_split(data, size, parts, 2);
    fuzz_write(a, "m-00001-of-00002.gguf", parts[0]);
    return fuzz_write(a, "m-00002-of-00002.gguf", parts[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    const char *path =
        *data % 2 ? write_split(a, data + 1, size - 1) : write_folder(a, data + 1, size - 1);
    struct model_files *m = model_files_open(log, path);
    for (int i = 0; m && i < model_files_count(m); i++) {
        const struct file_tensor *t = model_files_at(m, i);
        fuzz_touch(t->data, t->size);
        file_tensor_rows_f32(t, t->rows - 1, 1, arena_array(a, float, t->cols));
    }
    const bool read = m && model_files_tokenizer(m);
    model_files_close(&m);
    fuzz_end(&log, &a, read ? EM_OK : EM_ERR_CONFIG);
    return 0;
}
