// Models in GGUF that are split into parts: read from any of them, hashed over all; each way in
// which parts can be wrong.

#include "tiny.h"

#include <unistd.h>

#include "base/file/hash.h"

enum { PARTS = 3 };

static const int ends[PARTS] = {0, 9, TINY_TENSORS}; // the first part: metadata alone

struct change { // of one part
    int part, number, count, total;
    const char *message;
};

static const char *part_name(struct room *r, int part)
{
    return arena_print(r->a, "big-%05d-of-00003.gguf", part + 1);
}

static struct gguf_maker make_part(struct room *r, int part, const struct change *c)
{
    struct gguf_maker g = gguf_make(r);
    if (part == 0)
        tiny_gguf_config(&g);
    for (int i = part ? ends[part - 1] : 0; i < ends[part]; i++) {
        const struct tiny_tensor t = tiny_tensor(r, i, false);
        gguf_put_tensor(&g, t.gguf, tiny_gguf_type(t.type), t.cols, t.rows, tiny_interleaved(r, &t),
                        t.size);
    }
    const bool changed = c && c->part == part;
    gguf_put_int(&g, "split.no", (uint32_t) (changed ? c->number : part));
    gguf_put_int(&g, "split.count", (uint32_t) (changed ? c->count : PARTS));
    gguf_put_int(&g, "split.tensors.count", (uint32_t) (changed ? c->total : TINY_TENSORS));
    return g;
}

static void write_part(struct room *r, const char *name, int part, const struct change *c)
{
    const struct gguf_maker g = make_part(r, part, c);
    gguf_write(r, &g, name);
}

// All parts, the divisors of the rotary angles in those of `parts`.
static void write_divisors(struct room *r, const bool parts[PARTS])
{
    const float eight[8] = {1, 1, 1.5f, 2, 4, 8, 8, 8};
    int total = TINY_TENSORS;
    for (int i = 0; i < PARTS; i++)
        total += parts[i];
    for (int i = 0; i < PARTS; i++) {
        struct gguf_maker g = make_part(r, i, &(struct change) {i, i, PARTS, total, NULL});
        if (parts[i])
            gguf_put_tensor(&g, "rope_freqs.weight", 0, 8, 0, eight, sizeof(eight));
        gguf_write(r, &g, part_name(r, i));
    }
}

static void write_parts(struct room *r, const struct change *c)
{
    for (int i = 0; i < PARTS; i++)
        write_part(r, part_name(r, i), i, c);
}

static void check_tensors(struct room *r, const struct model_files *m)
{
    assert_int_equal(model_files_count(m), TINY_TENSORS);
    for (int i = 0; i < TINY_TENSORS; i++) {
        const struct tiny_tensor t = tiny_tensor(r, i, false);
        const struct file_tensor *f = model_files_tensor(m, t.hf);
        assert_non_null(f);
        float *values = arena_array(r->a, float, (size_t) f->rows * f->cols);
        file_tensor_rows_f32(f, 0, f->rows, values);
        assert_memory_equal(values, t.values, (size_t) f->rows * f->cols * sizeof(float));
    }
}

static void any_part_opens_the_model(void **state)
{
    struct room *r = *state;
    write_parts(r, NULL);
    struct hash *h = hash_begin();
    char expected[HASH_SIZE];
    for (int i = 0; i < PARTS; i++) {
        char *data;
        size_t size;
        assert_int_equal(file_read(r->log, r->a, room_path(r, part_name(r, i)), &data, &size),
                         EM_OK);
        hash_bytes(h, data, size);
    }
    hash_end(h, expected);
    for (int i = 0; i < PARTS; i++) {
        struct model_files *m = tiny_open(r, room_path(r, part_name(r, i)));
        char hex[HASH_SIZE];
        assert_string_equal(model_files_name(m), "big");
        assert_false(model_files_config(m)->tied); // the head is in another part
        check_tensors(r, m);
        assert_int_equal(model_files_hash(m, NULL, hex), EM_OK);
        assert_string_equal(hex, expected);
        model_files_release(m);
        check_tensors(r, m);
        model_files_close(&m);
    }
}

static void a_changed_part_is_another_model(void **state)
{
    struct room *r = *state;
    struct cache *cache = cache_create(r->log, room_path(r, "cache"));
    char before[HASH_SIZE], after[HASH_SIZE];
    write_parts(r, NULL);
    struct model_files *m = tiny_open(r, room_path(r, part_name(r, 0)));
    assert_int_equal(model_files_hash(m, cache, before), EM_OK);
    model_files_close(&m);
    write_part(r, part_name(r, 2), 2,
               &(struct change) {.part = 2, .number = 2, .count = 3, .total = 0});
    m = tiny_open(r, room_path(r, part_name(r, 0)));
    assert_int_equal(model_files_hash(m, cache, after), EM_OK);
    model_files_close(&m);
    assert_string_not_equal(before, after);
    cache_destroy(&cache);
}

