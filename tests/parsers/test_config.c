// config.json: every field, what is refused, and the rotary table against float64.

#include "room.h"

#include <math.h>

#include "model/config.h"

static const char llama[] =
    "{\n"
    " \"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\",\n"
    " \"hidden_act\": \"silu\", \"attention_bias\": false, \"mlp_bias\": false,\n"
    " \"hidden_size\": 64, \"intermediate_size\": 96,\n"
    " \"num_hidden_layers\": 3, \"num_attention_heads\": 4,\n"
    " \"num_key_value_heads\": 2, \"vocab_size\": 100,\n"
    " \"rms_norm_eps\": 1e-5, \"rope_theta\": 500000.0,\n"
    " \"rope_scaling\": null, \"tie_word_embeddings\": true,\n"
    " \"max_position_embeddings\": 4096,\n"
    " \"bos_token_id\": 1, \"eos_token_id\": [2, 3]\n"
    "}\n";
#define LLAMA3_SCALING                                                                             \
    "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4,"  \
    " \"original_max_position_embeddings\": 64}"

static struct model_config read_config(struct room *r, const char *text)
{
    struct model_config c;
    if (config_from_json(r->log, "config.json", text, &c) != EM_OK)
        fail_msg("%s", log_error(r->log));
    return c;
}

static void fields_are_read(void **state)
{
    const struct model_config c = read_config(*state, llama);
    assert_string_equal(c.architecture, "LlamaForCausalLM");
    const int found[] = {c.layers, c.dim,  c.ffn,  c.heads,   c.kv_heads, c.head_dim, c.vocab,
                         c.bos,    c.tied, c.rope, c.num_eos, c.eos[0],   c.eos[1],   c.max_tokens};
    const int expected[] = {3, 64, 96, 4, 2, 16, 100, 1, true, ROPE_PLAIN, 2, 2, 3, 4096};
    assert_memory_equal(found, expected, sizeof(found));
    assert_true(c.rms_eps == 1e-5f && c.rope_theta == 500000);
}

static void absent_fields_have_their_defaults(void **state)
{
    struct room *r = *state;
    const char *text = "{\"model_type\": \"llama\", \"hidden_size\": 64, \"intermediate_size\": 96,"
                       "\"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"vocab_size\": 100}";
    const struct model_config c = read_config(r, text);
    const int found[] = {c.kv_heads, c.head_dim, c.max_tokens, c.tied, c.bos, c.num_eos, c.rope};
    const int expected[] = {4, 16, 2048, false, -1, 0, ROPE_PLAIN};
    assert_memory_equal(found, expected, sizeof(found));
    assert_true(c.rms_eps == 1e-6f && c.rope_theta == 10000);
}

static void heads_may_be_wider_than_the_model(void **state)
{
    struct room *r = *state;
    const struct model_config c = read_config(
        r, replace_text(r, llama, "\"vocab_size\"", "\"head_dim\": 24, \"vocab_size\""));
    assert_int_equal(c.head_dim, 24);
    assert_int_equal(c.dim, 64);
}

static void newer_files_have_rope_parameters(void **state)
{
    struct room *r = *state;
    const char *by = "\"rope_parameters\": {\"rope_type\": \"linear\", \"rope_theta\": 300,"
                     " \"factor\": 2.5}";
    const struct model_config c =
        read_config(r, replace_text(r, llama, "\"rope_scaling\": null", by));
    assert_int_equal(c.rope, ROPE_LINEAR);
    assert_true(c.rope_theta == 300 && c.rope_factor == 2.5);
}

// A Mistral or Qwen2 whose files say nothing but the sizes, and `more`.
static struct model_config read_family(struct room *r, const char *type, const char *more)
{
    return read_config(
        r, arena_print(r->a,
                       "{\"model_type\": \"%s\", \"hidden_size\": 64, \"intermediate_size\": 96, "
                       "\"num_hidden_layers\": 3, \"num_attention_heads\": 32, "
                       "\"vocab_size\": 100%s}",
                       type, more));
}

static void expect_family(const struct model_config *c, const char *name, int kv_heads,
                          int max_tokens, int window)
{
    assert_string_equal(c->architecture, name);
    const int found[] = {c->kv_heads, c->max_tokens, c->window};
    const int expected[] = {kv_heads, max_tokens, window};
    assert_memory_equal(found, expected, sizeof(found));
}

