// The shape of a Llama-family model, from a Hugging Face config.json or from GGUF metadata, every
// field checked (RMS norm, rotary halves, grouped queries, SwiGLU). Llama, Mistral and Qwen2 differ
// in what their files leave out and in biases; what is not supported is refused by name.

#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "base/file/hash.h"
#include "base/log.h"

enum rope_kind { ROPE_PLAIN, ROPE_LINEAR, ROPE_LLAMA3, ROPE_DIVISORS };

enum { MODEL_MAX_EOS = 16, MODEL_MAX_HALF_HEAD = 256 };

struct model_config {
    char architecture[64];
    int layers, dim, ffn, heads, kv_heads, head_dim, vocab, max_tokens;
    float rms_eps;
    bool tied;                         // the head is the embedding table
    bool qkv_bias, out_bias, mlp_bias; // of q, k, v; of o; of gate, up, down
    int window; // the sliding window where it is what limits max_tokens; 0: the context does
    enum rope_kind rope;
    double rope_theta;
    double rope_factor, rope_low_factor, rope_high_factor,
        rope_original;                        // LINEAR: factor; LLAMA3: all four
    float rope_divisors[MODEL_MAX_HALF_HEAD]; // DIVISORS: of each frequency (GGUF)
    int bos;                                  // -1: none
    int eos[MODEL_MAX_EOS];
    int num_eos;
};

// From the text of config.json; `path` is for messages.
EM_MUST_CHECK enum em_status config_from_json(struct log *log, const char *path, const char *text,
                                              struct model_config *out);

// The consistency of a config, however it was read.
EM_MUST_CHECK enum em_status config_check(struct log *log, const char *path,
                                          const struct model_config *c);

// All of it that a result may depend on.
void config_hash(const struct model_config *c, struct hash *h);

// Rows attend to the last `window` tokens, themselves among them. As long as a prompt fits into the
// window that is plain attention; a longer one is refused, by max_tokens.
void config_limit_to_window(struct model_config *c, int window);
// What a message about max_tokens ends with.
const char *config_limit_reason(const struct model_config *c);

// The angle per position of pair i of a head, theta^(-2i/E) scaled as the config says; computed in
// float32 step by step as transformers does, so that long contexts have its angles.
float config_rope_frequency(const struct model_config *c, int i);

// table [positions, head_dim] float32: cos of the head_dim/2 angles of each position, then sin.
void config_rope_table(const struct model_config *c, int positions, float *table);

#endif
