// Reads a corpus; see corpus.h.

#include "session/moment/corpus.h"

#include <ctype.h>
#include <string.h>

#include "base/number/random.h"
#include "base/text/json.h"
#include "base/text/read.h"
#include "base/text/words.h"

struct texts {
    const char **items;
    size_t num, cap;
};

void corpus_free(struct corpus *corpus)
{
    arena_destroy(&corpus->a);
}

// The line end before a line that is empty, or NULL; a line ends in "\n" or "\r\n".
static char *find_blank_line(char *text)
{
    char *at = strchr(text, '\n');
    while (at && at[1 + (at[1] == '\r')] != '\n')
        at = strchr(at + 1, '\n');
    return at;
}

// The text up to `end`, its line ends made blanks.
static void add_paragraph(struct arena *a, const char *text, const char *end, struct texts *out)
{
    char *copy = arena_alloc(a, (size_t) (end - text) + 1), *to = copy;
    for (const char *c = text; c < end; c++)
        if (c[0] != '\r' || c[1] != '\n')
            *to++ = *c == '\n' || *c == '\r' ? ' ' : *c;
    *arena_push(a, out) = copy;
}

// Paragraphs: text between blank lines.
static void split_paragraphs(struct arena *a, char *text, struct texts *out)
{
    while (*text) {
        while (isspace((unsigned char) *text))
            text++;
        char *blank = find_blank_line(text);
        char *next = blank ? blank : text + strlen(text), *end = next;
        while (end > text && isspace((unsigned char) end[-1]))
            end--;
        if (end > text)
            add_paragraph(a, text, end, out);
        text = next;
    }
}

static enum em_status read_line(struct em_session *s, struct arena *a, const char *path, int line,
                                const char *text, struct texts *out)
{
    struct json j;
    EM_TRY(json_parse(s->log, path, line, text, &j));
    const char *document = cJSON_GetStringValue(json_get(j.root, "text"));
    const bool is_text = document;
    if (is_text)
        *arena_push(a, out) = arena_copy(a, document);
    json_close(&j);
    return is_text ? EM_OK
                   : em_fail(s, EM_ERR_CONFIG,
                             "%s:%d: a line of a corpus is a JSON object with a string \"text\"",
                             path, line);
}

static enum em_status read_lines(struct em_session *s, struct arena *a, const char *path,
                                 char *text, struct texts *out)
{
    int line = 1;
    for (char *at = text; *at; line++) {
        char *end = strchr(at, '\n');
        char *next = end ? end + 1 : at + strlen(at);
        if (end)
            *end = 0;
        while (isspace((unsigned char) *at))
            at++;
        if (*at)
            EM_TRY(read_line(s, a, path, line, at, out));
        at = next;
    }
    return EM_OK;
}

static enum em_status read_texts(struct em_session *s, struct arena *a,
                                 const struct session_corpus *from, struct texts *out)
{
    for (int i = 0; i < from->num_paths; i++) {
        const char *path = from->paths[i];
        char *text;
        EM_TRY(text_read_utf8(s->log, a, path, &text));
        if (text_ends_with(path, ".jsonl"))
            EM_TRY(read_lines(s, a, path, text, out));
        else
            split_paragraphs(a, text, out);
    }
    return EM_OK;
}

static void shuffle(struct em_session *s, struct texts *t)
{
    struct random chance = random_stream(s->seed, "documents");
    for (size_t i = t->num; i > 1; i--) {
        const uint32_t j = random_below(&chance, (uint32_t) i);
        const char *x = t->items[i - 1];
        t->items[i - 1] = t->items[j];
        t->items[j] = x;
    }
}

static enum em_status add_document(struct em_session *s, struct corpus *c, const char *text,
                                   int max_length, uint64_t *left, size_t *cap)
{
    int *ids, num;
    EM_TRY(tokenizer_encode(s->tokenizer, c->a, text, false, &ids, &num));
    const int bos = s->bos ? 1 : 0;
    for (int first = 0; first<num && * left> 0;) {
        int piece = num - first < max_length - bos ? num - first : max_length - bos;
        if ((uint64_t) (piece + bos) > *left)
            piece = (int) *left - bos;
        if (piece <= 0)
            break;
        int *tokens = arena_array(c->a, int, (size_t) (piece + bos));
        if (bos)
            tokens[0] = tokenizer_bos(s->tokenizer);
        memcpy(tokens + bos, ids + first, (size_t) piece * sizeof(int));
        c->docs = arena_grow(c->a, c->docs, cap, (size_t) c->num, sizeof(*c->docs));
        c->docs[c->num++] = (struct em_prompt) {
            .tokens = tokens, .num_tokens = piece + bos, .target_first = piece + bos};
        c->longest = piece + bos > c->longest ? piece + bos : c->longest;
        *left -= (uint64_t) (piece + bos);
        first += piece;
    }
    return EM_OK;
}

// `num`: documents that were read, fewer than there are where covariance.documents says so.
static enum em_status fail_short(struct em_session *s, unsigned long long tokens, size_t num,
                                 bool cut)
{
    const int F = s->config->ffn;
    if (cut)
        return em_fail(s, EM_ERR_CONFIG,
                       "covariance.documents: %zu of the corpus have %llu tokens; a covariance of "
                       "%d x %d needs at least %d, better %d: use more documents",
                       num, tokens, F, F, F, 10 * F);
    return em_fail(s, EM_ERR_CONFIG,
                   "the corpus has %llu tokens; a covariance of %d x %d needs at least %d, better "
                   "%d: add text to covariance.corpus",
                   tokens, F, F, F, 10 * F);
}

enum em_status corpus_read(struct em_session *s, const struct session_corpus *from, uint64_t tokens,
                           struct corpus *out)
{
    *out = (struct corpus) {.a = arena_create()};
    struct texts texts = {0};
    size_t cap = 0;
    enum em_status status = read_texts(s, out->a, from, &texts);
    if (status == EM_OK && from->shuffle)
        shuffle(s, &texts);
    const size_t most =
        from->documents && from->documents < texts.num ? from->documents : texts.num;
    uint64_t left = from->documents ? UINT32_MAX : tokens;
    const uint64_t start = left;
    for (size_t i = 0; i < most && left > 0 && status == EM_OK; i++)
        status = add_document(s, out, texts.items[i], from->max_length, &left, &cap);
    const unsigned long long read = start - left;
    if (status == EM_OK && read < (uint64_t) s->config->ffn)
        status = fail_short(s, read, most, most < texts.num);
    if (status == EM_OK && !from->documents && left > 0)
        log_say(s->log, "the corpus has %llu tokens, fewer than the %llu asked for; all are used",
                read, (unsigned long long) tokens);
    if (status != EM_OK)
        corpus_free(out);
    return status;
}