static void mistral_has_a_window_that_prompts_must_fit(void **state)
{
    struct room *r = *state;
    static const char name[] = "MistralForCausalLM";
    struct model_config c = read_family(r, "mistral", "");
    expect_family(&c, name, 8, 4096, 4096);
    assert_false(c.qkv_bias || c.out_bias || c.mlp_bias);
    assert_true(strlen(config_limit_reason(&c)) > 0);
    c = read_family(r, "mistral", ", \"sliding_window\": null, \"num_key_value_heads\": 4");
    expect_family(&c, name, 4, 131072, 0);
    assert_string_equal(config_limit_reason(&c), "");
    c = read_family(r, "mistral", ", \"sliding_window\": 512, \"head_dim\": 8");
    expect_family(&c, name, 8, 512, 512);
    assert_int_equal(c.head_dim, 8);
    c = read_family(r, "mistral", ", \"max_position_embeddings\": 512");
    expect_family(&c, name, 8, 512, 0);
}

static void qwen2_has_biases_and_a_window_if_it_says_so(void **state)
{
    struct room *r = *state;
    static const char name[] = "Qwen2ForCausalLM";
    struct model_config c =
        read_family(r, "qwen2", ", \"use_sliding_window\": false, \"sliding_window\": 512");
    expect_family(&c, name, 32, 32768, 0);
    assert_true(c.qkv_bias && !c.out_bias && !c.mlp_bias);
    c = read_family(r, "qwen2", ", \"use_sliding_window\": true, \"sliding_window\": 512");
    expect_family(&c, name, 32, 512, 512);
    c = read_family(r, "qwen2", ", \"use_sliding_window\": true");
    expect_family(&c, name, 32, 4096, 4096);
}

static void llama_has_the_biases_that_it_says(void **state)
{
    struct room *r = *state;
    struct model_config c = read_config(
        r, replace_text(r, llama, "\"attention_bias\": false", "\"attention_bias\": true"));
    assert_true(c.qkv_bias && c.out_bias && !c.mlp_bias);
    c = read_config(r, replace_text(r, llama, "\"mlp_bias\": false", "\"mlp_bias\": true"));
    assert_true(!c.qkv_bias && !c.out_bias && c.mlp_bias);
}

