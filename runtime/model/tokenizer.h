// Byte pair encoding. Byte-level, as GPT-2, SmolLM2, Llama-3 and Qwen2 use it: added tokens are
// found in the text, the rest is split by regular expressions (PCRE2), and the bytes of each piece
// are merged by rank. Or as SentencePiece does it for Llama-2 and Mistral: spaces become U+2581,
// mostly with one more before the text, and the characters are merged by rank or by score.
// Made from tokenizer.json or from GGUF metadata.
//
// Memory: ids and texts are made in the caller's arena. Threads: one at a time.

#ifndef MODEL_TOKENIZER_H
#define MODEL_TOKENIZER_H

#include "base/arena.h"
#include "base/log.h"

struct tokenizer;

struct tokenizer_word {
    const char *text; // byte-level characters, as in vocab; of added ones as it is; NULL: no word
    bool special;     // an added token that is recognised on request and hidden when text is shown
    bool added;       // matched in the text before it is split
    bool apart;       // not of the vocabulary: merges never make it
    bool strip_left, strip_right; // added: takes the white space beside it
    bool normalized;              // added: looked for after those that are not
};

// How spaces reach the merges.
enum tokenizer_spaces {
    SPACES_KEPT,
    SPACES_MARKED_EARLY, // as U+2581, before added tokens that are normalized are looked for
    SPACES_MARKED_LATE,  // as U+2581, after that: what tokenizer.json calls Metaspace
};

// Which of the texts between added tokens are given a U+2581 at their start.
enum tokenizer_prefix {
    PREFIX_NONE,
    PREFIX_ALL,
    PREFIX_UNMARKED,       // those that do not begin with one
    PREFIX_UNMARKED_FIRST, // the same, but only at the very start of what is encoded
};

struct tokenizer_params {
    struct log *log;
    const char *path;                   // for messages
    const struct tokenizer_word *words; // [num_words], by id
    int num_words;
    const char *const *merges; // [num_merges] "a b", best first
    int num_merges;
    // How text is split: each expression splits the pieces that those before it made. Or, if there
    // are none, the name of a known way: "gpt-2", "smollm", "llama-bpe", "qwen2".
    const char *const *patterns; // [num_patterns]
    int num_patterns;
    const char *pre;
    bool nfc; // the text is brought into Unicode's normalization form C first
    // Words are plain characters, not byte-level ones, and what follows holds instead of patterns.
    bool characters;
    const float *scores; // [num_words] whatever makes the best word is merged; NULL: by `merges`
    bool byte_fallback; // characters that have no word are their bytes' words, "<0x00>" to "<0xFF>"
    enum tokenizer_spaces spaces;
    enum tokenizer_prefix prefix;
    bool split_at_marks; // a piece begins at each U+2581
    bool strip_first;    // decoding takes the space off that the prefix has put there

    int unknown;        // id for what has no word; -1: it is left out, as others do
    bool fuse_unknown;  // one id for several such characters in a row
    int bos;            // -1: none
    bool add_bos;       // what encoding a text for the model begins with
    bool ignore_merges; // a piece that is a word is not merged
};

struct tokenizer *tokenizer_create(const struct tokenizer_params *params);
struct tokenizer *tokenizer_from_json(struct log *log, const char *path, const char *text);
void tokenizer_destroy(struct tokenizer **t); // accepts a pointer to NULL

// Ids of `text`. `special`: recognise special tokens in it, else they are text. No BOS is added.
// Bytes that are not UTF-8 are pieces of their own.
EM_MUST_CHECK enum em_status tokenizer_encode(struct tokenizer *t, struct arena *a,
                                              const char *text, bool special, int **ids, int *num);
EM_MUST_CHECK enum em_status tokenizer_encode_bytes(struct tokenizer *t, struct arena *a,
                                                    const char *text, size_t size, bool special,
                                                    int **ids, int *num);
// Ids of a text that goes on behind another: no U+2581 is put before it.
EM_MUST_CHECK enum em_status tokenizer_encode_rest(struct tokenizer *t, struct arena *a,
                                                   const char *text, bool special, int **ids,
                                                   int *num);

// The bytes of the ids' words, which may end within a character. A NUL byte becomes U+FFFD; ids out
// of range, and special ones unless they are shown, give nothing. The rest of a text keeps the
// space that it begins with.
char *tokenizer_decode(const struct tokenizer *t, struct arena *a, const int *ids, int num,
                       bool show_special);
char *tokenizer_decode_rest(const struct tokenizer *t, struct arena *a, const int *ids, int num,
                            bool show_special);

int tokenizer_vocab(const struct tokenizer *t);        // the highest id and 1
int tokenizer_bos(const struct tokenizer *t);          // -1: none that the tokenizer knows of
bool tokenizer_adds_bos(const struct tokenizer *t);    // what the post-processor says
const char *tokenizer_hash(const struct tokenizer *t); // SHA-256 of all that decides its ids

#endif
