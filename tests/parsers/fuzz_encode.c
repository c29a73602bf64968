// Any bytes as a text: encoded in each way of splitting, and back again byte for byte.

#include "fuzz.h"

#include <string.h>

#include "words.h"

static void round_trip(struct room *r, struct tokenizer *t, const char *text, size_t size)
{
    int *ids, num;
    if (tokenizer_encode_bytes(t, r->a, text, size, true, &ids, &num) != EM_OK)
        abort();
    const char *back = tokenizer_decode(t, r->a, ids, num, true);
    if (!memchr(text, 0, size) && (strlen(back) != size || memcmp(back, text, size) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ways[] = {"gpt-2", "smollm", "llama-bpe"};
    static const char *const merges[] = {"t h", "th e",  "  the", "\xC3 \xA9",
                                         "a a", "aa aa", "\n \n"};
    struct room r = {.log = log_create(NULL, LOG_QUIET), .a = arena_create()};
    struct tokenizer_params p = words_make(&r, merges, 7);
    for (int i = 0; i < 3; i++) {
        p.pre = ways[i];
        p.ignore_merges = i == 2;
        struct tokenizer *t = tokenizer_create(&p);
        if (!t)
            abort();
        round_trip(&r, t, (const char *) data, size);
        tokenizer_destroy(&t);
    }
    arena_destroy(&r.a);
    log_destroy(&r.log);
    return 0;
}
