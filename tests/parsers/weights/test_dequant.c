// Every quantised type against the numbers that llama.cpp's package made of the same blocks, bit
// for bit: dequant.safetensors, or the file named; see make_dequant.py.

#include "room.h"

#include <math.h>

#include "model/files.h"
#include "model/safetensors.h"

static const char *golden_path;

// Equal by bits; of NaN there are many.
static void check_values(const char *type, const float *values, const uint8_t *expected, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        float other;
        uint32_t bits, other_bits;
        memcpy(&bits, &values[i], sizeof(bits));
        memcpy(&other_bits, expected + i * sizeof(other), sizeof(other_bits));
        memcpy(&other, &other_bits, sizeof(other));
        if (bits != other_bits && !(isnan(values[i]) && isnan(other)))
            fail_msg("%s: value %zu is %a, not %a", type, i, (double) values[i], (double) other);
    }
}

static void check_type(struct room *r, const struct st_file *golden, enum file_type type)
{
    const char *name = file_type_name(type);
    const struct st_tensor *blocks = st_find(golden, arena_print(r->a, "%s.blocks", name));
    const struct st_tensor *values = st_find(golden, arena_print(r->a, "%s.values", name));
    if (!blocks || !values)
        fail_msg("%s: has no %s", golden_path, name);
    const size_t num = values->size / sizeof(float);
    assert_int_equal(file_type_bytes(type, num), blocks->size);
    uint8_t *in = malloc(blocks->size); // so that a sanitizer sees a step beyond the last block
    float *out = malloc(num * sizeof(float));
    assert_true(in && out);
    memcpy(in, blocks->data, blocks->size);
    const struct file_tensor t = {.name = name,
                                  .type = type,
                                  .rows = 2,
                                  .cols = (uint32_t) num / 2,
                                  .data = in,
                                  .size = blocks->size};
    file_tensor_rows_f32(&t, 0, 2, out);
    check_values(name, out, values->data, num);
    free(out);
    free(in);
}

static void blocks_are_read_as_llama_cpp_reads_them(void **state)
{
    struct room *r = *state;
    struct st_file golden;
    if (st_open(r->log, r->a, golden_path, &golden) != EM_OK)
        fail_msg("%s", log_error(r->log));
    for (int i = 0; i < FILE_TYPES; i++)
        if (file_type_block((enum file_type) i) > 1)
            check_type(r, &golden, (enum file_type) i);
    st_close(&golden);
}

static void types_are_found_by_their_number(void **state)
{
    (void) state;
    int found = 0;
    for (uint32_t number = 0; number < 100; number++) {
        enum file_type type;
        if (!file_type_of_gguf(number, &type))
            continue;
        assert_string_equal(file_type_name(type), gguf_type_name(number));
        found++;
    }
    assert_int_equal(found, FILE_TYPES);
}

int main(int argc, char **argv)
{
    golden_path = argc > 1 ? argv[1] : GOLDEN;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_are_read_as_llama_cpp_reads_them, room_begin,
                                        room_end),
        cmocka_unit_test(types_are_found_by_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
