// The tiny Llama of the tests; see tiny.h.

#include "tiny.h"

#include <math.h>

#include "base/number/random.h"

const char tiny_config[] =
    "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": 32,\n"
    " \"intermediate_size\": 64, \"num_hidden_layers\": 2, \"num_attention_heads\": 2,\n"
    " \"num_key_value_heads\": 1, \"vocab_size\": 7, \"tie_word_embeddings\": false}\n";

struct shape {
    const char *hf, *gguf;
    uint32_t rows, cols, heads; // heads: interleaved in GGUF
};

static const struct shape outer[] = {
    {"model.embed_tokens.weight", "token_embd.weight", TINY_VOCAB, TINY_DIM, 0},
    {"model.norm.weight", "output_norm.weight", 0, TINY_DIM, 0},
    {"lm_head.weight", "output.weight", TINY_VOCAB, TINY_DIM, 0},
};

static const struct shape inner[] = {
    {"input_layernorm", "attn_norm", 0, TINY_DIM, 0},
    {"self_attn.q_proj", "attn_q", 32, TINY_DIM, 2},
    {"self_attn.k_proj", "attn_k", 16, TINY_DIM, 1},
    {"self_attn.v_proj", "attn_v", 16, TINY_DIM, 0},
    {"self_attn.o_proj", "attn_output", TINY_DIM, 32, 0},
    {"post_attention_layernorm", "ffn_norm", 0, TINY_DIM, 0},
    {"mlp.gate_proj", "ffn_gate", TINY_FFN, TINY_DIM, 0},
    {"mlp.up_proj", "ffn_up", TINY_FFN, TINY_DIM, 0},
    {"mlp.down_proj", "ffn_down", TINY_DIM, TINY_FFN, 0},
};

static struct tiny_tensor describe(struct room *r, int i)
{
    const bool is_outer = i < 2 || i == TINY_TENSORS - 1;
    const struct shape *s = is_outer ? &outer[i < 2 ? i : 2] : &inner[(i - 2) % 9];
    struct tiny_tensor t = {
        .hf = s->hf, .gguf = s->gguf, .rows = s->rows, .cols = s->cols, .heads = s->heads};
    if (!is_outer) {
        t.hf = arena_print(r->a, "model.layers.%d.%s.weight", (i - 2) / 9, s->hf);
        t.gguf = arena_print(r->a, "blk.%d.%s.weight", (i - 2) / 9, s->gguf);
    }
    return t;
}

// The value of an F16, from its definition.
static float half_value(uint16_t h)
{
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    const double size = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return (float) (h & 0x8000 ? -size : size);
}

// A half that is no NaN and no infinity; sometimes one below the normal ones, or zero.
static uint16_t random_half(struct random *chance)
{
    const uint32_t exponent = random_below(chance, 8) ? 8 + random_below(chance, 10) : 0;
    return (uint16_t) (random_below(chance, 2) << 15 | exponent << 10 | random_below(chance, 1024));
}

static void put_plain(struct bytes *b, enum file_type type, struct random *chance, float *value)
{
    if (type == FILE_F32) {
        *value = (float) (random_unit(chance) - 0.5);
        put_bytes(b, value, sizeof(*value));
        return;
    }
    const uint16_t half = random_half(chance);
    put_number(b, half, 2);
    *value = half_value(half);
    if (type == FILE_BF16) { // the upper half of a float32
        const uint32_t bits = (uint32_t) half << 16;
        memcpy(value, &bits, sizeof(*value));
    }
}

static void put_block(struct bytes *b, enum file_type type, struct random *chance, float *values)
{
    const uint16_t d = random_half(chance), m = random_half(chance);
    const float scale = half_value(d), least = half_value(m);
    put_number(b, d, 2);
    if (type == FILE_Q8_0) {
        for (int i = 0; i < 32; i++) {
            const int q = (int) random_below(chance, 256) - 128;
            put_number(b, (uint8_t) q, 1);
            values[i] = (float) q * scale;
        }
        return;
    }
    put_number(b, m, 2);
    for (int i = 0; i < 16; i++) {
        const uint32_t low = random_below(chance, 16), high = random_below(chance, 16);
        put_number(b, high << 4 | low, 1);
        const volatile float first = scale * (float) low, second = scale * (float) high;
        values[i] = first + least;
        values[i + 16] = second + least;
    }
}

struct tiny_tensor tiny_tensor(struct room *r, int i, bool plain)
{
    static const enum file_type types[] = {FILE_F32, FILE_F16, FILE_BF16, FILE_Q8_0, FILE_Q4_1};
    struct tiny_tensor t = describe(r, i);
    struct random chance = random_stream((uint64_t) i, "tiny");
    struct bytes b = {.a = r->a};
    const size_t num = (size_t) (t.rows ? t.rows : 1) * t.cols;
    t.type = types[i % (plain ? 3 : 5)];
    t.values = arena_array(r->a, float, num);
    const size_t step = t.type == FILE_Q8_0 || t.type == FILE_Q4_1 ? 32 : 1;
    for (size_t at = 0; at < num; at += step) {
        if (step == 1)
            put_plain(&b, t.type, &chance, t.values + at);
        else
            put_block(&b, t.type, &chance, t.values + at);
    }
    t.data = b.items;
    t.size = b.num;
    return t;
}

const uint8_t *tiny_interleaved(struct room *r, const struct tiny_tensor *t)
{
    if (!t->heads)
        return t->data;
    const size_t row = t->size / t->rows, width = t->rows / t->heads;
    uint8_t *out = arena_alloc(r->a, t->size);
    for (size_t head = 0; head < t->heads; head++)
        for (size_t i = 0; i < width; i++) { // pair p: rows p and p + width/2 become 2p and 2p + 1
            const size_t to = i < width / 2 ? 2 * i : 2 * (i - width / 2) + 1;
            memcpy(out + (head * width + to) * row, t->data + (head * width + i) * row, row);
        }
    return out;
}

uint32_t tiny_gguf_type(enum file_type type)
{
    static const uint32_t numbers[] = {
        [FILE_F32] = 0, [FILE_F16] = 1, [FILE_BF16] = 30, [FILE_Q8_0] = 8, [FILE_Q4_1] = 3};
    return numbers[type];
}

void tiny_gguf_config_of(struct gguf_maker *g, const char *architecture)
{
    static const struct {
        const char *key;
        uint32_t value;
    } sizes[] = {
        {"block_count", TINY_LAYERS},      {"embedding_length", TINY_DIM},
        {"feed_forward_length", TINY_FFN}, {"attention.head_count", TINY_HEADS},
        {"attention.head_count_kv", 1},    {"context_length", 128},
        {"rope.dimension_count", 16},
    };
    struct arena *a = g->values.a;
    gguf_put_text(g, "general.architecture", architecture);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        gguf_put_int(g, arena_print(a, "%s.%s", architecture, sizes[i].key), sizes[i].value);
    gguf_put_float(g, arena_print(a, "%s.attention.layer_norm_rms_epsilon", architecture), 1e-5f);
    gguf_put_float(g, arena_print(a, "%s.rope.freq_base", architecture), 5000);
}

void tiny_gguf_config(struct gguf_maker *g)
{
    tiny_gguf_config_of(g, "llama");
}

struct model_files *tiny_open(struct room *r, const char *path)
{
    struct model_files *m = model_files_open(r->log, path);
    if (!m)
        fail_msg("%s: %s", path, log_error(r->log));
    return m;
}
