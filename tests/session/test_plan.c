// A plan gives what separate, plain passes give: shared prefixes, the split in constant and live
// rows at every site, chunks, layouts and the device's limits change nothing. With shader matmuls,
// not a bit.

#include "fixture.h"

#include <math.h>

enum { P = 6, SITES = EM_SITE_COUNT };

static const struct fixture_params shader = {.matmul = OP_MATMUL_SHADER};

static uint32_t width_of(struct fixture *f, enum em_site site)
{
    return (uint32_t) (site == EM_SITE_MLP_KEY ? em_model(f->s)->ffn : em_model(f->s)->dim);
}

// Three facts (groups) of two prompts each, with much in common: 0 and 1 have the same text up to
// the subject.
static struct em_prompt *make_prompts(struct fixture *f)
{
    struct em_prompt *p = arena_array(f->arena, struct em_prompt, P);
    p[0] = fixture_prompt(f, 9, NULL, 0, 0);
    p[1] = fixture_prompt(f, 11, &p[0], 5, 0);
    p[2] = fixture_prompt(f, 9, &p[0], 9, 1);
    p[3] = fixture_prompt(f, 7, &p[0], 6, 1);
    p[4] = fixture_prompt(f, 13, NULL, 0, 2);
    p[5] = fixture_prompt(f, 3, &p[4], 2, 2);
    p[3].subject_last = 4;
    return p;
}

static void make_terms(struct em_term *terms)
{
    for (int i = 0; i < P; i++)
        terms[i] =
            (struct em_term) {i % 2 ? EM_LOSS_KL_START : EM_LOSS_NLL, i % 2 ? 0.1f : 0.7f, 0, NULL};
}

static void test_shared_prefixes(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    struct em_prompt *p = make_prompts(&f);
    struct em_answer together[P], alone;
    fixture_ok(
        &f, em_run(f.s, &(struct em_pass) {.prompts = p, .num_prompts = P, .answers = together}));
    for (int i = 0; i < P; i++) {
        fixture_ok(&f, em_run(f.s, &(struct em_pass) {
                                       .prompts = &p[i], .num_prompts = 1, .answers = &alone}));
        assert_memory_equal(&alone.nll, &together[i].nll, sizeof(alone.nll));
        assert_int_equal(alone.hit, together[i].hit);
        assert_true(alone.nll > 0);
    }
    fixture_close(&f);
}

struct result { // of a pass with a vector at a site
    float losses[P], *value, *grad;
    struct em_answer answers[P];
};

struct trial {
    enum em_site site;
    int layer, steps, later; // later: steps more for each next group
    bool iterate, grads, never_reuse;
    int chunk;
    const float *add, *move; // [3, width]: the vectors, and what each step adds to them
};

struct moving {
    float *add;
    const struct trial *t;
    size_t width;
};

static bool move(void *user, int group, int iteration)
{
    struct moving *m = user;
    if (iteration + 1 >= m->t->steps + group * m->t->later)
        return false;
    for (size_t i = 0; i < m->width; i++)
        m->add[(size_t) group * m->width + i] += m->t->move[(size_t) group * m->width + i];
    return true;
}

static struct result try(struct fixture *f, const struct em_prompt *p, const struct trial *t)
{
    const size_t width = width_of(f, t->site);
    float *add = arena_copy_bytes(f->arena, t->add, 3 * width * sizeof(float));
    struct result r = {.value = arena_array(f->arena, float, P *width),
                       .grad = arena_array(f->arena, float, 3 * width)};
    struct em_term terms[P];
    make_terms(terms);
    const struct em_probe probe = {.site = t->site,
                                   .layer = t->layer,
                                   .add = add,
                                   .value = r.value,
                                   .grad = t->grads ? r.grad : NULL};
    const struct em_pass pass = {.prompts = p,
                                 .num_prompts = P,
                                 .num_groups = 3,
                                 .probes = &probe,
                                 .num_probes = 1,
                                 .terms = terms,
                                 .losses = r.losses,
                                 .answers = r.answers};
    struct moving m = {add, t, width};
    f->s->chunk = t->chunk;
    f->s->never_reuse = t->never_reuse;
    fixture_ok(f, t->iterate ? em_iterate(f->s, &pass, move, &m) : em_run(f->s, &pass));
    f->s->chunk = 0;
    f->s->never_reuse = false;
    return r;
}

