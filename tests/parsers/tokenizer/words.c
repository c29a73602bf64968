// Vocabularies made in a test; see words.h.

#include "words.h"

#include "base/text/json.h"

// The character of a byte: itself if it is printable, else the next one from U+0100 on.
static char *put_character(char *to, int byte)
{
    int code = byte, next = 256;
    for (int b = 0; b <= byte; b++) {
        const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
        if (b == byte && !printable)
            code = next;
        next += !printable;
    }
    if (code < 0x80) {
        *to++ = (char) code;
    } else {
        *to++ = (char) (0xC0 | code >> 6);
        *to++ = (char) (0x80 | (code & 63));
    }
    return to;
}

static char *spell_bytes(struct room *r, const char *bytes, size_t size)
{
    char *text = arena_alloc(r->a, 2 * size + 1), *to = text;
    for (size_t i = 0; i < size; i++)
        to = put_character(to, (unsigned char) bytes[i]);
    return text;
}

char *words_spell(struct room *r, const char *text)
{
    return spell_bytes(r, text, strlen(text));
}

struct tokenizer_params words_make(struct room *r, const char *const *merges, int num_merges)
{
    const int num = 256 + num_merges;
    struct tokenizer_word *words = arena_array(r->a, struct tokenizer_word, (size_t) num);
    const char **spelt = arena_array(r->a, const char *, (size_t) num_merges + 1);
    for (int byte = 0; byte < 256; byte++)
        words[byte].text = spell_bytes(r, &(const char) {(char) byte}, 1);
    for (int i = 0; i < num_merges; i++) {
        const char *space = strchr(merges[i] + 1, ' '); // a first word may be a space
        const char *left = spell_bytes(r, merges[i], (size_t) (space - merges[i]));
        const char *right = words_spell(r, space + 1);
        spelt[i] = arena_print(r->a, "%s %s", left, right);
        words[256 + i].text = arena_print(r->a, "%s%s", left, right);
    }
    return (struct tokenizer_params) {.log = r->log,
                                      .path = "words",
                                      .words = words,
                                      .num_words = num,
                                      .merges = spelt,
                                      .num_merges = num_merges,
                                      .pre = "gpt-2",
                                      .unknown = -1,
                                      .bos = -1};
}

struct tokenizer_params words_scored(struct room *r, const char *const *pieces, int num)
{
    struct tokenizer_word *words =
        arena_array(r->a, struct tokenizer_word, WORDS_SCORED_FIRST + (size_t) num);
    float *scores = arena_array(r->a, float, WORDS_SCORED_FIRST + (size_t) num);
    words[0] = (struct tokenizer_word) {"<unk>", .special = true, .added = true, .apart = true};
    words[1] = (struct tokenizer_word) {"<s>", .special = true, .added = true, .apart = true};
    for (int byte = 0; byte < 256; byte++)
        words[2 + byte].text = arena_print(r->a, "<0x%02X>", byte);
    for (int i = 0; i < num; i++) {
        words[WORDS_SCORED_FIRST + i].text = pieces[i];
        scores[WORDS_SCORED_FIRST + i] = (float) -i;
    }
    return (struct tokenizer_params) {.log = r->log,
                                      .path = "pieces",
                                      .words = words,
                                      .num_words = WORDS_SCORED_FIRST + num,
                                      .characters = true,
                                      .scores = scores,
                                      .byte_fallback = true,
                                      .spaces = SPACES_MARKED_EARLY,
                                      .unknown = -1,
                                      .bos = 1};
}

char *words_json(struct room *r, const struct tokenizer_params *p, const char *parts)
{
    cJSON *vocab = cJSON_CreateObject(), *merges = cJSON_CreateArray();
    for (int i = 0; i < p->num_words; i++)
        cJSON_AddNumberToObject(vocab, p->words[i].text, i);
    for (int i = 0; i < p->num_merges; i++)
        cJSON_AddItemToArray(merges, cJSON_CreateString(p->merges[i]));
    char *vocab_text = cJSON_PrintUnformatted(vocab), *merges_text = cJSON_PrintUnformatted(merges);
    char *text = arena_print(r->a,
                             "{\"model\": {\"type\": \"BPE\", \"vocab\": %s,\n\"merges\": %s},\n"
                             "%s}\n",
                             vocab_text, merges_text, parts);
    cJSON_free(vocab_text);
    cJSON_free(merges_text);
    cJSON_Delete(vocab);
    cJSON_Delete(merges);
    return text;
}

const char *words_ids(struct room *r, struct tokenizer *t, const char *text, size_t size,
                      bool special)
{
    int *ids, num;
    if (tokenizer_encode_bytes(t, r->a, text, size, special, &ids, &num) != EM_OK)
        fail_msg("%s", log_error(r->log));
    char *out = arena_alloc(r->a, 12 * (size_t) num + 1), *to = out;
    for (int i = 0; i < num; i++)
        to += sprintf(to, "%s%d", i ? " " : "", ids[i]);
    return out;
}
