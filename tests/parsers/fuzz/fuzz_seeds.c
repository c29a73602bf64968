// Writes what the fuzz targets begin with, good files of each kind: fuzz_seeds FOLDER

#include "tiny.h"
#include "words.h"

#include "model/npz/parts.h"
#include "model/safetensors.h"

static void write_safetensors(struct room *r)
{
    const float values[6] = {1, 2, 3};
    const struct st_tensor tensors[] = {
        {.name = "a",
         .type = ST_F32,
         .num_dims = 2,
         .dims = {2, 3},
         .data = (const uint8_t *) values},
        {.name = "b", .type = ST_U8, .num_dims = 1, .dims = {5}, .data = (const uint8_t *) values},
    };
    room_text(r, "safetensors/none", "{}");
    if (st_write(r->log, room_path(r, "safetensors/two"), tensors, 2, "{\"a\":\"b\"}") != EM_OK)
        fail_msg("%s", log_error(r->log));
}

static void write_npz(struct room *r)
{
    const float values[6] = {1, 2, 3};
    const struct npz_array array = {.name = "a",
                                    .kind = 'f',
                                    .width = 4,
                                    .num_dims = 2,
                                    .dims = {2, 3},
                                    .data = (const uint8_t *) values};
    struct bytes alone = {.a = r->a};
    size_t size;
    const char *header = npy_header(r->a, &array, &size);
    put_bytes(&alone, header, size);
    put_bytes(&alone, values, sizeof(values));
    room_file(r, "npz/alone", alone.items, alone.num);
    if (npz_write(r->log, room_path(r, "npz/one"), &array, 1) != EM_OK)
        fail_msg("%s", log_error(r->log));
}

static void write_gguf(struct room *r)
{
    static const char *const merges[] = {"a b"};
    const struct tokenizer_params p = words_make(r, merges, 1);
    const char *words[TINY_VOCAB] = {"a", "b", "ab", "<s>", "[X]", "1", "2"};
    const int kinds[TINY_VOCAB] = {1, 1, 1, 3, 4, 1, 1};
    struct gguf_maker g = gguf_make(r);
    tiny_gguf_config(&g);
    for (int i = 0; i < TINY_TENSORS; i++) {
        const struct tiny_tensor t = tiny_tensor(r, i, false);
        gguf_put_tensor(&g, t.gguf, tiny_gguf_type(t.type), t.cols, t.rows, t.data, t.size);
    }
    gguf_put_text(&g, "tokenizer.ggml.model", "gpt2");
    gguf_put_text(&g, "tokenizer.ggml.pre", "smollm");
    gguf_put_texts(&g, "tokenizer.ggml.tokens", words, TINY_VOCAB);
    gguf_put_ints(&g, "tokenizer.ggml.token_type", kinds, TINY_VOCAB);
    gguf_put_texts(&g, "tokenizer.ggml.merges", p.merges, 1);
    gguf_put_int(&g, "tokenizer.ggml.bos_token_id", 3);
    gguf_write(r, &g, "gguf/tiny");
}

static void write_qwen2(struct room *r)
{
    static const struct {
        const char *name;
        uint32_t num;
    } biases[] = {{"attn_q", 32}, {"attn_k", 16}, {"attn_v", 16}};
    const float values[32] = {0};
    struct gguf_maker g = gguf_make(r);
    tiny_gguf_config_of(&g, "qwen2");
    for (int i = 0; i < TINY_TENSORS; i++) {
        const struct tiny_tensor t = tiny_tensor(r, i, false);
        gguf_put_tensor(&g, t.gguf, tiny_gguf_type(t.type), t.cols, t.rows, t.data, t.size);
    }
    for (int i = 0; i < 3 * TINY_LAYERS; i++) {
        const uint32_t num = biases[i % 3].num;
        gguf_put_tensor(&g, arena_print(r->a, "blk.%d.%s.bias", i / 3, biases[i % 3].name), 0, num,
                        0, values, num * sizeof(float));
    }
    gguf_write(r, &g, "gguf/qwen2");
}

static void write_texts(struct room *r)
{
    room_text(r, "config/tiny", tiny_config);
    static const char llama[] =
        "\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\"";
    room_text(r, "config/qwen2",
              replace_text(r, tiny_config, llama,
                           "\"model_type\": \"qwen2\", \"use_sliding_window\": true"));
    room_text(
        r, "config/mistral",
        replace_text(r, tiny_config, llama, "\"model_type\": \"mistral\", \"sliding_window\": 64"));
    room_text(r, "config/biases",
              replace_text(r, tiny_config, "\"vocab_size\"",
                           "\"attention_bias\": true, \"mlp_bias\": true, \"vocab_size\""));
    room_text(r, "config/scaled",
              replace_text(r, tiny_config, "\"vocab_size\"",
                           "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8,"
                           "\"low_freq_factor\": 1, \"high_freq_factor\": 4,"
                           "\"original_max_position_embeddings\": 64}, \"vocab_size\""));
    room_text(
        r, "tokenizer/small",
        "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2, \"c\": 3, "
        "\"abc\": 5},"
        " \"merges\": [\"a b\", [\"ab\", \"c\"]]}, \"added_tokens\": [{\"id\": 4, \"content\":"
        " \"<s>\", \"special\": true, \"lstrip\": true}], \"pre_tokenizer\": {\"type\":"
        " \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\":"
        " \"[^\\\\s]+|\\\\s+(?!\\\\S)\"}, \"behavior\": \"Isolated\"}, {\"type\": \"Digits\","
        " \"individual_digits\": true}, {\"type\": \"ByteLevel\"}]}, \"post_processor\":"
        " {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\":"
        " \"<s>\"}}, {\"Sequence\": {}}], \"special_tokens\": {\"<s>\": {\"ids\": [4]}}}}");
    room_text(
        r, "tokenizer/marked",
        "{\"model\": {\"type\": \"BPE\", \"fuse_unk\": true, \"unk_token\": \"<unk>\", \"vocab\":"
        " {\"<unk>\": 0, \"a\": 1, \"b\": 2, \"ab\": 3, \"\xE2\x96\x81\": 4,"
        " \"\xE2\x96\x81\x61\": 5}, \"merges\": [\"a b\", \"\xE2\x96\x81 a\"]}, \"normalizer\":"
        " {\"type\": \"NFC\"}, \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\":"
        " \"\xE2\x96\x81\", \"prepend_scheme\": \"first\", \"split\": true}, \"added_tokens\":"
        " [{\"id\": 6, \"content\": \"[X]\", \"normalized\": true}], \"decoder\": {\"type\":"
        " \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": {\"String\":"
        " \"\xE2\x96\x81\"}, \"content\": \" \"}, {\"type\": \"Fuse\"}, {\"type\": \"Strip\","
        " \"content\": \" \", \"start\": 1, \"stop\": 0}]}}");
    for (int way = 0; way < 7; way++)
        room_text(r, arena_print(r->a, "encode/%d", way),
                  arena_print(r->a, "%d %s%s", way,
                              "The caf\xC3\xA9's 123 theaaaa\n\n\xE4\xB8\xAD\xFF\xC2\xA0!? ",
                              "the  \xE2\x96\x81the e\xCC\x81\xC3\xA9 \xE1\x84\x80\xE1\x85\xA1"));
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    struct room r = {.log = log_create(stderr, LOG_NORMAL), .a = arena_create(), .folder = argv[1]};
    write_safetensors(&r);
    write_npz(&r);
    write_gguf(&r);
    write_qwen2(&r);
    write_texts(&r);
    arena_destroy(&r.a);
    log_destroy(&r.log);
    return 0;
}