static void assert_same(const struct result *a, const struct result *b, size_t width, bool grads)
{
    assert_memory_equal(a->losses, b->losses, sizeof(a->losses));
    assert_memory_equal(a->value, b->value, P * width * sizeof(float));
    for (int i = 0; i < P; i++)
        assert_memory_equal(&a->answers[i].nll, &b->answers[i].nll, sizeof(double));
    if (grads)
        assert_memory_equal(a->grad, b->grad, 3 * width * sizeof(float));
}

// Rows that vary are computed apart from those that do not; a pass that takes all rows at once
// agrees.
static void test_live_split(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    struct em_prompt *p = make_prompts(&f);
    const int layers = em_model(f.s)->layers;
    for (int site = 0; site < SITES; site++)
        for (int layer = 0; layer < layers; layer += layers - 1) {
            const size_t width = width_of(&f, site);
            struct trial t = {.site = site, .layer = layer, .steps = 1};
            t.add = fixture_floats(&f, 3 * width, 0.3f);
            const struct result plain = try(&f, p, &t);
            t.grads = true;
            const struct result once = try(&f, p, &t);
            t.iterate = true;
            const struct result first = try(&f, p, &t);
            assert_same(&plain, &once, width, false);
            assert_same(&plain, &first, width, false);
            assert_memory_equal(once.grad, first.grad, 3 * width * sizeof(float));
            assert_true(plain.losses[0] > 0);
        }
    fixture_close(&f);
}

// After three steps the live rows hold what a fresh pass with the moved vectors computes.
static void test_iterated(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    struct em_prompt *p = make_prompts(&f);
    for (int site = 0; site < SITES; site++) {
        const size_t width = width_of(&f, site);
        float *start = fixture_floats(&f, 3 * width, 0), *end = fixture_floats(&f, 3 * width, 0.1f);
        struct trial t = {.site = site,
                          .layer = 1,
                          .steps = 3,
                          .iterate = true,
                          .grads = true,
                          .add = start,
                          .move = end};
        const struct result moved = try(&f, p, &t);
        for (size_t i = 0; i < 3 * width; i++)
            start[i] = end[i] + end[i];
        struct trial fresh = {
            .site = site, .layer = 1, .steps = 1, .iterate = true, .grads = true, .add = start};
        const struct result direct = try(&f, p, &fresh);
        for (int i = 0; i < P; i += 2) // the NLLs; a KL's reference is that of its own first run
            assert_memory_equal(&moved.losses[i], &direct.losses[i], sizeof(float));
        for (int i = 1; i < P; i += 2) {
            assert_true(moved.losses[i] > 1e-6f);
            assert_true(fabsf(direct.losses[i]) < 1e-6f);
        }
    }
    fixture_close(&f);
}

static void test_chunks_and_layout(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    struct em_prompt *p = make_prompts(&f);
    const size_t width = width_of(&f, EM_SITE_BLOCK_OUT);
    struct trial t = {
        .site = EM_SITE_BLOCK_OUT, .layer = 1, .steps = 3, .iterate = true, .grads = true};
    t.add = fixture_floats(&f, 3 * width, 0.3f);
    t.move = fixture_floats(&f, 3 * width, 0.1f);
    const struct result whole = try(&f, p, &t), again = try(&f, p, &t);
    assert_same(&whole, &again, width, true);
    t.chunk = 1;
    const struct result chunked = try(&f, p, &t);
    assert_same(&whole, &chunked, width, true);
    t.chunk = 0;
    t.never_reuse = true;
    const struct result spread = try(&f, p, &t);
    assert_same(&whole, &spread, width, true);
    t.later = 6; // groups are done after 3, 9 and 15 runs, and leave the plan
    const struct result dropped = try(&f, p, &t);
    t.chunk = 1;
    const struct result alone = try(&f, p, &t);
    assert_same(&dropped, &alone, width, true);
    fixture_close(&f);
}

