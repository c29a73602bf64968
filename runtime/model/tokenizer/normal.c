// What a text becomes before it is split: Unicode's normalization form C (Unicode Standard Annex
// 15, by utf8proc), and U+2581 for spaces as SentencePiece does it.

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "model/tokenizer/parts.h"

const char SPACE_MARK[] = "\xE2\x96\x81";

static bool is_ascii(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char) text[i] >= 0x80)
            return false;
    return true;
}

// Appends the form C of valid UTF-8.
static enum em_status push_composed(struct log *log, const char *text, size_t size, char **to)
{
    utf8proc_uint8_t *out;
    const utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *) text, (utf8proc_ssize_t) size, &out,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (length < 0)
        return log_fail(log, EM_ERR_UNSUPPORTED,
                        "a text of %zu bytes cannot be normalized (NFC): %s", size,
                        utf8proc_errmsg(length));
    memcpy(*to, out, (size_t) length);
    *to += length;
    free(out);
    return EM_OK;
}

enum em_status text_compose(struct log *log, struct arena *a, struct span *text)
{
    enum { GROWTH = 3 }; // of UTF-8 in form C (Unicode's FAQ on normalization)
    if (is_ascii(text->at, text->size))
        return EM_OK;
    char *composed = arena_alloc(a, GROWTH * text->size), *to = composed;
    for (size_t at = 0; at < text->size;) {
        const size_t valid = length_of_run(text->at + at, text->size - at, true);
        if (valid)
            EM_TRY(push_composed(log, text->at + at, valid, &to));
        at += valid;
        const size_t broken = length_of_run(text->at + at, text->size - at, false);
        memcpy(to, text->at + at, broken);
        to += broken;
        at += broken;
    }
    *text = (struct span) {composed, (size_t) (to - composed)};
    return EM_OK;
}

bool starts_with_mark(struct span text)
{
    const size_t size = strlen(SPACE_MARK);
    return text.size >= size && memcmp(text.at, SPACE_MARK, size) == 0;
}

static bool needs_prefix(struct span text, enum tokenizer_prefix prefix, bool first)
{
    const bool marked = (text.size && text.at[0] == ' ') || starts_with_mark(text);
    switch (prefix) {
    case PREFIX_NONE:
        return false;
    case PREFIX_ALL:
        return true;
    case PREFIX_UNMARKED:
        return !marked;
    case PREFIX_UNMARKED_FIRST:
        return first && !marked;
    }
    return false;
}

struct span text_mark_spaces(struct arena *a, struct span text, enum tokenizer_prefix prefix,
                             bool first)
{
    size_t marks = needs_prefix(text, prefix, first);
    for (size_t i = 0; i < text.size; i++)
        marks += text.at[i] == ' ';
    char *out = arena_alloc(a, text.size + marks * strlen(SPACE_MARK) + 1), *to = out;
    if (needs_prefix(text, prefix, first))
        to = stpcpy(to, SPACE_MARK);
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == ' ')
            to = stpcpy(to, SPACE_MARK);
        else
            *to++ = text.at[i];
    }
    return (struct span) {out, (size_t) (to - out)};
}
