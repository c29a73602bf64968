// A tokenizer.json being read: what json.c, which reads the model and the added tokens, and
// steps.c, which reads what is done with a text around them, share. Private to this folder.

#ifndef MODEL_TOKENIZER_BUILDER_H
#define MODEL_TOKENIZER_BUILDER_H

#include "base/text/json.h"
#include "model/tokenizer/parts.h"

enum { MAX_ID = 1 << 20, MAX_PATTERNS = 16 };

struct builder {
    struct arena *a;
    struct json j;
    struct tokenizer_params params;
    struct tokenizer_word *words; // [num_words], room for max_words
    int num_words, max_words;
    int max_id; // a few times the tokens that are named, so that no file asks for more memory
    const char *patterns[MAX_PATTERNS];
    bool byte_level;
};

const char *builder_type(const cJSON *object); // "" if there is none
enum em_status builder_fail_type(const struct builder *b, const cJSON *object,
                                 const char *supported);
// A text or a flag that has to be absent, empty or false.
EM_MUST_CHECK enum em_status builder_refuse(const struct builder *b, const cJSON *object,
                                            const char *key);

// Normalizer, pre-tokenizer, post-processor and decoder, in this order.
EM_MUST_CHECK enum em_status builder_read_steps(struct builder *b);

#endif
