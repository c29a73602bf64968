// The shape of a model: read from config.json, checked, and its rotary table; see config.h.

#include "model/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text/escape.h"
#include "base/text/json.h"

static const double pi = 3.14159265358979323846;
enum { MAX_LAYERS = 1024, MAX_WIDTH = 1 << 20, MAX_VOCAB = 1 << 24, MAX_TOKENS = 1 << 28 };
enum { MIN_VOCAB = 2 }; // of one token nothing can be asked, and nothing edited

// The architectures that the block computes, and what their files may leave out.
static const struct family {
    const char *name, *type;  // in config.json: architectures, model_type
    int kv_heads, max_tokens; // where it does not say; kv_heads 0: as many as heads
    bool qkv_bias;            // always
    bool bias_fields;         // attention_bias and mlp_bias say
} families[] = {
    {"LlamaForCausalLM", "llama", 0, 2048, false, true},
    {"MistralForCausalLM", "mistral", 8, 131072, false, false},
    {"Qwen2ForCausalLM", "qwen2", 32, 32768, true, false},
};
enum { LLAMA, MISTRAL, QWEN2, NUM_FAMILIES };

// What the config has and no model of ours; `cure` is what it may be.
static enum em_status fail_value(const struct json *j, const cJSON *object, const char *key,
                                 const char *value, const char *cure)
{
    struct arena *a = arena_create();
    const enum em_status status =
        json_fail(j, object, key, "is \"%s\"; %s", escape_shown(a, value, 60), cure);
    arena_destroy(&a);
    return status;
}

// Their names, or types in quotes: "A, B and C are supported".
static const char *list_families(bool types, char out[256])
{
    size_t at = 0;
    for (int i = 0; i < NUM_FAMILIES; i++) {
        const char *quote = types ? "\"" : "", *name = types ? families[i].type : families[i].name;
        const char *join = i == 0 ? "" : i < NUM_FAMILIES - 1 ? ", " : " and ";
        at += (size_t) snprintf(out + at, 256 - at, "%s%s%s%s", join, quote, name, quote);
    }
    snprintf(out + at, 256 - at, " are supported");
    return out;
}

static enum em_status find_family(const struct json *j, const struct family **out)
{
    const cJSON *names;
    EM_TRY(json_get_list(j, j->root, "architectures", &names));
    const cJSON *first = names ? names->child : NULL;
    if (first && !cJSON_IsString(first))
        return json_fail(j, first, NULL, "is %s; a text is needed", json_type_name(first));
    const char *type = NULL;
    EM_TRY(json_get_text(j, j->root, "model_type", &type));
    if (!first && !type)
        return json_fail(j, j->root, "model_type", "is missing");
    *out = NULL;
    for (int i = 0; i < NUM_FAMILIES; i++)
        if (first ? strcmp(first->valuestring, families[i].name) == 0
                  : strcmp(type, families[i].type) == 0)
            *out = &families[i];
    char cure[256];
    if (first && !*out)
        return fail_value(j, first, NULL, first->valuestring, list_families(false, cure));
    if (!*out)
        return fail_value(j, j->root, "model_type", type, list_families(true, cure));
    if (type && strcmp(type, (*out)->type) != 0) {
        snprintf(cure, sizeof(cure), "that of %s is \"%s\"", (*out)->name, (*out)->type);
        return fail_value(j, j->root, "model_type", type, cure);
    }
    return EM_OK;
}

static enum em_status check_unsupported(const struct json *j)
{
    const char *act = "silu";
    EM_TRY(json_get_text(j, j->root, "hidden_act", &act));
    if (strcmp(act, "silu") != 0)
        return fail_value(j, j->root, "hidden_act", act, "\"silu\" is supported");
    const cJSON *quantization = json_get(j->root, "quantization_config");
    if (quantization)
        return json_fail(j, j->root, "quantization_config",
                         "quantised safetensors are not supported; use F32, F16 or BF16 weights, "
                         "or a GGUF file");
    return EM_OK;
}

static enum em_status read_biases(const struct json *j, const struct family *f,
                                  struct model_config *c)
{
    bool attention = false, mlp = false;
    EM_TRY(json_get_bool(j, j->root, "attention_bias", &attention));
    EM_TRY(json_get_bool(j, j->root, "mlp_bias", &mlp));
    if (!f->bias_fields && (mlp || (attention && !f->qkv_bias)))
        return json_fail(j, j->root, mlp ? "mlp_bias" : "attention_bias",
                         "is true; %s has no such biases", f->name);
    c->qkv_bias = f->qkv_bias || attention;
    c->out_bias = f->bias_fields && attention;
    c->mlp_bias = mlp;
    return EM_OK;
}