static void test_device_limits(void **state)
{
    (void) state;
    struct fixture f;
    struct result results[2];
    size_t width = 0;
    for (int i = 0; i < 2; i++) {
        struct fixture_params params = shader;
        if (i) { // every matrix in several ranges, the weights in several allocations
            params.max_range = 16384;
            params.max_alloc = 256 * 1024;
        }
        fixture_open(&f, &params);
        struct em_prompt *p = make_prompts(&f);
        width = width_of(&f, EM_SITE_MLP_OUT);
        struct trial t = {.site = EM_SITE_MLP_OUT, .layer = 1, .steps = 1, .grads = true};
        t.add = fixture_floats(&f, 3 * width, 0.3f);
        const struct result r = try(&f, p, &t);
        results[i] = r;
        results[i].value = malloc(P * width * sizeof(float));
        results[i].grad = malloc(3 * width * sizeof(float));
        memcpy(results[i].value, r.value, P * width * sizeof(float));
        memcpy(results[i].grad, r.grad, 3 * width * sizeof(float));
        if (i)
            assert_true(f.s->weights.num_bufs > 1);
        fixture_close(&f);
    }
    assert_same(&results[0], &results[1], width, true);
    for (int i = 0; i < 2; i++) {
        free(results[i].value);
        free(results[i].grad);
    }
}

// d loss / d add against central differences along the gradient itself, at every site.
static void check_gradients(enum op_matmul matmul)
{
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {.matmul = matmul});
    struct em_prompt *p = make_prompts(&f);
    struct em_term terms[P];
    make_terms(terms);
    for (int site = 0; site < SITES; site++) {
        const size_t width = width_of(&f, site);
        float *add = fixture_floats(&f, 3 * width, 0.2f);
        struct trial t = {.site = site, .layer = 1, .steps = 1, .grads = true, .add = add};
        const struct result at = try(&f, p, &t);
        for (size_t g = 0; g < 3; g++) {
            double squares = 0, loss[2] = {0};
            for (size_t i = 0; i < width; i++)
                squares += (double) at.grad[g * width + i] * at.grad[g * width + i];
            assert_true(squares > 0);
            const double step = 2e-2;
            for (int side = 0; side < 2; side++) {
                float *moved = arena_copy_bytes(f.arena, add, 3 * width * sizeof(float));
                for (size_t i = 0; i < width; i++)
                    moved[g * width + i] +=
                        (float) ((side ? step : -step) * at.grad[g * width + i] / sqrt(squares));
                struct trial m = {.site = site, .layer = 1, .steps = 1, .add = moved};
                const struct result r = try(&f, p, &m);
                for (int i = 0; i < P; i += 2) // without KL: its reference would move too
                    loss[side] += terms[i].weight * (double) r.losses[i];
            }
            assert_true(fabs((loss[1] - loss[0]) / (2 * step) - sqrt(squares)) <
                        0.02 * sqrt(squares) + 2e-4);
        }
    }
    fixture_close(&f);
}

static void test_gradients_shader(void **state)
{
    (void) state;
    check_gradients(OP_MATMUL_SHADER);
}

static void test_gradients_host(void **state)
{
    (void) state;
    check_gradients(OP_MATMUL_AUTO);
}