static const struct {
    const char *find, *by, *message;
} bad[] = {
    {"LlamaForCausalLM", "Qwen3ForCausalLM",
     ":2: architectures[0]: is \"Qwen3ForCausalLM\"; "
     "LlamaForCausalLM, MistralForCausalLM and Qwen2ForCausalLM are supported"},
    {"\"silu\"", "\"0123456789012345678901234567890123456789012345678901234567\xC3\xA9\xC3\xA9u\"",
     ":3: hidden_act: is \"0123456789012345678901234567890123456789012345678901234567\xC3\xA9"
     "\xC3\xA9...\"; \"silu\" is supported"},
    {"\"llama\"", "\"mistral\"",
     ":2: model_type: is \"mistral\"; that of LlamaForCausalLM is \"llama\""},
    {"\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\"",
     "\"model_type\": \"gpt2\"",
     ":2: model_type: is \"gpt2\"; \"llama\", \"mistral\" and \"qwen2\" are supported"},
    {"\"llama\"", "7", ":2: model_type: is a number; a text is needed"},
    {"[\"LlamaForCausalLM\"]", "[7]", ":2: architectures[0]: is a number; a text is needed"},
    {"silu", "gelu", ":3: hidden_act: is \"gelu\"; \"silu\" is supported"},
    {"\"attention_bias\": false", "\"attention_bias\": 1",
     ":3: attention_bias: is a number; true or false is needed"},
    {"\"vocab_size\": 100", "\"quantization_config\": {\"bits\": 4}",
     ":6: quantization_config: quantised safetensors are not supported; use F32, F16 or BF16 "
     "weights, or a GGUF file"},
    {"\"hidden_size\": 64,", "", ":1: hidden_size: is missing"},
    {"\"hidden_size\": 64", "\"hidden_size\": \"64\"",
     ":4: hidden_size: is a text; a whole number is needed"},
    {"\"hidden_size\": 64", "\"hidden_size\": 64.5",
     ":4: hidden_size: is 64.5; a whole number is needed"},
    {"\"hidden_size\": 64", "\"hidden_size\": -1",
     ":4: hidden_size: is -1; it must be in [1, 1048576]"},
    {"\"hidden_size\": 64", "\"hidden_size\": 1e300",
     NULL}, // the number is long; that it is an error is enough
    {"\"hidden_size\": 64", "\"hidden_size\": 66",
     ":4: hidden_size: 66 does not divide by num_attention_heads (4), and head_dim is missing"},
    {"\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3",
     ": 4 attention heads do not divide by 3 key-value heads"},
    {"\"vocab_size\"", "\"head_dim\": 15, \"vocab_size\"",
     ": the head width is 15; rotary positions need an even one"},
    {"\"vocab_size\"", "\"head_dim\": 514, \"vocab_size\"",
     ":6: head_dim: is 514; it must be in [1, 512]"},
    {"\"num_hidden_layers\": 3", "\"num_hidden_layers\": 0",
     ":5: num_hidden_layers: is 0; it must be in [1, 1024]"},
    {"\"vocab_size\": 100", "\"vocab_size\": 1",
     ":6: vocab_size: is 1; it must be in [2, 16777216]"},
    {"\"vocab_size\": 100", "\"vocab_size\": 2",
     ": the end token is 2, but the vocabulary has 2 tokens"},
    {"\"bos_token_id\": 1", "\"bos_token_id\": 100",
     ": the begin token is 100, but the vocabulary has 100 tokens"},
    {"[2, 3]", "[2, -3]",
     ":10: eos_token_id[1]: is -3; a token id is a whole number in [0, 16777216]"},
    {"[2, 3]", "[2, \"</s>\"]", ":10: eos_token_id[1]: is a text; a token id is needed"},
    {"[2, 3]", "\"</s>\"", ":10: eos_token_id: is a text; a whole number is needed"},
    {"[2, 3]", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", ":10: eos_token_id: has more than 16 ids"},
    {"500000.0", "0", ":7: rope_theta: is 0; it must be in [1, 1e+15]"},
    {"\"rope_scaling\": null", "\"rope_scaling\": 8",
     ":8: rope_scaling: is a number; an object is needed"},
    {"\"rope_scaling\": null", "\"rope_scaling\": {}", ":8: rope_scaling.rope_type: is missing"},
    {"\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 2}",
     ":8: rope_scaling.type: is \"yarn\"; \"default\", \"linear\" and \"llama3\" are "
     "supported"},
    {"\"rope_scaling\": null",
     "\"rope_scaling\": {\"beta_fast\": 32, \"factor\": 2, \"rope_type\": \"yarn\"}",
     ":8: rope_scaling.rope_type: is \"yarn\"; \"default\", \"linear\" and \"llama3\" are "
     "supported"},
    {"\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"linear\", \"beta_fast\": 32}",
     ":8: rope_scaling.beta_fast: this scaling of the rotary angles is not supported"},
    {"\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"linear\"}",
     ":8: rope_scaling.factor: is missing"},
    {"\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0}",
     ":8: rope_scaling.factor: is 0; it must be in [1e-06, 1e+12]"},
    {"\"rope_scaling\": null",
     "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4,"
     " \"high_freq_factor\": 4, \"original_max_position_embeddings\": 64}",
     ":8: rope_scaling.high_freq_factor: is 4; it must be above low_freq_factor (4)"},
    {"\"rope_scaling\": null",
     "\"rope_scaling\": {\"type\": \"default\"}, \"rope_parameters\": {\"rope_type\": "
     "\"default\"}",
     ":8: rope_scaling: differs from rope_parameters"},
    {"\"mlp_bias\": false", "\"partial_rotary_factor\": 0.5",
     ":3: partial_rotary_factor: is 0.5; 1 is supported"},
    {"\"tie_word_embeddings\": true", "\"tie_word_embeddings\": 1",
     ":8: tie_word_embeddings: is a number; true or false is needed"},
    {"{", "[{", ":12: this is not valid JSON, at the end of the text"},
};

static void what_is_wrong_is_named(void **state)
{
    struct room *r = *state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct model_config c;
        const char *text = replace_text(r, llama, bad[i].find, bad[i].by);
        assert_int_equal(config_from_json(r->log, "config.json", text, &c), EM_ERR_CONFIG);
        if (bad[i].message)
            expect_error(r, bad[i].by, "config.json%s", bad[i].message);
        log_clear(r->log);
    }
    struct model_config c;
    static const char biased[] = "{\"model_type\": \"mistral\", \"attention_bias\": true,"
                                 " \"hidden_size\": 64, \"intermediate_size\": 96,"
                                 " \"num_hidden_layers\": 3, \"num_attention_heads\": 32,"
                                 " \"vocab_size\": 100}";
    assert_int_equal(config_from_json(r->log, "config.json", biased, &c), EM_ERR_CONFIG);
    expect_error(r, "biases",
                 "config.json:1: attention_bias: is true; MistralForCausalLM has no such biases");
    assert_int_equal(config_from_json(r->log, "config.json", "[]", &c), EM_ERR_CONFIG);
    expect_error(r, "a list", "config.json:1: is a list; an object is needed");
}

