// A word of a vocabulary as the text that it stands for: spelt in byte-level characters, or in
// plain ones with U+2581 for spaces and "<0x0A>" for a byte.

#include <string.h>

#include "model/tokenizer/parts.h"

// Bytes that are no printable character of Latin-1 are written as the characters from U+0100 on.
static bool is_printable(int byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 255 && byte != 173);
}

// The byte of a byte-level character; -1: it is none.
static int byte_of_character(int code)
{
    if (code < 256)
        return is_printable(code) ? code : -1;
    if (code <= 256 + 32)
        return code - 256;
    if (code <= 256 + 66)
        return code - 256 - 33 + 127;
    return code == 256 + 67 ? 173 : -1;
}

bool bytes_of_text(const char *text, char *bytes, uint32_t *size)
{
    uint32_t num = 0;
    for (const unsigned char *c = (const unsigned char *) text; *c;) {
        int code = *c++;
        if (code >= 0xC2 && code < 0xE0 && (*c & 0xC0) == 0x80)
            code = (code & 31) << 6 | (*c++ & 63);
        else if (code >= 0x80)
            return false;
        const int byte = byte_of_character(code);
        if (byte < 0)
            return false;
        bytes[num++] = (char) byte;
    }
    *size = num;
    return true;
}

// A digit as byte words write them; -1: it is none.
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int byte_of_word(const char *text)
{
    if (strlen(text) != 6 || strncmp(text, "<0x", 3) != 0 || text[5] != '>')
        return -1;
    const int high = hex_digit(text[3]), low = hex_digit(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

struct word word_of_bytes(const struct tokenizer_word *from, char *bytes)
{
    struct word w = {.bytes = bytes, .shown = bytes};
    w.merged = bytes_of_text(from->text, bytes, &w.size);
    if (!w.merged || from->added) { // as it is
        w.merged = w.merged && strncmp(from->text, bytes, w.size) == 0;
        w.size = (uint32_t) strlen(from->text);
        memcpy(bytes, from->text, w.size);
    }
    w.merged = w.merged && !from->apart;
    w.shown_size = w.size;
    bytes[w.size] = 0;
    return w;
}

struct word word_of_characters(const struct tokenizer_params *p, const struct tokenizer_word *from,
                               char *bytes, char *shown)
{
    const int byte = p->byte_fallback ? byte_of_word(from->text) : -1;
    struct word w = {.bytes = bytes, .shown = shown, .merged = byte < 0 && !from->apart};
    w.size = (uint32_t) strlen(from->text);
    memcpy(bytes, from->text, w.size + 1);
    char *to = shown;
    if (byte >= 0)
        *to++ = (char) byte;
    for (struct span rest = {bytes, byte < 0 ? w.size : 0}; rest.size;) {
        const bool mark = p->spaces != SPACES_KEPT && starts_with_mark(rest);
        const size_t n = mark ? strlen(SPACE_MARK) : 1;
        *to++ = mark ? ' ' : rest.at[0];
        rest = (struct span) {rest.at + n, rest.size - n};
    }
    w.shown_size = (uint32_t) (to - shown);
    return w;
}
