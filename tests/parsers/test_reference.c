// A real model, where the environment names one: EMEND_REFERENCE_MODEL, a folder of float32 weights
// that was converted, by other means, from the GGUF file EMEND_REFERENCE_GGUF. Every weight must be
// the same bit for bit. And EMEND_REFERENCE, a folder of golden values, of which the rotary
// frequencies of a model with Llama-3.1's scaling are looked at.

#include "room.h"

#include "model/files.h"
#include "model/safetensors.h"
#include "model/tokenizer.h"

static const char *outside(const char *name)
{
    const char *value = getenv(name);
    if (value && *value)
        return value;
    print_message("skipped: %s does not name what to compare with\n", name);
    return NULL;
}

// The converted folder and the file that it was made from.
static bool find_models(const char **folder, const char **gguf)
{
    *folder = outside("EMEND_REFERENCE_MODEL");
    *gguf = outside("EMEND_REFERENCE_GGUF");
    if (*folder && !file_is_folder(*folder)) {
        print_message("skipped: EMEND_REFERENCE_MODEL is no folder\n");
        return false;
    }
    return *folder && *gguf;
}

static struct model_files *open_model(struct room *r, const char *path)
{
    struct model_files *m = model_files_open(r->log, path);
    if (!m)
        fail_msg("%s", log_error(r->log));
    return m;
}

static void weights_are_those_of_the_converted_model(void **state)
{
    struct room *r = *state;
    const char *folder, *gguf;
    if (!find_models(&folder, &gguf))
        skip();
    struct model_files *converted = open_model(r, folder), *own = open_model(r, gguf);
    assert_int_equal(model_files_count(own), model_files_count(converted));
    for (int i = 0; i < model_files_count(own); i++) {
        const struct file_tensor *a = model_files_at(own, i);
        const struct file_tensor *b = model_files_tensor(converted, a->name);
        assert_non_null(b);
        assert_int_equal(a->rows, b->rows);
        assert_int_equal(a->cols, b->cols);
        const size_t size = (size_t) a->rows * a->cols * sizeof(float);
        float *x = malloc(size), *y = malloc(size);
        assert_true(x && y);
        file_tensor_rows_f32(a, 0, a->rows, x);
        file_tensor_rows_f32(b, 0, b->rows, y);
        if (memcmp(x, y, size) != 0)
            fail_msg("%s differs", a->name);
        free(x);
        free(y);
    }
    model_files_close(&converted);
    model_files_close(&own);
}

static void both_tokenizers_say_the_same(void **state)
{
    struct room *r = *state;
    const char *folder, *gguf;
    if (!find_models(&folder, &gguf))
        skip();
    struct model_files *converted = open_model(r, folder), *own = open_model(r, gguf);
    struct tokenizer *a = model_files_tokenizer(converted), *b = model_files_tokenizer(own);
    if (!a || !b)
        fail_msg("%s", log_error(r->log));
    assert_int_equal(tokenizer_vocab(a), tokenizer_vocab(b));
    char *text;
    size_t size;
    const char *path = path_join(r->a, folder, "tokenizer.json"); // of many scripts
    assert_int_equal(file_read(r->log, r->a, path, &text, &size), EM_OK);
    for (int special = 0; special < 2; special++) {
        int *x, *y, num_x, num_y;
        assert_int_equal(tokenizer_encode_bytes(a, r->a, text, size, special, &x, &num_x), EM_OK);
        assert_int_equal(tokenizer_encode_bytes(b, r->a, text, size, special, &y, &num_y), EM_OK);
        assert_int_equal(num_x, num_y);
        assert_memory_equal(x, y, (size_t) num_x * sizeof(*x));
        assert_string_equal(tokenizer_decode(b, r->a, x, num_x, true), text);
    }
    model_files_close(&converted);
    model_files_close(&own);
}

static void rotary_frequencies_are_the_golden_ones(void **state)
{
    struct room *r = *state;
    const char *reference = outside("EMEND_REFERENCE");
    if (!reference)
        skip();
    const char *folder = path_join(r->a, reference, "tiny-gqa-llama3");
    struct model_files *m = open_model(r, folder);
    struct st_file golden;
    const char *path = path_join(r->a, folder, "golden.safetensors");
    assert_int_equal(st_open(r->log, r->a, path, &golden), EM_OK);
    const struct st_tensor *t = st_find(&golden, "inv_freq");
    assert_non_null(t);
    const struct model_config *c = model_files_config(m);
    assert_int_equal(t->size, (size_t) c->head_dim / 2 * sizeof(float));
    for (int i = 0; i < c->head_dim / 2; i++) {
        float expected;
        memcpy(&expected, t->data + (size_t) i * sizeof(float), sizeof(float));
        const float found = config_rope_frequency(c, i);
        assert_true(found >= expected * (1 - 2e-7f) && found <= expected * (1 + 2e-7f));
    }
    st_close(&golden);
    model_files_close(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_begin, room_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(weights_are_those_of_the_converted_model),
        TEST(both_tokenizers_say_the_same),
        TEST(rotary_frequencies_are_the_golden_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
