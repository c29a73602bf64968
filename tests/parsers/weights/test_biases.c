// Biases of the tiny model in both containers: read value by value, in Hugging Face order; missing,
// denied and misshapen ones are named.

#include "tiny.h"

#include "base/number/half.h"
#include "model/safetensors.h"

struct bias {
    const char *hf, *gguf; // of a layer
    uint32_t num, heads;   // heads: interleaved in the GGUF of a Llama
};

static const struct bias kinds[] = {
    {"self_attn.q_proj", "attn_q", 32, 2},      {"self_attn.k_proj", "attn_k", 16, 1},
    {"self_attn.v_proj", "attn_v", 16, 0},      {"self_attn.o_proj", "attn_output", TINY_DIM, 0},
    {"mlp.gate_proj", "ffn_gate", TINY_FFN, 0}, {"mlp.up_proj", "ffn_up", TINY_FFN, 0},
    {"mlp.down_proj", "ffn_down", TINY_DIM, 0},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), QKV = 3 };

struct change {
    int kinds;          // how many of them there are
    const char *drop;   // a name in the container's way of writing
    uint32_t longer;    // values that q's have too many
    const char *family; // NULL: llama
    bool says_so;       // the Llama's config.json
    const char *message;
};

// Value i of a bias: exact in every type.
static float bias_value(int layer, int kind, uint32_t i)
{
    return (float) (100 * layer + 10 * kind) + (float) i / 8;
}

static float *bias_values(struct room *r, int layer, int kind, uint32_t longer)
{
    const uint32_t num = kinds[kind].num + (kind ? 0 : longer);
    float *values = arena_array(r->a, float, num);
    for (uint32_t i = 0; i < num; i++)
        values[i] = bias_value(layer, kind, i);
    return values;
}

static const char *make_config(struct room *r, const struct change *c)
{
    if (c->says_so)
        return replace_text(r, tiny_config, "\"tie_word",
                            "\"attention_bias\": true, \"mlp_bias\": true, \"tie_word");
    if (!c->family)
        return tiny_config;
    static const char llama[] =
        "\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\"";
    return replace_text(r, tiny_config, llama,
                        arena_print(r->a, "\"model_type\": \"%s\"", c->family));
}

static const char *write_folder(struct room *r, const struct change *c)
{
    struct st_tensor all[TINY_TENSORS + TINY_LAYERS * KINDS];
    static const enum st_type types[] = {
        [FILE_F32] = ST_F32, [FILE_F16] = ST_F16, [FILE_BF16] = ST_BF16};
    int num = 0;
    for (int i = 0; i < TINY_TENSORS; i++) {
        const struct tiny_tensor t = tiny_tensor(r, i, true);
        all[num] = (struct st_tensor) {.name = t.hf, .type = types[t.type], .data = t.data};
        all[num].num_dims = t.rows ? 2 : 1;
        all[num].dims[0] = t.rows ? t.rows : t.cols;
        all[num++].dims[1] = t.cols;
    }
    for (int i = 0; i < TINY_LAYERS * c->kinds; i++) {
        const int layer = i / c->kinds, kind = i % c->kinds;
        const char *name = arena_print(r->a, "model.layers.%d.%s.bias", layer, kinds[kind].hf);
        if (c->drop && strcmp(name, c->drop) == 0)
            continue;
        all[num] = (struct st_tensor) {.name = name, .type = ST_F32, .num_dims = 1};
        all[num].dims[0] = kinds[kind].num + (kind ? 0 : c->longer);
        all[num++].data = (const uint8_t *) bias_values(r, layer, kind, c->longer);
    }
    const char *path = room_path(r, "tiny/model.safetensors");
    room_text(r, "tiny/config.json", make_config(r, c));
    assert_int_equal(st_write(r->log, path, all, num, NULL), EM_OK);
    return room_path(r, "tiny");
}

// In F16, as the values of a head of q and k are put in turns.
static const uint8_t *interleaved(struct room *r, int layer, int kind, uint32_t num, uint32_t heads)
{
    const float *values = bias_values(r, layer, kind, num - kinds[kind].num);
    struct bytes b = {.a = r->a};
    const uint32_t width = heads ? num / heads : num, half = width / 2;
    for (uint32_t i = 0; i < num; i++) {
        const uint32_t first = i / width * width, at = i % width;
        const float v = heads ? values[first + at / 2 + at % 2 * half] : values[i];
        put_number(&b, f16_of_float(v), 2);
    }
    return b.items;
}

static const char *write_gguf(struct room *r, const struct change *c)
{
    const bool llama = !c->family;
    struct gguf_maker g = gguf_make(r);
    tiny_gguf_config_of(&g, llama ? "llama" : c->family);
    for (int i = 0; i < TINY_TENSORS; i++) {
        const struct tiny_tensor t = tiny_tensor(r, i, false);
        gguf_put_tensor(&g, t.gguf, tiny_gguf_type(t.type), t.cols, t.rows,
                        llama ? tiny_interleaved(r, &t) : t.data, t.size);
    }
    for (int i = 0; i < TINY_LAYERS * c->kinds; i++) {
        const int layer = i / c->kinds, kind = i % c->kinds;
        const char *name = arena_print(r->a, "blk.%d.%s.bias", layer, kinds[kind].gguf);
        const uint32_t num = kinds[kind].num + (kind ? 0 : c->longer);
        if (!c->drop || strcmp(name, c->drop) != 0)
            gguf_put_tensor(&g, name, tiny_gguf_type(FILE_F16), num, 0,
                            interleaved(r, layer, kind, num, llama ? kinds[kind].heads : 0),
                            (size_t) num * 2);
    }
    return gguf_write(r, &g, "tiny.gguf");
}

