// Ids of many texts, for tests/golden/make/tokens.py, which compares them with others' ids:
//
//   encode_texts tokenizer.json|model.gguf TEXTS
//
// TEXTS holds for each its size (4 bytes, little endian) and its bytes. For each text three lines:
// ids with special tokens as text, ids with special tokens recognised, and in hexadecimal what the
// first decode to.

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file/file.h"
#include "model/files.h"
#include "model/tokenizer.h"

static void print_ids(const int *ids, int num)
{
    for (int i = 0; i < num; i++)
        printf("%s%d", i ? " " : "", ids[i]);
    putchar('\n');
}

static enum em_status print_text(struct tokenizer *t, const char *text, size_t size)
{
    struct arena *a = arena_create();
    int *plain, *special, num_plain, num_special;
    enum em_status status = tokenizer_encode_bytes(t, a, text, size, false, &plain, &num_plain);
    if (status == EM_OK)
        status = tokenizer_encode_bytes(t, a, text, size, true, &special, &num_special);
    if (status == EM_OK) {
        print_ids(plain, num_plain);
        print_ids(special, num_special);
        for (const char *c = tokenizer_decode(t, a, plain, num_plain, true); *c; c++)
            printf("%02x", (unsigned char) *c);
        putchar('\n');
    }
    arena_destroy(&a);
    return status;
}

static enum em_status print_texts(struct tokenizer *t, const char *texts, size_t size)
{
    for (size_t at = 0; at + 4 <= size;) {
        const unsigned char *c = (const unsigned char *) texts + at;
        const size_t length = c[0] | c[1] << 8 | (size_t) c[2] << 16 | (size_t) c[3] << 24;
        at += 4;
        if (length > size - at)
            return EM_ERR_IO;
        EM_TRY(print_text(t, texts + at, length));
        at += length;
    }
    return EM_OK;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct log *log = log_create(stderr, LOG_NORMAL);
    struct arena *a = arena_create();
    char *texts, *json;
    size_t size, json_size;
    struct model_files *m = NULL;
    struct tokenizer *t = NULL;
    const bool is_gguf = strlen(argv[1]) > 5 && strcmp(argv[1] + strlen(argv[1]) - 5, ".gguf") == 0;
    enum em_status status = file_read(log, a, argv[2], &texts, &size);
    if (status == EM_OK && is_gguf) {
        m = model_files_open(log, argv[1]);
        t = m ? model_files_tokenizer(m) : NULL;
    } else if (status == EM_OK && file_read(log, a, argv[1], &json, &json_size) == EM_OK) {
        t = tokenizer_from_json(log, argv[1], json);
    }
    status = t ? print_texts(t, texts, size) : EM_ERR_IO;
    if (status != EM_OK)
        fprintf(stderr, "%s: %s\n", argv[1], log_error(log));
    if (!is_gguf)
        tokenizer_destroy(&t);
    model_files_close(&m);
    arena_destroy(&a);
    log_destroy(&log);
    return status == EM_OK ? 0 : 1;
}