static void missing_parts_are_named(void **state)
{
    struct room *r = *state;
    write_parts(r, NULL);
    const char *last = room_path(r, part_name(r, 2));
    assert_int_equal(unlink(room_path(r, part_name(r, 0))), 0);
    assert_null(model_files_open(r->log, last));
    expect_error(r, "first",
                 "%s: is one of the 3 parts of a model, and 1 of them is not beside it: "
                 "big-00001-of-00003.gguf",
                 last);
    assert_int_equal(unlink(room_path(r, part_name(r, 1))), 0);
    assert_null(model_files_open(r->log, last));
    expect_error(r, "two",
                 "%s: is one of the 3 parts of a model, and 2 of them are not beside it: "
                 "big-00001-of-00003.gguf, big-00002-of-00003.gguf",
                 last);
}

static void a_part_of_another_name_is_told_so(void **state)
{
    struct room *r = *state;
    write_part(r, "weights.gguf", 1, NULL);
    const char *path = room_path(r, "weights.gguf");
    assert_null(model_files_open(r->log, path));
    expect_error(r, "name",
                 "%s: is part 2 of the 3 parts of a model, but its name does not end in "
                 "-00002-of-00003.gguf, so the others cannot be found; give all of them their "
                 "names back",
                 path);
    struct gguf_maker g = gguf_make(r);
    gguf_put_int(&g, "split.count", 70000);
    path = gguf_write(r, &g, "weights.gguf");
    assert_null(model_files_open(r->log, path));
    expect_error(r, "count", "%s: split.count is 70000; it must be in [0, 65535]", path);
}

static void parts_of_different_models_are_told_apart(void **state)
{
    static const struct change wrong[] = {
        {1, 2, 3, TINY_TENSORS,
         "big-00002-of-00003.gguf: says that it is part 3 of 3 (split.no, split.count); its name "
         "says 2 of 3"},
        {2, 2, 4, TINY_TENSORS,
         "big-00003-of-00003.gguf: says that it is part 3 of 4 (split.no, split.count); its name "
         "says 3 of 3"},
        {0, 0, 3, 20,
         "big-00001-of-00003.gguf: split.tensors.count is 20, but its 3 parts have 21 tensors; are "
         "they of one model?"},
    };
    struct room *r = *state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        write_parts(r, &wrong[i]);
        const char *first = room_path(r, part_name(r, wrong[i].part ? 0 : 2));
        assert_null(model_files_open(r->log, first));
        expect_error(r, "parts", "%s", room_path(r, wrong[i].message));
    }
    write_parts(r, NULL);
    const int second[] = {1, 2};
    for (int i = 0; i < 2; i++) // one part twice
        write_part(r, part_name(r, second[i]), 1,
                   &(struct change) {1, second[i], 3, TINY_TENSORS, NULL});
    assert_null(model_files_open(r->log, room_path(r, part_name(r, 0))));
    assert_non_null(
        strstr(log_error(r->log), "split.tensors.count is 21, but its 3 parts have 18"));
}

static void rotary_divisors_may_be_in_any_part_once(void **state)
{
    struct room *r = *state;
    write_divisors(r, (const bool[PARTS]) {false, false, true});
    struct model_files *m = tiny_open(r, room_path(r, part_name(r, 0)));
    assert_int_equal(model_files_config(m)->rope, ROPE_DIVISORS);
    assert_true(model_files_config(m)->rope_divisors[2] == 1.5f);
    check_tensors(r, m);
    model_files_close(&m);
    write_divisors(r, (const bool[PARTS]) {true, false, true});
    assert_null(model_files_open(r->log, room_path(r, part_name(r, 0))));
    expect_error(r, "twice", "%s: tensor \"rope_freqs.weight\" is in two of its parts",
                 room_path(r, part_name(r, 2)));
}

static void the_last_part_is_checked_as_the_first(void **state)
{
    struct room *r = *state;
    write_parts(r, NULL);
    const char *last = room_path(r, part_name(r, 2));
    char *data;
    size_t size;
    assert_int_equal(file_read(r->log, r->a, last, &data, &size), EM_OK);
    room_file(r, part_name(r, 2), data, size - 100);
    assert_null(model_files_open(r->log, room_path(r, part_name(r, 0))));
    assert_non_null(strstr(log_error(r->log), last));
    assert_non_null(strstr(log_error(r->log), "is the download complete?"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_begin, room_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_part_opens_the_model),
        TEST(a_changed_part_is_another_model),
        TEST(missing_parts_are_named),
        TEST(a_part_of_another_name_is_told_so),
        TEST(parts_of_different_models_are_told_apart),
        TEST(rotary_divisors_may_be_in_any_part_once),
        TEST(the_last_part_is_checked_as_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
