// Edits: added in float32, seen by passes, taken back bit for bit; kept rows and the state's hash
// go with them.

#include "fixture.h"

#include <math.h>

static double nll(struct fixture *f, const struct em_prompt *p, bool unedited)
{
    struct em_answer answer;
    fixture_ok(f, em_run(f->s, &(struct em_pass) {.prompts = p,
                                                  .num_prompts = 1,
                                                  .answers = &answer,
                                                  .unedited = unedited}));
    return answer.nll;
}

static void check_matrix(struct fixture *f, enum em_matrix m)
{
    const struct em_prompt p = fixture_prompt(f, 9, NULL, 0, 0);
    const struct tensor t = f->s->original[1].matrix[m];
    const size_t num = (size_t) t.rows * t.cols;
    float *before = arena_array(f->arena, float, num), *after = arena_array(f->arena, float, num);
    fixture_ok(f, em_weight_read(f->s, m, 1, before));
    const float *left = fixture_floats(f, 2 * (size_t) t.rows, 0.3f);
    const float *right = fixture_floats(f, 2 * (size_t) t.cols, 0.3f);
    const double start = nll(f, &p, false);
    char hash[65];
    memcpy(hash, session_state_hash(f->s), sizeof(hash));
    fixture_ok(f, em_weight_add(f->s, m, 1, left, right, 2));
    assert_string_not_equal(hash, session_state_hash(f->s));
    fixture_ok(f, em_weight_read(f->s, m, 1, after));
    for (size_t i = 0; i < t.rows; i++)
        for (size_t j = 0; j < t.cols; j++) {
            const double add =
                (double) left[i] * right[j] + (double) left[t.rows + i] * right[t.cols + j];
            assert_true(after[i * t.cols + j] == before[i * t.cols + j] + (float) add ||
                        fabs(after[i * t.cols + j] - before[i * t.cols + j] - add) < 1e-7);
        }
    assert_true(fabs(nll(f, &p, false) - start) > 1e-6);
    const double unedited = nll(f, &p, true);
    assert_memory_equal(&unedited, &start, sizeof(start));
    int edits;
    assert_int_equal(session_edits(f->s, &edits)[0].n, 2);
    assert_int_equal(edits, 1);
    fixture_ok(f, session_revert(f->s));
    assert_string_equal(hash, session_state_hash(f->s));
    fixture_ok(f, em_weight_read(f->s, m, 1, after));
    assert_memory_equal(before, after, num * sizeof(float));
    const double end = nll(f, &p, false);
    assert_memory_equal(&end, &start, sizeof(start));
}

static void check_all(enum op_matmul matmul)
{
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {.matmul = matmul});
    for (int m = 0; m < EM_MATRIX_COUNT; m++)
        check_matrix(&f, m);
    fixture_close(&f);
}

static void test_shader(void **state)
{
    (void) state;
    check_all(OP_MATMUL_SHADER);
}

static void test_host(void **state)
{
    (void) state;
    check_all(OP_MATMUL_AUTO);
}

static void test_kept(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    const float rows[] = {1, 2, 3, 4, 5, 6}, *kept;
    int num, width;
    fixture_ok(&f, em_keep(f.s, "K0", rows, 1, 2));
    fixture_ok(&f, em_keep(f.s, "K0", rows + 2, 2, 2));
    fixture_ok(&f, em_kept(f.s, "K0", &kept, &num, &width));
    assert_int_equal(num, 3);
    assert_int_equal(width, 2);
    assert_memory_equal(kept, rows, sizeof(rows));
    assert_int_equal(em_keep(f.s, "K0", rows, 1, 3), EM_ERR_CONFIG);
    log_clear(f.log);
    fixture_ok(&f, session_revert(f.s));
    fixture_ok(&f, em_kept(f.s, "K0", &kept, &num, &width));
    assert_int_equal(num, 0);
    fixture_close(&f);
}

static void test_store(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    struct em_fact fact = {"1", "{} is in", "Aa", "Bb", NULL}, other = fact;
    other.target_new = "Cc";
    const float z[] = {1, 2, 3};
    float got[3];
    fixture_ok(&f, em_store_put(f.s, &fact, "z", z, 3));
    assert_true(em_store_get(f.s, &fact, "z", got, 3));
    assert_memory_equal(got, z, sizeof(z));
    assert_false(em_store_get(f.s, &fact, "key", got, 3));
    assert_false(em_store_get(f.s, &other, "z", got, 3));
    session_store_key(f.s, "v_lr=0.1", NULL);
    assert_false(em_store_get(f.s, &fact, "z", got, 3));
    session_store_key(f.s, "", NULL);
    fixture_ok(&f, em_store_put(f.s, &fact, "z", z, 3));
    assert_true(em_store_get(f.s, &fact, "z", got, 3));
    const char *texts[] = {"{}", "Say. {}"};
    fixture_ok(&f, session_templates_set(f.s, "memit", texts, 2));
    assert_false(em_store_get(f.s, &fact, "z", got, 3));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shader),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
