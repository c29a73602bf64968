// Cutting a text into pieces: a chain of regular expressions, each applied to the pieces that the
// ones before it made. What an expression matches and what lies between two matches are pieces.

#define PCRE2_CODE_UNIT_WIDTH 8

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#include "base/memory.h"
#include "base/text/escape.h"
#include "model/tokenizer/parts.h"

enum { MAX_STAGES = 16, JIT_STACK = 4 << 20 };

struct splitter {
    struct log *log;
    pcre2_code *stages[MAX_STAGES];
    int num;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *match[MAX_STAGES];
};

#define GPT2_PATTERN                                                                               \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LLAMA3_PATTERN                                                                             \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"                       \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define QWEN2_PATTERN                                                                              \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"                            \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const struct splitter_way *splitter_known(const char *name)
{
    static const struct splitter_way known[] = {
        {"gpt-2", {GPT2_PATTERN}, 1, false},       {"smollm", {"\\p{N}", GPT2_PATTERN}, 2, false},
        {"llama-bpe", {LLAMA3_PATTERN}, 1, false}, {"llama3", {LLAMA3_PATTERN}, 1, false},
        {"llama-v3", {LLAMA3_PATTERN}, 1, false},  {"qwen2", {QWEN2_PATTERN}, 1, true},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

// The pattern with \s and \S spelt out: PCRE2 counts U+180E as white space, which Unicode, and with
// it the tokenizers that models were trained with, has not done since 2013.
static char *spell_white_space(struct arena *a, const char *pattern)
{
    static const char white[] =
        "\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}"
        "\\x{202F}\\x{205F}\\x{3000}";
    char *out = arena_alloc(a, strlen(pattern) * sizeof(white) + 1), *to = out;
    bool in_class = false;
    for (const char *c = pattern; *c; c++) {
        if (*c == '\\' && c[1]) {
            c++;
            if (*c == 's')
                to += sprintf(to, in_class ? "%s" : "[%s]", white);
            else if (*c == 'S' && !in_class)
                to += sprintf(to, "[^%s]", white);
            else
                to += sprintf(to, "\\%c", *c);
            continue;
        }
        in_class = *c == '[' || (in_class && *c != ']');
        *to++ = *c;
    }
    return out;
}

static pcre2_code *compile(struct log *log, const char *path, const char *pattern)
{
    struct arena *a = arena_create();
    int error;
    PCRE2_SIZE at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR) spell_white_space(a, pattern), PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &at, NULL);
    if (code) {
        pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); // where there is none, it is interpreted
    } else if (error == PCRE2_ERROR_HEAP_FAILED) {
        memory_exhausted(SIZE_MAX);
    } else {
        char message[256];
        pcre2_get_error_message(error, (PCRE2_UCHAR *) message, sizeof(message));
        log_fail(log, EM_ERR_CONFIG, "%s: the regular expression \"%s\" of its pre-tokenizer: %s",
                 path, escape_shown(a, pattern, 200), message);
    }
    arena_destroy(&a);
    return code;
}

// What PCRE2 has made, if it had the memory.
static void *need(void *made)
{
    if (!made)
        memory_exhausted(SIZE_MAX);
    return made;
}

static bool has_jit(void)
{
    uint32_t jit = 0;
    pcre2_config(PCRE2_CONFIG_JIT, &jit);
    return jit;
}

struct splitter *splitter_create(struct log *log, const char *path, const char *const *patterns,
                                 int num)
{
    if (num > MAX_STAGES) {
        log_fail(log, EM_ERR_UNSUPPORTED,
                 "%s: its pre-tokenizer has %d steps; at most %d are supported", path, num,
                 MAX_STAGES);
        return NULL;
    }
    struct splitter *s = memory_alloc(sizeof(*s));
    *s = (struct splitter) {.log = log, .context = need(pcre2_match_context_create(NULL))};
    if (has_jit()) {
        s->stack = need(pcre2_jit_stack_create(32 << 10, JIT_STACK, NULL));
        pcre2_jit_stack_assign(s->context, NULL, s->stack);
    }
    for (; s->num < num; s->num++) {
        pcre2_code *code = compile(log, path, patterns[s->num]);
        if (!code) {
            splitter_destroy(&s);
            return NULL;
        }
        s->stages[s->num] = code;
        s->match[s->num] = need(pcre2_match_data_create_from_pattern(code, NULL));
    }
    return s;
}