// `set` replaces what `add` is added to; rows of one token sequence with different values stay
// apart.
static void test_set(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    const size_t D = (size_t) em_model(f.s)->dim;
    struct em_prompt p[2] = {fixture_prompt(&f, 8, NULL, 0, 0)};
    p[1] = p[0];
    float *values = fixture_floats(&f, 2 * D, 0.5f), *seen = fixture_floats(&f, 2 * D, 0);
    const struct em_row rows[] = {{0, 3}, {1, 3}};
    struct em_answer both[2], alone, plain;
    struct em_probe probes[] = {
        {.site = EM_SITE_MLP_OUT, .layer = 1, .rows = rows, .num_rows = 2, .set = values},
        {.site = EM_SITE_BLOCK_OUT, .layer = 1, .rows = rows, .num_rows = 2, .value = seen},
    };
    struct em_pass pass = {
        .prompts = p, .num_prompts = 2, .probes = probes, .num_probes = 2, .answers = both};
    fixture_ok(&f, em_run(f.s, &pass));
    assert_memory_not_equal(seen, seen + D, D * sizeof(float));
    assert_true(both[0].nll != both[1].nll);
    for (int i = 0; i < 2; i++) {
        const struct em_row row = {0, 3};
        const struct em_probe probe = {.site = EM_SITE_MLP_OUT,
                                       .layer = 1,
                                       .rows = &row,
                                       .num_rows = 1,
                                       .set = values + (size_t) i * D};
        fixture_ok(&f, em_run(f.s, &(struct em_pass) {.prompts = p,
                                                      .num_prompts = 1,
                                                      .probes = &probe,
                                                      .num_probes = 1,
                                                      .answers = &alone}));
        assert_memory_equal(&alone.nll, &both[i].nll, sizeof(double));
    }
    fixture_ok(&f,
               em_run(f.s, &(struct em_pass) {.prompts = p, .num_prompts = 1, .answers = &plain}));
    assert_true(plain.nll != both[0].nll);
    fixture_close(&f);
}

// Two prompts of one fact that share the row a vector is added to: it acts once, its gradient
// counts once.
static void test_shared_row(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    const size_t D = (size_t) em_model(f.s)->dim;
    struct em_prompt p[2] = {fixture_prompt(&f, 8, NULL, 0, 0)};
    p[1] = fixture_prompt(&f, 10, &p[0], 6, 0);
    p[0].subject_last = p[1].subject_last = 3;
    struct em_prompt parted[2] = {
        p[0], p[1]}; // the same as two facts, which share nothing from the row on
    parted[1].group = 1;
    float *add = fixture_floats(&f, 2 * D, 0.2f), grad[2][512], losses[2];
    memcpy(add + D, add, D * sizeof(float));
    assert_true(2 * D <= 512);
    const struct em_term terms[] = {{EM_LOSS_NLL, 1, 0, NULL}, {EM_LOSS_NLL, 0.5f, 0, NULL}};
    for (int i = 0; i < 2; i++) {
        const struct em_probe probe = {
            .site = EM_SITE_BLOCK_OUT, .layer = 1, .add = add, .grad = grad[i]};
        fixture_ok(&f, em_run(f.s, &(struct em_pass) {.prompts = i ? parted : p,
                                                      .num_prompts = 2,
                                                      .num_groups = 1 + i,
                                                      .probes = &probe,
                                                      .num_probes = 1,
                                                      .terms = terms,
                                                      .losses = losses}));
    }
    for (size_t i = 0; i < D; i++)
        assert_true(fabsf(grad[0][i] - (grad[1][i] + grad[1][D + i])) <=
                    1e-5f + 1e-4f * fabsf(grad[0][i]));
    fixture_close(&f);
}

// A loss read at a lower layer's output has its gradient from there, and nothing above it.
static void test_lens(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    struct em_prompt *p = make_prompts(&f);
    const size_t D = (size_t) em_model(f.s)->dim;
    float *add = fixture_floats(&f, 3 * D, 0.2f), *grad = fixture_floats(&f, 3 * D, 0), losses[P];
    struct em_term terms[P];
    for (int i = 0; i < P; i++)
        terms[i] = (struct em_term) {EM_LOSS_NLL, 1, 1 + 2, NULL};
    const struct em_probe probe = {.site = EM_SITE_BLOCK_OUT, .layer = 1, .add = add, .grad = grad};
    const struct em_pass pass = {.prompts = p,
                                 .num_prompts = P,
                                 .num_groups = 3,
                                 .probes = &probe,
                                 .num_probes = 1,
                                 .terms = terms,
                                 .losses = losses};
    fixture_ok(&f, em_run(f.s, &pass));
    double squares = 0, sum[2] = {0};
    for (size_t i = 0; i < D; i++)
        squares += (double) grad[i] * grad[i];
    for (int side = 0; side < 2; side++) {
        float *moved = arena_copy_bytes(f.arena, add, 3 * D * sizeof(float));
        for (size_t i = 0; i < D; i++)
            moved[i] += (float) ((side ? 2e-2 : -2e-2) * grad[i] / sqrt(squares));
        const struct em_probe at = {.site = EM_SITE_BLOCK_OUT, .layer = 1, .add = moved};
        struct em_pass again = pass;
        again.probes = &at;
        fixture_ok(&f, em_run(f.s, &again));
        sum[side] = (double) losses[0] + losses[1];
    }
    assert_true(fabs((sum[1] - sum[0]) / 4e-2 - sqrt(squares)) < 0.02 * sqrt(squares) + 2e-4);
    fixture_close(&f);
}

