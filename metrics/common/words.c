// A text split into words; see words.h. First what stands apart wherever it stands is put between
// spaces, then each piece between spaces is cut before its contractions.

#include "common/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_GROWN = 4 }; // bytes that one byte may become

struct spacer {
    const char *begin, *at; // in the text
    char *to;
};

static bool is_digit(char c)
{
    return isdigit((unsigned char) c);
}

static bool is_space(char c)
{
    return isspace((unsigned char) c);
}

static void put_apart(struct spacer *s, const char *word, size_t size)
{
    *s->to++ = ' ';
    memcpy(s->to, word, size);
    s->to += size;
    *s->to++ = ' ';
}

// Typographic quotes, of two or three bytes; 0: none begins here.
static size_t quote_size(const char *at)
{
    static const char *const quotes[] = {"“", "”", "‘", "’", "„", "«", "»"};
    for (size_t i = 0; i < sizeof(quotes) / sizeof(*quotes); i++)
        if (strncmp(at, quotes[i], strlen(quotes[i])) == 0)
            return strlen(quotes[i]);
    return 0;
}

// Whether the word before a full stop is one that has it anyway: an initial, a title.
static bool is_abbreviation(const char *begin, const char *stop)
{
    static const char *const known[] = {"Mr",  "Mrs", "Ms", "Dr",  "Prof", "St",  "Jr", "Sr",
                                        "Gen", "Col", "Lt", "Sgt", "Capt", "Rev", "vs", "No"};
    const char *word = stop;
    while (word > begin && (isalpha((unsigned char) word[-1]) || word[-1] == '.'))
        word--;
    const size_t size = (size_t) (stop - word);
    if (size == 1 || (size > 1 && word[size - 2] == '.'))
        return isupper((unsigned char) stop[-1]);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strlen(known[i]) == size && memcmp(known[i], word, size) == 0)
            return true;
    return false;
}

static bool ends_sentence(const char *begin, const char *stop)
{
    const char *at = stop + 1;
    while (*at && (strchr("])}>\"'", *at) || quote_size(at)))
        at += quote_size(at) ? quote_size(at) : 1;
    const bool spaced = is_space(*at);
    while (is_space(*at))
        at++;
    if (!*at)
        return true;
    while (*at && (strchr("([{<\"'", *at) || quote_size(at)))
        at += quote_size(at) ? quote_size(at) : 1;
    return spaced && (isupper((unsigned char) *at) || is_digit(*at)) &&
           !is_abbreviation(begin, stop);
}

// Bytes at `s->at` that are a word wherever they stand; 0: none.
static size_t apart_size(const struct spacer *s)
{
    const char *at = s->at;
    const size_t quote = quote_size(at), dots = strspn(at, "."), ticks = strspn(at, "`");
    if (quote || ticks)
        return quote ? quote : ticks;
    if (dots > 1 || (dots == 1 && at > s->begin && ends_sentence(s->begin, at)))
        return dots;
    if (strncmp(at, "--", 2) == 0 || strncmp(at, "''", 2) == 0)
        return 2;
    if (*at == ',' || *at == ':')
        return is_digit(at[1]) ? 0 : 1;
    return *at && strchr(";@#$%&?!*()[]{}<>", *at) ? 1 : 0;
}

static char *space_words(const char *text)
{
    char *out = malloc(MOST_GROWN * strlen(text) + 1);
    if (!out)
        return NULL;
    struct spacer s = {text, text, out};
    while (*s.at) {
        const size_t size = apart_size(&s);
        if (*s.at == '"') {
            const bool opens = s.at == text || is_space(s.at[-1]) || strchr("([{<", s.at[-1]);
            put_apart(&s, opens ? "``" : "''", 2);
        } else if (size) {
            put_apart(&s, s.at, size);
        } else {
            *s.to++ = is_space(*s.at) ? ' ' : *s.at;
        }
        s.at += size ? size : 1;
    }
    *s.to = 0;
    return out;
}

static bool is_same(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

static bool is_one_of(const char *text, size_t size, const char *const *list)
{
    for (; *list; list++)
        if (is_same(text, size, *list))
            return true;
    return false;
}

// An apostrophe that opens a quotation, not one that stands for letters.
static bool opens_quotation(const char *piece, size_t size)
{
    static const char *const shortened[] = {"re", "ve", "ll", "m", "t", "s", "d", "n", NULL};
    return size > 1 && piece[0] == '\'' && piece[1] != '\'' &&
           !is_one_of(piece + 1, size - 1, shortened);
}

// Where a piece is cut in two; 0: nowhere.
static size_t find_cut(const char *piece, size_t size)
{
    static const char *const three[] = {"n't", "'ll", "'re", "'ve", NULL};
    static const char *const two[] = {"'s", "'m", "'d", NULL};
    static const struct {
        const char *word;
        size_t cut;
    } joined[] = {{"cannot", 3}, {"gimme", 3}, {"gonna", 3},  {"gotta", 3},
                  {"lemme", 3},  {"wanna", 3}, {"more'n", 4}, {"d'ye", 1}};
    if (size > 3 && is_one_of(piece + size - 3, 3, three))
        return size - 3;
    if (size > 2 && piece[size - 3] != '\'' && is_one_of(piece + size - 2, 2, two))
        return size - 2;
    if (size > 1 && piece[size - 1] == '\'' && piece[size - 2] != '\'')
        return size - 1;
    for (size_t i = 0; i < sizeof(joined) / sizeof(*joined); i++)
        if (is_same(piece, size, joined[i].word))
            return joined[i].cut;
    return 0;
}

static char *put_word(struct words *out, const char *piece, size_t size, char *to)
{
    out->at[out->num++] = to;
    memcpy(to, piece, size);
    to[size] = 0;
    return to + size + 1;
}

bool words_split(const char *text, struct words *out)
{
    char *spaced = space_words(text);
    const size_t size = spaced ? strlen(spaced) : 0;
    *out = (struct words) {malloc(2 * size + 1), malloc((size + 1) * sizeof(*out->at)), 0};
    if (!spaced || !out->text || !out->at) {
        free(spaced);
        words_free(out);
        return false;
    }
    char *to = out->text;
    for (const char *at = spaced; *(at += strspn(at, " "));) {
        size_t left = strcspn(at, " ");
        if (opens_quotation(at, left)) {
            to = put_word(out, at, 1, to);
            at++, left--;
        }
        const size_t cut = find_cut(at, left);
        if (cut)
            to = put_word(out, at, cut, to);
        to = put_word(out, at + cut, left - cut, to);
        at += left;
    }
    free(spaced);
    return true;
}

void words_free(struct words *words)
{
    free(words->text);
    free(words->at);
    *words = (struct words) {0};
}
