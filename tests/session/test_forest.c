// The forest: what is equal is held once, what differs never; needs and liveness; the order of
// nodes.

#include "fixture.h"

#include "session/plan/forest.h"

enum { LAYERS = 3, END = (LAYERS - 1) * STAGES + STAGE_OUT };

static const int abc[] = {1, 2, 3}, abd[] = {1, 2, 4}, xyz[] = {7, 8, 9};

static const struct em_prompt prompts[] = {
    {.tokens = abc, .num_tokens = 3},
    {.tokens = abd, .num_tokens = 3},
    {.tokens = abc, .num_tokens = 3},
    {.tokens = xyz, .num_tokens = 3},
};

static struct forest build(struct arena *a, int num, const struct forest_read *reads, int num_reads,
                           const struct forest_act *acts, int num_acts)
{
    return forest_build(a, &(struct forest_params) {.prompts = prompts,
                                                    .num_prompts = num,
                                                    .reads = reads,
                                                    .num_reads = num_reads,
                                                    .acts = acts,
                                                    .num_acts = num_acts});
}

static void test_shared(void **state)
{
    (void) state;
    struct arena *a = arena_create();
    const struct forest_read reads[] = {{0, 2, END}, {1, 2, END}, {2, 2, END}, {3, 2, END}};
    const struct forest f = build(a, 4, reads, 4, NULL, 0);
    assert_int_equal(f.num, 7); // a b c d and x y z
    assert_int_equal(f.at[0][1], f.at[1][1]);
    assert_int_equal(f.at[0][2], f.at[2][2]);
    assert_int_not_equal(f.at[0][2], f.at[1][2]);
    assert_int_equal(f.nodes[f.at[0][2]].parent, f.at[0][1]);
    assert_int_equal(f.nodes[f.at[3][2]].depth, 2);
    arena_destroy(&a);
}

static void test_parted(void **state)
{
    (void) state;
    struct arena *a = arena_create();
    const struct forest_read reads[] = {{0, 2, END}, {1, 2, END}, {2, 2, END}};
    // Prompts 0 and 2 have the same tokens and different vectors at token 1; 1 shares 0's.
    const struct forest_act acts[] = {{0, 1, NEVER, 1}, {1, 1, NEVER, 1}, {2, 1, NEVER, 2}};
    const struct forest f = build(a, 3, reads, 3, acts, 3);
    assert_int_equal(f.at[0][0], f.at[2][0]);
    assert_int_equal(f.at[0][1], f.at[1][1]);
    assert_int_not_equal(f.at[0][1], f.at[2][1]);
    assert_int_not_equal(f.at[0][2], f.at[2][2]);
    assert_int_equal(f.num, 1 + 2 + 3);
    arena_destroy(&a);
}

static void test_combined(void **state)
{
    (void) state;
    struct arena *a = arena_create();
    const struct forest_read reads[] = {{0, 2, END}, {2, 2, END}};
    // Two acts on prompt 0's token, the first of them also on prompt 2's: not equal.
    const struct forest_act acts[] = {{0, 1, NEVER, 1}, {2, 1, NEVER, 1}, {0, 1, NEVER, 2}};
    const struct forest f = build(a, 3, reads, 2, acts, 3);
    assert_int_equal(f.at[0][0], f.at[2][0]);
    assert_int_not_equal(f.at[0][1], f.at[2][1]);
    arena_destroy(&a);
}

static void test_need(void **state)
{
    (void) state;
    struct arena *a = arena_create();
    const int key = site_stage(1, EM_SITE_MLP_KEY);
    const struct forest_read reads[] = {{0, 1, key}, {3, 2, END}};
    const struct forest f = build(a, 4, reads, 2, NULL, 0);
    assert_int_equal(f.num, 2 + 3); // c and d descend from what is read, but nothing reads them
    assert_int_equal(f.at[0][2], -1);
    assert_int_equal(f.at[1][2], -1);
    assert_int_equal(f.nodes[f.at[0][1]].need, key);
    assert_int_equal(f.nodes[f.at[0][0]].need, STAGES + STAGE_QKV);
    assert_int_equal(f.nodes[f.at[3][0]].need, (LAYERS - 1) * STAGES + STAGE_QKV);
    arena_destroy(&a);
}

static void test_live(void **state)
{
    (void) state;
    struct arena *a = arena_create();
    const int out = site_stage(0, EM_SITE_BLOCK_OUT), in = site_stage(1, EM_SITE_BLOCK_IN);
    const struct forest_read reads[] = {{0, 2, END}, {3, 2, END}};
    const struct forest_act acts[] = {{0, 1, out, 1}, {3, 0, in, 2}};
    const struct forest f = build(a, 4, reads, 2, acts, 2);
    assert_int_equal(f.nodes[f.at[0][0]].live, NEVER);
    assert_int_equal(f.nodes[f.at[0][1]].live, out);
    assert_int_equal(f.nodes[f.at[0][2]].live, STAGES + STAGE_ATTN);
    assert_int_equal(f.nodes[f.at[3][0]].live, in);
    assert_int_equal(f.nodes[f.at[3][1]].live, STAGES + STAGE_ATTN);
    for (int i = 1; i < f.num; i++) {
        assert_true(f.nodes[i - 1].live <= f.nodes[i].live);
        if (f.nodes[i - 1].live == f.nodes[i].live)
            assert_true(f.nodes[i - 1].need >= f.nodes[i].need);
    }
    arena_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),   cmocka_unit_test(test_parted),
        cmocka_unit_test(test_combined), cmocka_unit_test(test_need),
        cmocka_unit_test(test_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