// Mistral has a window unless the file says null; Qwen2 has one only if use_sliding_window is true.
// In which of its layers does not matter to prompts that fit into it.
static enum em_status read_window(const struct json *j, const struct family *f,
                                  struct model_config *c)
{
    bool used = f == &families[MISTRAL];
    if (f == &families[QWEN2])
        EM_TRY(json_get_bool(j, j->root, "use_sliding_window", &used));
    if (!used || cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(j->root, "sliding_window")))
        return EM_OK;
    int window = 4096;
    EM_TRY(json_get_int(j, j->root, "sliding_window", 1, MAX_TOKENS, &window));
    config_limit_to_window(c, window);
    return EM_OK;
}

static enum em_status need_size(const struct json *j, const char *key, int min, int max, int *out)
{
    const cJSON *there;
    EM_TRY(json_need(j, j->root, key, &there));
    return json_get_int(j, j->root, key, min, max, out);
}

static enum em_status read_sizes(const struct json *j, const struct family *f,
                                 struct model_config *c)
{
    EM_TRY(need_size(j, "num_hidden_layers", 1, MAX_LAYERS, &c->layers));
    EM_TRY(need_size(j, "hidden_size", 1, MAX_WIDTH, &c->dim));
    EM_TRY(need_size(j, "intermediate_size", 1, MAX_WIDTH, &c->ffn));
    EM_TRY(need_size(j, "num_attention_heads", 1, MAX_WIDTH, &c->heads));
    EM_TRY(need_size(j, "vocab_size", MIN_VOCAB, MAX_VOCAB, &c->vocab));
    c->kv_heads = f->kv_heads ? f->kv_heads : c->heads;
    EM_TRY(json_get_int(j, j->root, "num_key_value_heads", 1, MAX_WIDTH, &c->kv_heads));
    c->max_tokens = f->max_tokens;
    EM_TRY(json_get_int(j, j->root, "max_position_embeddings", 1, MAX_TOKENS, &c->max_tokens));
    if (!json_get(j->root, "head_dim") && c->dim % c->heads)
        return json_fail(j, j->root, "hidden_size",
                         "%d does not divide by num_attention_heads (%d), and head_dim is missing",
                         c->dim, c->heads);
    c->head_dim = c->dim / c->heads;
    EM_TRY(json_get_int(j, j->root, "head_dim", 1, 2 * MODEL_MAX_HALF_HEAD, &c->head_dim));
    double eps = 1e-6;
    EM_TRY(json_get_number(j, j->root, "rms_norm_eps", 0, 1, &eps));
    c->rms_eps = (float) eps;
    return json_get_bool(j, j->root, "tie_word_embeddings", &c->tied);
}

static enum em_status read_tokens(const struct json *j, struct model_config *c)
{
    c->bos = -1;
    EM_TRY(json_get_int(j, j->root, "bos_token_id", -1, MAX_VOCAB, &c->bos));
    const cJSON *eos = json_get(j->root, "eos_token_id");
    if (!cJSON_IsArray(eos)) {
        EM_TRY(json_get_int(j, j->root, "eos_token_id", 0, MAX_VOCAB, &c->eos[0]));
        c->num_eos = eos != NULL;
        return EM_OK;
    }
    const cJSON *id;
    cJSON_ArrayForEach(id, eos)
    {
        if (!cJSON_IsNumber(id))
            return json_fail(j, id, NULL, "is %s; a token id is needed", json_type_name(id));
        if (!(id->valuedouble >= 0 && id->valuedouble <= MAX_VOCAB) ||
            id->valuedouble != floor(id->valuedouble))
            return json_fail(j, id, NULL, "is %.15g; a token id is a whole number in [0, %d]",
                             id->valuedouble, MAX_VOCAB);
        if (c->num_eos == MODEL_MAX_EOS)
            return json_fail(j, eos, NULL, "has more than %d ids", MODEL_MAX_EOS);
        c->eos[c->num_eos++] = (int) id->valuedouble;
    }
    return EM_OK;
}

static enum em_status need_factor(const struct json *j, const cJSON *rope, const char *key,
                                  double *out)
{
    const cJSON *there;
    EM_TRY(json_need(j, rope, key, &there));
    return json_get_number(j, rope, key, 1e-6, 1e12, out);
}

// A field of a known scaling that we do not know would change the frequencies: refused.
static enum em_status check_rope_fields(const struct json *j, const cJSON *rope)
{
    static const char *const known[] = {
        "rope_type",
        "type",
        "factor",
        "low_freq_factor",
        "rope_theta",
        "high_freq_factor",
        "original_max_position_embeddings",
    };
    const cJSON *field;
    cJSON_ArrayForEach(field, rope)
    {
        bool fine = cJSON_IsNull(field);
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            fine = fine || strcmp(field->string, known[i]) == 0;
        fine = fine || (strcmp(field->string, "partial_rotary_factor") == 0 &&
                        cJSON_IsNumber(field) && field->valuedouble == 1);
        if (!fine)
            return json_fail(j, field, NULL, "this scaling of the rotary angles is not supported");
    }
    return EM_OK;
}