void splitter_destroy(struct splitter **s)
{
    if (!*s)
        return;
    for (int i = 0; i < (*s)->num; i++) {
        pcre2_match_data_free((*s)->match[i]);
        pcre2_code_free((*s)->stages[i]);
    }
    pcre2_jit_stack_free((*s)->stack);
    pcre2_match_context_free((*s)->context);
    free(*s);
    *s = NULL;
}

// The next match of a stage at or behind `from`: *start < *end, or both `size` if there is none.
static enum em_status find_match(struct splitter *s, int stage, const char *text, size_t size,
                                 size_t from, size_t *start, size_t *end)
{
    *start = *end = size;
    if (from == size)
        return EM_OK;
    const int found = pcre2_match(s->stages[stage], (PCRE2_SPTR) text, size, from,
                                  PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, s->match[stage], s->context);
    if (found == PCRE2_ERROR_NOMATCH)
        return EM_OK;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->match[stage]);
    if (found > 0 && at[0] >= from && at[0] < at[1]) {
        *start = at[0];
        *end = at[1];
        return EM_OK;
    }
    char message[256] = "it matches backwards";
    if (found < 0)
        pcre2_get_error_message(found, (PCRE2_UCHAR *) message, sizeof(message));
    return log_fail(s->log, EM_ERR_UNSUPPORTED,
                    "the tokenizer's regular expression %d fails on a text of %zu bytes: %s", stage,
                    size, message);
}

static enum em_status run_stage(struct splitter *s, int stage, const char *text, size_t size,
                                splitter_sink *sink, void *user)
{
    if (!size)
        return EM_OK;
    if (stage == s->num)
        return sink(user, text, size);
    for (size_t at = 0, start, end; at < size; at = end) {
        EM_TRY(find_match(s, stage, text, size, at, &start, &end));
        EM_TRY(run_stage(s, stage + 1, text + at, start - at, sink, user));
        EM_TRY(run_stage(s, stage + 1, text + start, end - start, sink, user));
    }
    return EM_OK;
}

size_t length_of_character(const char *at, size_t size)
{
    const unsigned char *text = (const unsigned char *) at, c = text[0];
    if (c < 0x80)
        return 1;
    const size_t length = c >= 0xC2 && c < 0xE0   ? 2
                          : c >= 0xE0 && c < 0xF0 ? 3
                          : c >= 0xF0 && c < 0xF5 ? 4
                                                  : 0;
    if (!length || length > size)
        return 0;
    // the second byte's range: no overlong forms, no surrogates, nothing above U+10FFFF
    const unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

size_t length_of_run(const char *text, size_t size, bool valid)
{
    size_t at = 0;
    while (at < size) {
        const size_t length = length_of_character(text + at, size - at);
        if ((length > 0) != valid)
            break;
        at += length ? length : 1;
    }
    return at;
}

enum em_status splitter_run(struct splitter *s, const char *text, size_t size, splitter_sink *sink,
                            void *user)
{
    for (size_t at = 0; at < size;) {
        const size_t valid = length_of_run(text + at, size - at, true);
        EM_TRY(run_stage(s, 0, text + at, valid, sink, user));
        at += valid;
        const size_t broken = length_of_run(text + at, size - at, false);
        if (broken)
            EM_TRY(sink(user, text + at, broken));
        at += broken;
    }
    return EM_OK;
}
