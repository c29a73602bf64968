// A Hugging Face model as GGUF; see gguf.h.

#include "gguf.h"

struct writer {
    struct room *r;
    const struct model_files *m;
    const struct model_config *c;
    const char *kind; // general.architecture
    struct gguf_maker g;
};

static const char *own_key(const struct writer *w, const char *name)
{
    return arena_print(w->r->a, "%s.%s", w->kind, name);
}

static void put_config(struct writer *w)
{
    const struct model_config *c = w->c;
    const struct {
        const char *key;
        int value;
    } sizes[] = {
        {"block_count", c->layers},
        {"embedding_length", c->dim},
        {"feed_forward_length", c->ffn},
        {"attention.head_count", c->heads},
        {"attention.head_count_kv", c->kv_heads},
        {"attention.key_length", c->head_dim},
        {"attention.value_length", c->head_dim},
        {"rope.dimension_count", c->head_dim},
        {"context_length", 256},
        {"vocab_size", c->vocab},
    };
    gguf_put_text(&w->g, "general.architecture", w->kind);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        gguf_put_int(&w->g, own_key(w, sizes[i].key), (uint32_t) sizes[i].value);
    if (c->window)
        gguf_put_int(&w->g, own_key(w, "attention.sliding_window"), (uint32_t) c->window);
    gguf_put_float(&w->g, own_key(w, "attention.layer_norm_rms_epsilon"), c->rms_eps);
    gguf_put_float(&w->g, own_key(w, "rope.freq_base"), (float) c->rope_theta);
    if (c->rope == ROPE_LINEAR) {
        gguf_put_text(&w->g, own_key(w, "rope.scaling.type"), "linear");
        gguf_put_float(&w->g, own_key(w, "rope.scaling.factor"), (float) c->rope_factor);
    }
}

// Any tokenizer: a session needs one, these tests do not.
static void put_tokenizer(struct writer *w)
{
    static const char *const tokens[] = {"a", "b", "c"};
    gguf_put_text(&w->g, "tokenizer.ggml.model", "gpt2");
    gguf_put_text(&w->g, "tokenizer.ggml.pre", "gpt-2");
    gguf_put_texts(&w->g, "tokenizer.ggml.tokens", tokens, 3);
    gguf_put_texts(&w->g, "tokenizer.ggml.merges", NULL, 0);
    gguf_put_int(&w->g, "tokenizer.ggml.bos_token_id", (uint32_t) w->c->bos);
    gguf_put_int(&w->g, "tokenizer.ggml.eos_token_id", (uint32_t) w->c->eos[0]);
}

// "model.layers.1.self_attn.q_proj.bias" -> "blk.1.attn_q.bias"
static const char *translate(const struct writer *w, const char *name)
{
    static const char *const words[][2] = {
        {"model.embed_tokens", "token_embd"},
        {"model.norm", "output_norm"},
        {"lm_head", "output"},
        {"model.layers", "blk"},
        {"input_layernorm", "attn_norm"},
        {"post_attention_layernorm", "ffn_norm"},
        {"self_attn.o_proj", "attn_output"},
        {"self_attn.", "attn_"},
        {"mlp.", "ffn_"},
        {"_proj", ""},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(name, words[i][0]))
            name = replace_text(w->r, name, words[i][0], words[i][1]);
    return name;
}

// Pair p of a head, its items p and p + half, become its items 2p and 2p + 1.
static uint8_t *interleave(struct room *r, const uint8_t *from, size_t items, size_t size,
                           size_t heads)
{
    const size_t width = items / heads, half = width / 2;
    uint8_t *to = arena_alloc(r->a, items * size);
    for (size_t i = 0; i < items; i++) {
        const size_t first = i / width * width, at = i % width;
        const size_t place = first + (at < half ? 2 * at : 2 * (at - half) + 1);
        memcpy(to + place * size, from + i * size, size);
    }
    return to;
}

static void put_tensor(struct writer *w, const struct file_tensor *t)
{
    static const uint32_t numbers[] = {[FILE_F32] = 0, [FILE_F16] = 1, [FILE_BF16] = 30};
    const bool vector = t->rows == 1;
    size_t size = t->size, items = t->rows;
    const uint8_t *data = t->data;
    if (vector) {
        float *values = arena_array(w->r->a, float, t->cols);
        file_tensor_rows_f32(t, 0, 1, values);
        items = t->cols;
        size = items * sizeof(float);
        data = (const uint8_t *) values;
    }
    const int heads = strstr(t->name, "q_proj")   ? w->c->heads
                      : strstr(t->name, "k_proj") ? w->c->kv_heads
                                                  : 0;
    if (heads && strcmp(w->kind, "llama") == 0)
        data = interleave(w->r, data, items, size / items, (size_t) heads);
    gguf_put_tensor(&w->g, translate(w, t->name), vector ? 0 : numbers[t->type], t->cols,
                    vector ? 0 : t->rows, data, size);
}

// Scaling by frequency is a tensor of divisors.
static void put_divisors(struct writer *w)
{
    struct model_config plain = *w->c;
    plain.rope = ROPE_PLAIN;
    float divisors[MODEL_MAX_HALF_HEAD];
    const int half = w->c->head_dim / 2;
    for (int i = 0; i < half; i++)
        divisors[i] = config_rope_frequency(&plain, i) / config_rope_frequency(w->c, i);
    gguf_put_tensor(&w->g, "rope_freqs.weight", 0, (uint64_t) half, 0, divisors,
                    (size_t) half * sizeof(float));
}

char *golden_gguf(struct room *r, const struct model_files *m, const char *name)
{
    struct writer w = {.r = r, .m = m, .c = model_files_config(m), .g = gguf_make(r)};
    w.kind = strcmp(w.c->architecture, "Qwen2ForCausalLM") == 0 ? "qwen2" : "llama";
    put_config(&w);
    put_tokenizer(&w);
    for (int i = 0; i < model_files_count(m); i++)
        put_tensor(&w, model_files_at(m, i));
    if (w.c->rope == ROPE_LLAMA3)
        put_divisors(&w);
    return gguf_write(r, &w.g, name);
}
