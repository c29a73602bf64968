// A tiny Llama in both containers, made from one set of numbers, so that what is read from either
// is known value by value: 2 layers, width 32, 2 heads of width 16 and 1 key-value head.

#ifndef TESTS_PARSERS_TINY_H
#define TESTS_PARSERS_TINY_H

#include "room.h"

#include "model/files.h"

enum { TINY_LAYERS = 2, TINY_DIM = 32, TINY_FFN = 64, TINY_HEADS = 2, TINY_VOCAB = 7 };
enum { TINY_TENSORS = 3 + 9 * TINY_LAYERS }; // with a head of its own

struct tiny_tensor {
    const char *hf, *gguf; // names
    uint32_t rows, cols;   // rows 0: a vector
    uint32_t heads;        // GGUF interleaves the halves of each; 0: it does not
    enum file_type type;
    const uint8_t *data; // of `type`, in the rows' Hugging Face order
    size_t size;
    float *values; // what the data means, by plain arithmetic
};

// Tensor i of TINY_TENSORS; the last is the head. The types F32, F16, BF16, Q8_0 and Q4_1 take
// turns; `plain`: only the first three.
struct tiny_tensor tiny_tensor(struct room *r, int i, bool plain);
// Its data with the rows as GGUF orders them.
const uint8_t *tiny_interleaved(struct room *r, const struct tiny_tensor *t);

extern const char tiny_config[]; // config.json
uint32_t tiny_gguf_type(enum file_type type);
void tiny_gguf_config(struct gguf_maker *g); // the llama.* metadata
void tiny_gguf_config_of(struct gguf_maker *g, const char *architecture);

struct model_files *tiny_open(struct room *r, const char *path); // must succeed

#endif