// The formulas in float64.
static double frequency(const struct model_config *c, int i)
{
    const double inverse = pow(c->rope_theta, -2.0 * i / c->head_dim);
    const double wave = 2 * acos(-1.0) / inverse;
    if (c->rope == ROPE_LINEAR)
        return inverse / c->rope_factor;
    if (c->rope == ROPE_DIVISORS)
        return inverse / (double) c->rope_divisors[i];
    if (c->rope == ROPE_PLAIN || wave < c->rope_original / c->rope_high_factor)
        return inverse;
    if (wave > c->rope_original / c->rope_low_factor)
        return inverse / c->rope_factor;
    const double smooth =
        (c->rope_original / wave - c->rope_low_factor) / (c->rope_high_factor - c->rope_low_factor);
    return (1 - smooth) * inverse / c->rope_factor + smooth * inverse;
}

static void check_table(struct room *r, const struct model_config *c)
{
    enum { POSITIONS = 300 };
    const int half = c->head_dim / 2;
    float *table = arena_array(r->a, float, (size_t) POSITIONS *(size_t) c->head_dim);
    config_rope_table(c, POSITIONS, table);
    for (int i = 0; i < half; i++) {
        const double exact = frequency(c, i);
        assert_true(fabs(config_rope_frequency(c, i) - exact) <= 4e-7 * exact);
        for (int at = 0; at < POSITIONS; at++) {
            const float *row = table + (size_t) at * (size_t) c->head_dim;
            const double slack = 1e-7 + 6e-7 * at * exact; // the angle is rounded to float32
            assert_true(fabs(row[i] - cos(at * exact)) <= slack);
            assert_true(fabs(row[half + i] - sin(at * exact)) <= slack);
        }
    }
}

static void angles_are_those_of_the_formulas(void **state)
{
    struct room *r = *state;
    struct model_config c = read_config(r, llama);
    check_table(r, &c);
    c = read_config(r, replace_text(r, llama, "null", "{\"type\": \"linear\", \"factor\": 3}"));
    check_table(r, &c);
    c = read_config(r, replace_text(r, llama, "null", LLAMA3_SCALING));
    assert_int_equal(c.rope, ROPE_LLAMA3);
    check_table(r, &c);
    c.rope = ROPE_DIVISORS;
    for (int i = 0; i < c.head_dim / 2; i++)
        c.rope_divisors[i] = 1 + 0.75f * (float) i;
    check_table(r, &c);
}

static void llama3_scaling_keeps_blends_and_stretches(void **state)
{
    struct room *r = *state;
    const struct model_config plain = read_config(r, llama);
    const struct model_config c = read_config(r, replace_text(r, llama, "null", LLAMA3_SCALING));
    int kept = 0, stretched = 0, blended = 0;
    for (int i = 0; i < c.head_dim / 2; i++) {
        const float ratio = config_rope_frequency(&plain, i) / config_rope_frequency(&c, i);
        kept += ratio == 1;
        stretched += ratio == 8;
        blended += ratio > 1 && ratio < 8;
    }
    assert_true(kept && stretched && blended && kept + stretched + blended == c.head_dim / 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_begin, room_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_are_read),
        TEST(absent_fields_have_their_defaults),
        TEST(heads_may_be_wider_than_the_model),
        TEST(newer_files_have_rope_parameters),
        TEST(mistral_has_a_window_that_prompts_must_fit),
        TEST(qwen2_has_biases_and_a_window_if_it_says_so),
        TEST(llama_has_the_biases_that_it_says),
        TEST(what_is_wrong_is_named),
        TEST(angles_are_those_of_the_formulas),
        TEST(llama3_scaling_keeps_blends_and_stretches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
