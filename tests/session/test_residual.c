// A pass that begins with rows kept from an earlier one gives every bit that a session which keeps
// none gives, and begins where it may: never with rows of other weights.

#include "fixture.h"

enum { P = 4, EDITED = 2 }; // EDITED: the layer whose edits are expected

struct pair { // of sessions that are asked and edited alike
    struct fixture keeps, plain;
    struct em_prompt *prompts, *others; // [P]
    double layer;                       // flop of a layer for all rows of `prompts`
};

static struct em_prompt *make_prompts(struct fixture *f)
{
    struct em_prompt *p = arena_array(f->arena, struct em_prompt, P);
    p[0] = fixture_prompt(f, 9, NULL, 0, 0);
    p[1] = fixture_prompt(f, 11, &p[0], 5, 0);
    p[2] = fixture_prompt(f, 9, &p[0], 8, 0);
    p[3] = fixture_prompt(f, 7, NULL, 0, 0);
    p[1].target_first = 8;
    return p;
}

static double run(struct fixture *f, const struct em_pass *pass)
{
    const double before = session_cost(f->s).flop;
    fixture_ok(f, em_run(f->s, pass));
    return session_cost(f->s).flop - before;
}

// The flop that one session does not do, both giving the same.
static double saved(struct pair *x, const struct em_prompt *p, bool unedited)
{
    struct em_answer kept[P], plain[P];
    struct em_pass pass = {.prompts = p, .num_prompts = P, .answers = kept, .unedited = unedited};
    const double less = run(&x->keeps, &pass);
    pass.answers = plain;
    const double all = run(&x->plain, &pass);
    for (int i = 0; i < P; i++) {
        assert_memory_equal(&kept[i].nll, &plain[i].nll, sizeof(double));
        assert_int_equal(kept[i].hit, plain[i].hit);
    }
    return all - less;
}

static void check_begin(struct pair *x, int layer)
{
    assert_true(saved(x, x->prompts, false) == layer * x->layer);
}

static void edit(struct pair *x, int layer)
{
    const struct em_model *m = em_model(x->plain.s);
    const float *left = fixture_floats(&x->plain, (size_t) m->dim, 0.3f);
    const float *right = fixture_floats(&x->plain, (size_t) m->ffn, 0.3f);
    fixture_ok(&x->keeps, em_weight_add(x->keeps.s, EM_MATRIX_DOWN, layer, left, right, 1));
    fixture_ok(&x->plain, em_weight_add(x->plain.s, EM_MATRIX_DOWN, layer, left, right, 1));
}

static void revert(struct pair *x)
{
    fixture_ok(&x->keeps, session_revert(x->keeps.s));
    fixture_ok(&x->plain, session_revert(x->plain.s));
}

static void open_pair(struct pair *x, enum op_matmul matmul)
{
    const struct fixture_params params = {.matmul = matmul};
    fixture_open(&x->keeps, &params);
    fixture_open(&x->plain, &params);
    x->prompts = make_prompts(&x->plain);
    x->others = make_prompts(&x->plain);
    session_expect_edits(x->keeps.s, EDITED);
    assert_true(saved(x, x->prompts, false) == 0);
    x->layer = saved(x, x->prompts, false) / EDITED;
    assert_true(x->layer > 0);
}

static void close_pair(struct pair *x)
{
    fixture_close(&x->keeps);
    fixture_close(&x->plain);
}

static void check_edits(enum op_matmul matmul)
{
    struct pair x;
    open_pair(&x, matmul);
    edit(&x, EDITED);
    check_begin(&x, EDITED);
    edit(&x, EDITED + 1);
    check_begin(&x, EDITED);
    edit(&x, 1); // the rows that entered EDITED have met other weights
    check_begin(&x, 0);
    check_begin(&x, EDITED);
    edit(&x, EDITED);
    check_begin(&x, EDITED);
    edit(&x, 0);
    check_begin(&x, 0);
    assert_true(saved(&x, x.prompts, true) == EDITED * x.layer); // on the unedited model
    check_begin(&x, EDITED);
    revert(&x);
    check_begin(&x, EDITED);
    edit(&x, 1);
    check_begin(&x, 0); // as an edit that was made before, but not the same
    close_pair(&x);
}

static void test_shader(void **state)
{
    (void) state;
    check_edits(OP_MATMUL_SHADER);
}

static void test_host(void **state)
{
    (void) state;
    check_edits(OP_MATMUL_AUTO);
}

// Rows that enter a layer further down serve until there are better ones.
static void test_layers(void **state)
{
    (void) state;
    struct pair x;
    open_pair(&x, OP_MATMUL_SHADER);
    session_expect_edits(x.keeps.s, EDITED + 1);
    check_begin(&x, EDITED);
    check_begin(&x, EDITED + 1);
    edit(&x, EDITED); // further down than was expected
    check_begin(&x, EDITED);
    session_expect_edits(x.keeps.s, 1);
    check_begin(&x, 0);
    check_begin(&x, 1);
    session_expect_edits(x.keeps.s, 0);
    check_begin(&x, 0);
    close_pair(&x);
}

// Other prompts, and the same ones read elsewhere, are other passes.
static void test_passes(void **state)
{
    (void) state;
    struct pair x;
    open_pair(&x, OP_MATMUL_SHADER);
    assert_true(saved(&x, x.others, false) == 0);
    x.prompts[1].target_first--;
    check_begin(&x, 0);
    float losses[P], again[P];
    struct em_term terms[P] = {
        {EM_LOSS_NLL, 1, 1, NULL}, {EM_LOSS_NLL, 1, 0, NULL}, {0}, {EM_LOSS_NLL, 1, EDITED, NULL}};
    struct em_pass pass = {.prompts = x.prompts, .num_prompts = P, .terms = terms};
    for (int i = 0; i < 2; i++) { // terms that are read below the layer leave nothing out
        pass.losses = losses;
        const double one = run(&x.keeps, &pass);
        pass.losses = again;
        assert_true(one == run(&x.plain, &pass));
        assert_memory_equal(losses, again, sizeof(losses));
    }
    close_pair(&x);
}

// What a series of passes has used stays; what only the one before has used makes room.
static void test_limit(void **state)
{
    (void) state;
    struct pair x;
    open_pair(&x, OP_MATMUL_SHADER);
    x.keeps.s->residual_limit = x.keeps.s->residuals.bytes;
    for (int i = 0; i < 2; i++) {
        assert_true(saved(&x, x.others, false) == 0);
        check_begin(&x, EDITED);
    }
    session_expect_edits(x.keeps.s, EDITED);
    assert_true(saved(&x, x.others, false) == 0);
    assert_true(saved(&x, x.others, false) == EDITED * x.layer);
    check_begin(&x, 0);
    x.keeps.s->residual_limit--;
    session_expect_edits(x.keeps.s, EDITED);
    check_begin(&x, 0);
    check_begin(&x, 0);
    assert_true(saved(&x, x.others, false) == EDITED * x.layer);
    close_pair(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shader), cmocka_unit_test(test_host),  cmocka_unit_test(test_layers),
        cmocka_unit_test(test_passes), cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