// What is read of a distribution beside a gradient changes nothing of it, and agrees with the NLL
// of a target of one token.
static void test_log_probs(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    struct em_prompt *p = make_prompts(&f);
    const size_t V = (size_t) em_model(f.s)->vocab, D = (size_t) em_model(f.s)->dim;
    struct em_term terms[P];
    make_terms(terms);
    float *add = fixture_floats(&f, 3 * D, 0.1f), losses[P];
    float *plain = arena_array(f.arena, float, 3 * D), *beside = arena_array(f.arena, float, 3 * D);
    float *log_probs = arena_array(f.arena, float, P *V);
    struct em_answer answers[P];
    for (int i = 0; i < P; i++)
        p[i].subject_last = p[i].target_first - 1;
    struct em_probe probe = {.site = EM_SITE_MLP_OUT, .layer = 1, .add = add, .grad = plain};
    struct em_pass pass = {.prompts = p,
                           .num_prompts = P,
                           .num_groups = 3,
                           .probes = &probe,
                           .num_probes = 1,
                           .terms = terms,
                           .losses = losses,
                           .answers = answers};
    fixture_ok(&f, em_run(f.s, &pass));
    probe.grad = beside;
    pass.log_probs = log_probs;
    f.s->chunk = 2; // groups at once
    fixture_ok(&f, em_run(f.s, &pass));
    assert_memory_equal(plain, beside, 3 * D * sizeof(float));
    for (int i = 0; i < P; i++) {
        const float *row = log_probs + (size_t) i * V;
        double sum = 0;
        for (size_t v = 0; v < V; v++)
            sum += exp((double) row[v]);
        assert_true(fabs(sum - 1) < 1e-5);
        assert_true(fabs(answers[i].nll + row[p[i].tokens[p[i].target_first]]) < 1e-5);
    }
    fixture_close(&f);
}

static void test_bad_passes(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &shader);
    struct em_prompt *p = make_prompts(&f);
    float value[512];
    const struct em_probe beyond = {.layer = 99, .value = value};
    assert_int_equal(
        em_run(
            f.s,
            &(struct em_pass) {.prompts = p, .num_prompts = 1, .probes = &beyond, .num_probes = 1}),
        EM_ERR_CONFIG);
    assert_non_null(strstr(log_error(f.log), "layer 99 is not in the model: it has layers 0 to "));
    log_clear(f.log);
    const struct em_probe grad = {.layer = 1, .grad = value};
    assert_int_equal(em_run(f.s, &(struct em_pass) {.prompts = p,
                                                    .num_prompts = 1,
                                                    .num_groups = 1,
                                                    .probes = &grad,
                                                    .num_probes = 1}),
                     EM_ERR_CONFIG);
    assert_non_null(strstr(log_error(f.log), "no loss"));
    log_clear(f.log);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_prefixes), cmocka_unit_test(test_live_split),
        cmocka_unit_test(test_iterated),        cmocka_unit_test(test_chunks_and_layout),
        cmocka_unit_test(test_device_limits),   cmocka_unit_test(test_gradients_shader),
        cmocka_unit_test(test_gradients_host),  cmocka_unit_test(test_set),
        cmocka_unit_test(test_shared_row),      cmocka_unit_test(test_lens),
        cmocka_unit_test(test_log_probs),       cmocka_unit_test(test_bad_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
