// Byte-level BPE, as GPT-2, SmolLM2 and Llama-3 use it: pre-tokenised by a regular expression
// (PCRE2), bytes mapped to printable characters, merged by rank. Made from tokenizer.json or from
// GGUF metadata.
//
// Memory: ids and texts are made in the caller's arena. Threads: one at a time.

#ifndef MODEL_TOKENIZER_H
#define MODEL_TOKENIZER_H

#include "base/arena.h"
#include "base/log.h"

struct tokenizer;

struct tokenizer_word {
    const char *text; // byte-level characters, as in vocab
    bool special;     // an added token that is recognised whole and hidden when text is shown
    bool added;       // matched in the text before pre-tokenisation
};

struct tokenizer_params { // from GGUF metadata
    struct log *log;
    const char *path;                   // for messages
    const struct tokenizer_word *words; // [num_words], by id
    int num_words;
    const char *const *merges; // [num_merges] "a b"
    int num_merges;
    const char *pre; // "gpt-2", "smollm", "llama-bpe"
    int bos;         // -1: none
    bool add_bos, ignore_merges;
};

struct tokenizer *tokenizer_create(const struct tokenizer_params *params);
struct tokenizer *tokenizer_from_json(struct log *log, const char *path, const char *text);
void tokenizer_destroy(struct tokenizer **t);

// Ids of `text`. `special`: recognise special tokens in it, else they are text. No BOS is added.
EM_MUST_CHECK enum em_status tokenizer_encode(struct tokenizer *t, struct arena *a,
                                              const char *text, bool special, int **ids, int *num);
char *tokenizer_decode(struct tokenizer *t, struct arena *a, const int *ids, int num,
                       bool show_special);

int tokenizer_vocab(const struct tokenizer *t);
int tokenizer_bos(const struct tokenizer *t);          // -1: none
bool tokenizer_adds_bos(const struct tokenizer *t);    // what the post-processor says
const char *tokenizer_hash(const struct tokenizer *t); // SHA-256 of all that decides its ids

#endif