static enum em_status read_rope_kind(const struct json *j, const cJSON *rope,
                                     struct model_config *c)
{
    const char *key = json_get(rope, "rope_type") ? "rope_type" : "type", *type = NULL;
    EM_TRY(json_get_text(j, rope, key, &type));
    if (!type)
        return json_fail(j, rope, "rope_type", "is missing");
    const bool plain = strcmp(type, "default") == 0, linear = strcmp(type, "linear") == 0;
    if (!plain && !linear && strcmp(type, "llama3") != 0)
        return fail_value(j, rope, key, type,
                          "\"default\", \"linear\" and \"llama3\" are supported");
    EM_TRY(check_rope_fields(j, rope));
    if (plain)
        return EM_OK;
    if (linear) {
        c->rope = ROPE_LINEAR;
        return need_factor(j, rope, "factor", &c->rope_factor);
    }
    c->rope = ROPE_LLAMA3;
    EM_TRY(need_factor(j, rope, "factor", &c->rope_factor));
    EM_TRY(need_factor(j, rope, "low_freq_factor", &c->rope_low_factor));
    EM_TRY(need_factor(j, rope, "high_freq_factor", &c->rope_high_factor));
    EM_TRY(need_factor(j, rope, "original_max_position_embeddings", &c->rope_original));
    if (c->rope_high_factor <= c->rope_low_factor)
        return json_fail(j, rope, "high_freq_factor",
                         "is %g; it must be above low_freq_factor (%g)", c->rope_high_factor,
                         c->rope_low_factor);
    return EM_OK;
}

// Older files have rope_theta beside rope_scaling, newer ones both in rope_parameters.
static enum em_status read_rope(const struct json *j, struct model_config *c)
{
    c->rope_theta = 10000;
    EM_TRY(json_get_number(j, j->root, "rope_theta", 1, 1e15, &c->rope_theta));
    double part = 1;
    EM_TRY(json_get_number(j, j->root, "partial_rotary_factor", 0, 1, &part));
    if (part != 1)
        return json_fail(j, j->root, "partial_rotary_factor", "is %g; 1 is supported", part);
    const cJSON *old, *rope;
    EM_TRY(json_get_object(j, j->root, "rope_scaling", &old));
    EM_TRY(json_get_object(j, j->root, "rope_parameters", &rope));
    if (rope && old && !cJSON_Compare(rope, old, true))
        return json_fail(j, j->root, "rope_scaling", "differs from rope_parameters");
    rope = rope ? rope : old;
    if (!rope)
        return EM_OK;
    EM_TRY(json_get_number(j, rope, "rope_theta", 1, 1e15, &c->rope_theta));
    return read_rope_kind(j, rope, c);
}

static enum em_status read_config(const struct json *j, struct model_config *c)
{
    if (!cJSON_IsObject(j->root))
        return json_fail(j, j->root, NULL, "is %s; an object is needed", json_type_name(j->root));
    const struct family *f;
    EM_TRY(find_family(j, &f));
    strcpy(c->architecture, f->name);
    EM_TRY(check_unsupported(j));
    EM_TRY(read_sizes(j, f, c));
    EM_TRY(read_biases(j, f, c));
    EM_TRY(read_window(j, f, c));
    EM_TRY(read_tokens(j, c));
    EM_TRY(read_rope(j, c));
    return config_check(j->log, j->path, c);
}

enum em_status config_from_json(struct log *log, const char *path, const char *text,
                                struct model_config *out)
{
    *out = (struct model_config) {0};
    struct json j;
    EM_TRY(json_parse(log, path, 1, text, &j));
    const enum em_status status = read_config(&j, out);
    json_close(&j);
    return status;
}

