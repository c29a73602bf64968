// Any bytes as a text: encoded in each way of splitting, and as SentencePiece does it, and back
// again byte for byte.

#include "../fuzz.h"

#include "words.h"

enum { BYTE_LEVEL = 4, SCORED = 3 };

struct way {
    struct tokenizer_params params;
    struct tokenizer *tokenizer;
};

static void round_trip(const struct way *way, struct arena *a, const char *text, size_t size)
{
    const struct tokenizer_params *p = &way->params;
    int *ids, num;
    if (tokenizer_encode_bytes(way->tokenizer, a, text, size, false, &ids, &num) != EM_OK)
        abort();
    const char *back = tokenizer_decode(way->tokenizer, a, ids, num, true);
    const bool is_changed = memchr(text, 0, size) || p->nfc ||
                            (p->prefix == PREFIX_UNMARKED && size && text[0] == ' ') ||
                            (p->characters && memmem(text, size, "\xE2\x96\x81", 3));
    if (!is_changed && (strlen(back) != size || memcmp(back, text, size) != 0))
        abort();
}

// One of the ways of splitting.
static struct tokenizer_params make_byte_level(struct room *r, int way)
{
    static const char *const ways[] = {"gpt-2", "smollm", "llama-bpe", "qwen2"};
    static const char *const merges[] = {"t h", "th e",  "  the", "\xC3 \xA9",
                                         "a a", "aa aa", "\n \n"};
    struct tokenizer_params p = words_make(r, merges, 7);
    p.pre = ways[way];
    p.ignore_merges = way == 2;
    p.nfc = way == 3;
    return p;
}

// One of the ways of marking spaces.
static struct tokenizer_params make_scored(struct room *r, int way)
{
    static const char *const pieces[] = {
        "th", "the", "\xE2\x96\x81the", "\xE2\x96\x81", "\xC3\xA9\xC3\xA9", "aa", "aaaa", "t", "h",
        "e",  "a"};
    static const enum tokenizer_prefix prefixes[] = {PREFIX_ALL, PREFIX_NONE, PREFIX_UNMARKED};
    struct tokenizer_params p = words_scored(r, pieces, sizeof(pieces) / sizeof(pieces[0]));
    p.spaces = way ? SPACES_MARKED_LATE : SPACES_MARKED_EARLY;
    p.prefix = prefixes[way];
    p.strip_first = p.prefix != PREFIX_NONE;
    p.split_at_marks = p.nfc = way == 2;
    return p;
}

// Each is made once, with memory that lives as long as the process.
static const struct way *find_way(int number)
{
    static struct way ways[BYTE_LEVEL + SCORED];
    static struct room room;
    if (!room.a)
        room = (struct room) {.log = log_create(NULL, LOG_QUIET), .a = arena_create()};
    struct way *way = &ways[number];
    if (!way->tokenizer) {
        way->params = number < BYTE_LEVEL ? make_byte_level(&room, number)
                                          : make_scored(&room, number - BYTE_LEVEL);
        way->tokenizer = tokenizer_create(&way->params);
    }
    if (!way->tokenizer)
        abort();
    return way;
}

// The first byte says how the rest is encoded.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct arena *a = arena_create();
    round_trip(find_way(data[0] % (BYTE_LEVEL + SCORED)), a, (const char *) data + 1, size - 1);
    arena_destroy(&a);
    return 0;
}