static void check_biases(struct room *r, const char *path, int num, bool halves)
{
    struct model_files *m = tiny_open(r, path);
    assert_int_equal(model_files_count(m), TINY_TENSORS + TINY_LAYERS * num);
    for (int i = 0; i < TINY_LAYERS * num; i++) {
        const int layer = i / num, kind = i % num;
        const struct file_tensor *t = model_files_tensor(
            m, arena_print(r->a, "model.layers.%d.%s.bias", layer, kinds[kind].hf));
        assert_non_null(t);
        assert_int_equal(t->rows, 1);
        float values[TINY_FFN];
        uint16_t words[TINY_FFN];
        file_tensor_rows_f32(t, 0, 1, values);
        if (halves)
            file_tensor_rows_16(t, 0, 1, words);
        for (uint32_t j = 0; j < t->cols; j++) {
            assert_true(values[j] == bias_value(layer, kind, j));
            assert_true(!halves || float_of_f16(words[j]) == values[j]);
        }
    }
    for (int i = 0; i < TINY_TENSORS; i++) { // and all else is as without them
        const struct tiny_tensor t = tiny_tensor(r, i, !halves);
        const struct file_tensor *f = model_files_tensor(m, t.hf);
        float *values = arena_array(r->a, float, (size_t) f->rows * f->cols);
        file_tensor_rows_f32(f, 0, f->rows, values);
        assert_memory_equal(values, t.values, (size_t) f->rows * f->cols * sizeof(float));
    }
    model_files_close(&m);
}

static void folders_have_the_biases_of_their_configuration(void **state)
{
    struct room *r = *state;
    check_biases(r, write_folder(r, &(struct change) {.kinds = KINDS, .says_so = true}), KINDS,
                 false);
    check_biases(r, write_folder(r, &(struct change) {.kinds = QKV, .family = "qwen2"}), QKV,
                 false);
}

static void a_llama_in_gguf_has_the_biases_that_are_there(void **state)
{
    struct room *r = *state;
    check_biases(r, write_gguf(r, &(struct change) {.kinds = KINDS}), KINDS, true);
    check_biases(r, write_gguf(r, &(struct change) {.kinds = QKV}), QKV, true);
}

static void qwen2_in_gguf_keeps_the_order_of_rows(void **state)
{
    struct room *r = *state;
    check_biases(r, write_gguf(r, &(struct change) {.kinds = QKV, .family = "qwen2"}), QKV, true);
}

static const struct change bad_folders[] = {
    {.family = "qwen2",
     .message = "tiny: tensor \"model.layers.0.self_attn.q_proj.bias\" is missing"},
    {.kinds = KINDS,
     .says_so = true,
     .drop = "model.layers.1.mlp.up_proj.bias",
     .message = "tiny: tensor \"model.layers.1.mlp.up_proj.bias\" is missing"},
    {.kinds = QKV,
     .message =
         "tiny/model.safetensors: tensor \"model.layers.0.self_attn.q_proj.bias\" is a bias that a "
         "model of this configuration lacks"},
    {.kinds = KINDS,
     .family = "qwen2",
     .message =
         "tiny/model.safetensors: tensor \"model.layers.0.self_attn.o_proj.bias\" is a bias that a "
         "model of this configuration lacks"},
    {.kinds = QKV,
     .family = "qwen2",
     .longer = 2,
     .message =
         "tiny/model.safetensors: tensor \"model.layers.0.self_attn.q_proj.bias\": its shape "
         "is [1, 34]; the configuration needs [1, 32]"},
};

static const struct change bad_ggufs[] = {
    {.family = "qwen2", .message = "tiny.gguf: tensor \"blk.0.attn_q.bias\" is missing"},
    {.kinds = QKV,
     .drop = "blk.1.attn_v.bias",
     .message = "tiny.gguf: tensor \"blk.1.attn_v.bias\" is missing"},
    {.kinds = QKV,
     .drop = "blk.0.attn_q.bias",
     .message = "tiny.gguf: tensor \"blk.0.attn_k.bias\" is a bias that a "
                "model of this configuration lacks"},
    {.kinds = KINDS,
     .family = "qwen2",
     .message = "tiny.gguf: tensor \"blk.0.attn_output.bias\" is a bias that a "
                "model of this configuration lacks"},
    {.kinds = QKV,
     .longer = 2,
     .message = "tiny.gguf: tensor \"blk.0.attn_q.bias\": its shape is [1, 34]; the configuration "
                "needs [1, 32]"},
    {.family = "mixtral",
     .message = "tiny.gguf: the architecture \"mixtral\" is not supported; \"llama\" and \"qwen2\" "
                "are"},
};

static void what_is_wrong_is_named(void **state)
{
    struct room *r = *state;
    for (size_t i = 0; i < sizeof(bad_folders) / sizeof(bad_folders[0]); i++) {
        assert_null(model_files_open(r->log, write_folder(r, &bad_folders[i])));
        expect_error(r, "a folder", "%s/%s", r->folder, bad_folders[i].message);
    }
    for (size_t i = 0; i < sizeof(bad_ggufs) / sizeof(bad_ggufs[0]); i++) {
        assert_null(model_files_open(r->log, write_gguf(r, &bad_ggufs[i])));
        expect_error(r, "a GGUF file", "%s/%s", r->folder, bad_ggufs[i].message);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_begin, room_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folders_have_the_biases_of_their_configuration),
        TEST(a_llama_in_gguf_has_the_biases_that_are_there),
        TEST(qwen2_in_gguf_keeps_the_order_of_rows),
        TEST(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
