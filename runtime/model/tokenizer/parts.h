// The parts of a tokenizer: what a text becomes before it is split; the splitter, which cuts it
// into pieces; and the merger, which turns a piece into ids. Private to this folder.

#ifndef MODEL_TOKENIZER_PARTS_H
#define MODEL_TOKENIZER_PARTS_H

#include "model/tokenizer.h"

// A word as pieces of text spell it; `shown`, what it is decoded to, differs for SentencePiece's.
struct word {
    const char *bytes, *shown;
    uint32_t size, shown_size;
    bool merged; // merges can make it of a piece of text
};

struct span {
    const char *at;
    size_t size;
};

struct id_list {
    int *items;
    size_t num, cap;
};

extern const char SPACE_MARK[]; // U+2581

// The normalization form C of a text; bytes that are not UTF-8 stay.
EM_MUST_CHECK enum em_status text_compose(struct log *log, struct arena *a, struct span *text);
bool starts_with_mark(struct span text);
// `first`: the text begins what is encoded.
struct span text_mark_spaces(struct arena *a, struct span text, enum tokenizer_prefix prefix,
                             bool first);

// Bytes of the UTF-8 character at the start of `text`; 0: it is none.
size_t length_of_character(const char *text, size_t size);
// Bytes from the start that are UTF-8 (`valid`) or are not.
size_t length_of_run(const char *text, size_t size, bool valid);

// Receives the pieces of a text, in order.
typedef enum em_status splitter_sink(void *user, const char *piece, size_t size);

struct splitter;
struct splitter *splitter_create(struct log *log, const char *path, const char *const *patterns,
                                 int num);
void splitter_destroy(struct splitter **s);
EM_MUST_CHECK enum em_status splitter_run(struct splitter *s, const char *text, size_t size,
                                          splitter_sink *sink, void *user);

// A known way of splitting; NULL: it is not known.
struct splitter_way {
    const char *name;
    const char *patterns[2]; // [num]
    int num;
    bool nfc; // of normalized text
};
const struct splitter_way *splitter_known(const char *name);

// The bytes that byte-level characters stand for, into `bytes` (as long as `text`); false, and the
// text as it is, if it holds another character.
bool bytes_of_text(const char *text, char *bytes, uint32_t *size);

// The byte that "<0x00>" to "<0xFF>" stands for; -1: another word.
int byte_of_word(const char *text);

// A word as byte-level characters spell it, and as plain ones do: shown with spaces for their
// marks, or as the byte that it names. `bytes` and `shown` have room for the text and a NUL.
struct word word_of_bytes(const struct tokenizer_word *from, char *bytes);
struct word word_of_characters(const struct tokenizer_params *p, const struct tokenizer_word *from,
                               char *bytes, char *shown);

struct merger;
struct merger *merger_create(struct arena *a, const struct tokenizer_params *params,
                             const struct word *words); // all live in `a`; NULL: failed
void merger_run(struct merger *m, const char *piece, size_t size, struct arena *a,
                struct id_list *ids);

#endif
