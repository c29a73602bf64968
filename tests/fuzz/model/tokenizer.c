// Any text as a tokenizer.json, and as what it is to encode.

#include "../fuzz.h"

#include "model/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    char *text = arena_alloc(a, size + 1);
    if (size)
        memcpy(text, data, size);
    struct tokenizer *t = tokenizer_from_json(log, "fuzz", text);
    if (!t && !log_error(log)[0])
        abort(); // a refusal without a message
    for (int special = 0; t && special < 2; special++) {
        int *ids, num;
        const size_t part = size < 256 ? size : 256; // patterns may be slow on long texts
        const char *from = (const char *) data + size - part;
        if (tokenizer_encode_bytes(t, a, from, part, special, &ids, &num) == EM_OK)
            tokenizer_decode(t, a, ids, num, special);
    }
    tokenizer_destroy(&t);
    arena_destroy(&a);
    log_destroy(&log);
    return 0;
}
