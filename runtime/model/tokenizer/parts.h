// The two halves of a byte-level BPE tokenizer: the splitter, which cuts a text into pieces, and
// the merger, which turns a piece into ids. Private to this folder.

#ifndef MODEL_TOKENIZER_PARTS_H
#define MODEL_TOKENIZER_PARTS_H

#include "model/tokenizer.h"

// A word as the bytes of the text that it stands for.
struct word {
    const char *bytes;
    uint32_t size;
    bool byte_level; // made of byte-level characters: a piece of text can become it
};

struct id_list {
    int *items;
    size_t num, cap;
};

// Receives the pieces of a text, in order.
typedef enum em_status splitter_sink(void *user, const char *piece, size_t size);

struct splitter;
struct splitter *splitter_create(struct log *log, const char *path, const char *const *patterns,
                                 int num);
void splitter_destroy(struct splitter **s);
EM_MUST_CHECK enum em_status splitter_run(struct splitter *s, const char *text, size_t size,
                                          splitter_sink *sink, void *user);

// The patterns of a known way of splitting; NULL: it is not known.
const char *const *splitter_known(const char *name, int *num);

// The bytes that byte-level characters stand for, into `bytes` (as long as `text`); false, and the
// text as it is, if it holds another character.
bool bytes_of_text(const char *text, char *bytes, uint32_t *size);

struct merger;
struct merger *merger_create(struct arena *a, const struct tokenizer_params *params,
                             const struct word *words); // all live in `a`; NULL: failed
void merger_run(struct merger *m, const char *piece, size_t size, struct arena *a,
                struct id_list *ids);

#endif