enum em_status config_check(struct log *log, const char *path, const struct model_config *c)
{
    const struct {
        const char *name;
        int value, min, max;
    } sizes[] = {
        {"number of layers", c->layers, 1, MAX_LAYERS},
        {"width", c->dim, 1, MAX_WIDTH},
        {"feed-forward width", c->ffn, 1, MAX_WIDTH},
        {"number of attention heads", c->heads, 1, MAX_WIDTH},
        {"number of key-value heads", c->kv_heads, 1, MAX_WIDTH},
        {"vocabulary size", c->vocab, MIN_VOCAB, MAX_VOCAB},
        {"context length", c->max_tokens, 1, MAX_TOKENS},
        {"head width", c->head_dim, 1, 2 * MODEL_MAX_HALF_HEAD},
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (sizes[i].value < sizes[i].min || sizes[i].value > sizes[i].max)
            return log_fail(log, EM_ERR_CONFIG, "%s: the %s is %d; it must be in [%d, %d]", path,
                            sizes[i].name, sizes[i].value, sizes[i].min, sizes[i].max);
    if (c->heads % c->kv_heads)
        return log_fail(log, EM_ERR_CONFIG,
                        "%s: %d attention heads do not divide by %d key-value heads", path,
                        c->heads, c->kv_heads);
    if (c->head_dim % 2)
        return log_fail(log, EM_ERR_CONFIG,
                        "%s: the head width is %d; rotary positions need an even one", path,
                        c->head_dim);
    if ((int64_t) c->heads * c->head_dim > MAX_WIDTH)
        return log_fail(log, EM_ERR_CONFIG, "%s: %d heads of width %d come to more than %d", path,
                        c->heads, c->head_dim, MAX_WIDTH);
    if (!(c->rms_eps >= 0 && c->rms_eps <= 1))
        return log_fail(log, EM_ERR_CONFIG,
                        "%s: the epsilon of the norms is %g; it must be in [0, 1]", path,
                        (double) c->rms_eps);
    if (!(c->rope_theta >= 1 && c->rope_theta <= 1e15))
        return log_fail(log, EM_ERR_CONFIG, "%s: the rotary base is %g; it must be in [1, 1e15]",
                        path, c->rope_theta);
    for (int i = -1; i < c->num_eos; i++) {
        const int id = i < 0 ? c->bos : c->eos[i];
        if (id >= c->vocab)
            return log_fail(log, EM_ERR_CONFIG,
                            "%s: the %s token is %d, but the vocabulary has %d tokens", path,
                            i < 0 ? "begin" : "end", id, c->vocab);
    }
    return EM_OK;
}

void config_hash(const struct model_config *c, struct hash *h)
{
    const int wholes[] = {c->layers,   c->dim,   c->ffn,  c->heads,      c->kv_heads,
                          c->head_dim, c->vocab, c->tied, (int) c->rope, c->num_eos};
    const double numbers[] = {(double) c->rms_eps, c->rope_theta,       c->rope_factor,
                              c->rope_low_factor,  c->rope_high_factor, c->rope_original};
    hash_bytes(h, wholes, sizeof(wholes));
    hash_bytes(h, numbers, sizeof(numbers));
    hash_bytes(h, c->rope_divisors, sizeof(c->rope_divisors));
    hash_bytes(h, c->eos, sizeof(c->eos));
}

void config_limit_to_window(struct model_config *c, int window)
{
    if (window >= c->max_tokens)
        return;
    c->window = window;
    c->max_tokens = window;
}

const char *config_limit_reason(const struct model_config *c)
{
    return c->window ? ", its sliding window; attention that leaves tokens behind is not supported"
                     : "";
}

// Llama-3.1: long wavelengths are stretched by the factor, short ones kept, those between blended.
static float scale_llama3(const struct model_config *c, float inverse)
{
    const float original = (float) c->rope_original, factor = (float) c->rope_factor;
    const float low = (float) c->rope_low_factor;
    const float wave = (float) (2 * pi) / inverse;
    const float longest = (float) (c->rope_original / c->rope_low_factor);
    const float shortest = (float) (c->rope_original / c->rope_high_factor);
    if (wave > longest)
        return inverse / factor;
    if (wave < shortest)
        return inverse;
    const float smooth =
        (original / wave - low) / (float) (c->rope_high_factor - c->rope_low_factor);
    return (1 - smooth) * inverse / factor + smooth * inverse;
}

float config_rope_frequency(const struct model_config *c, int i)
{
    const float exponent = (float) (2 * i) / (float) c->head_dim;
    const float inverse = 1.0f / powf((float) c->rope_theta, exponent);
    switch (c->rope) {
    case ROPE_PLAIN:
        break;
    case ROPE_LINEAR:
        return inverse / (float) c->rope_factor;
    case ROPE_LLAMA3:
        return scale_llama3(c, inverse);
    case ROPE_DIVISORS:
        return inverse / c->rope_divisors[i];
    }
    return inverse;
}

void config_rope_table(const struct model_config *c, int positions, float *table)
{
    const int half = c->head_dim / 2;
    for (int i = 0; i < half; i++) {
        const float inverse = config_rope_frequency(c, i);
        for (int at = 0; at < positions; at++) {
            const float angle = (float) at * inverse;
            table[(size_t) at * c->head_dim + i] = cosf(angle);
            table[(size_t) at * c->head_dim + half + i] = sinf(angle);
        }
    }
}
