// Each closed form, as the plugin writes it, against a dense float64 LU of its own formula.
//
// Tolerance: the update is read back from float32 weights, which rounds it by up to 1e-7 of a
// weight.

#include "fixture.h"

#include <math.h>

#include "dense.h"
#include "plugin/options.h"
#include "plugin/registry.h"

enum { N = 4, LAYER = 0 };

static const double close_enough = 2e-5;

static const struct em_fact facts[N] = {
    {"0", "The mother tongue of {} is", "Gabreim Kozal", "Krutian", NULL},
    {"1", "{} works as a", "Thadraik Hifert", "mason", NULL},
    {"2", "The birthplace of {} is", "Ludroum Pidr\xc3\xbcm", "Vamo", NULL},
    {"3", "{} works as a", "Gabreim Kozal", "sailor", NULL},
};

struct lab {
    struct fixture f;
    struct registry *registry;
    int D, F;
};

static void lab_open(struct lab *lab)
{
    fixture_open(&lab->f, &(struct fixture_params) {0});
    const char *folders[] = {EMEND_PLUGINS};
    lab->registry = registry_create(lab->f.log, folders, 1);
    fixture_ok(&lab->f, log_status(lab->f.log));
    lab->D = em_model(lab->f.s)->dim;
    lab->F = em_model(lab->f.s)->ffn;
    const char *corpus = EMEND_WORLD "/corpus.txt";
    const int layers[] = {0, 1, 2};
    fixture_ok(&lab->f, session_corpus_set(lab->f.s,
                                           &(struct session_corpus) {
                                               .paths = &corpus, .num_paths = 1, .tokens = 4000},
                                           layers, 3));
    const char *const texts[] = {"{}", "It is said. {}", "A long day. {}"};
    fixture_ok(&lab->f, session_templates_set(lab->f.s, "memit", texts, 3));
}

static void lab_close(struct lab *lab)
{
    registry_destroy(&lab->registry);
    fixture_close(&lab->f);
}

// Apply an algorithm to the facts; its status.
static enum em_status edit(struct lab *lab, const char *name, const char *json,
                           const struct em_fact *which, int n)
{
    struct fixture *f = &lab->f;
    const struct em_algorithm *a = registry_algorithm(lab->registry, name);
    if (!a)
        fail_msg("%s", log_error(f->log));
    void *options = arena_alloc(f->arena, a->options_size);
    cJSON *object = cJSON_Parse(json);
    assert_non_null(object);
    fixture_ok(
        f, options_fill(&(struct options_source) {.log = f->log, .arena = f->arena, .owner = name},
                        a->options, object, options));
    cJSON_Delete(object);
    session_store_key(f->s, "layers=0"); // the same values for every form
    return a->apply(f->s, options, which, n);
}

// What was added to the layer's matrix, [D, F].
static double *update(struct lab *lab, int layer)
{
    struct fixture *f = &lab->f;
    const int num = lab->D * lab->F;
    float *now = em_floats(f->s, (size_t) num), *before = em_floats(f->s, (size_t) num);
    double *dW = em_doubles(f->s, (size_t) num);
    fixture_ok(f, em_weight_read(f->s, EM_MATRIX_DOWN, layer, now));
    fixture_ok(f, session_revert(f->s));
    fixture_ok(f, em_weight_read(f->s, EM_MATRIX_DOWN, layer, before));
    for (int i = 0; i < num; i++)
        dW[i] = (double) now[i] - before[i];
    return dW;
}

struct values { // K [F, n], R [D, n], as the formulas have them
    double *K, *R, *KT;
    const double *C;
    int n;
};

static struct values values_of(struct lab *lab, const struct em_fact *which, int n)
{
    struct fixture *f = &lab->f;
    const size_t D = (size_t) lab->D, F = (size_t) lab->F, num = (size_t) n;
    struct values v = {.K = em_doubles(f->s, F * num),
                       .R = em_doubles(f->s, D * num),
                       .KT = em_doubles(f->s, F * num),
                       .n = n};
    float *z = em_floats(f->s, D), *key = em_floats(f->s, F), *now = em_floats(f->s, D);
    for (size_t i = 0; i < num; i++) {
        struct em_prompt prompt;
        const struct em_text text = {NULL, which[i].prompt, which[i].subject, NULL};
        fixture_ok(f, em_prompt_make(f->s, &text, &prompt));
        const struct em_probe probe = {.site = EM_SITE_BLOCK_OUT, .layer = LAYER, .value = now};
        fixture_ok(f, em_run(f->s, &(struct em_pass) {.prompts = &prompt,
                                                      .num_prompts = 1,
                                                      .probes = &probe,
                                                      .num_probes = 1}));
        assert_true(em_store_get(f->s, &which[i], "z", z, D) &&
                    em_store_get(f->s, &which[i], "key", key, F));
        for (size_t d = 0; d < D; d++)
            v.R[d * num + i] = (double) z[d] - now[d];
        for (size_t j = 0; j < F; j++)
            v.KT[i * F + j] = v.K[j * num + i] = key[j];
    }
    fixture_ok(f, em_covariance(f->s, LAYER, &v.C));
    return v;
}

// R K^T (lambda C + K K^T)^-1
static double *dense_memit(struct lab *lab, const struct values *v, double lambda)
{
    const int D = lab->D, F = lab->F;
    double *A = em_doubles(lab->f.s, (size_t) F * (size_t) F),
           *dW = em_doubles(lab->f.s, (size_t) D * (size_t) F);
    dense_product(v->K, v->KT, F, v->n, F, A);
    for (int i = 0; i < F * F; i++)
        A[i] += lambda * v->C[i];
    dense_product(v->R, v->KT, D, v->n, F, dW);
    dense_right_divide(dW, D, A, F);
    return dW;
}

// R (K^T A^-1 K + alpha I)^-1 K^T A^-1, A = w C
static double *dense_emmet(struct lab *lab, const struct values *v, double w, double alpha)
{
    const int D = lab->D, F = lab->F, n = v->n;
    double *A = em_doubles(lab->f.s, (size_t) F * (size_t) F),
           *dW = em_doubles(lab->f.s, (size_t) D * (size_t) F);
    double *Q = em_doubles(lab->f.s, (size_t) n * (size_t) F),
           *G = em_doubles(lab->f.s, (size_t) n * (size_t) n);
    double *R = arena_copy_bytes(lab->f.arena, v->R, (size_t) D * (size_t) n * sizeof(double));
    for (int i = 0; i < F * F; i++)
        A[i] = w * v->C[i];
    memcpy(Q, v->KT, (size_t) n * (size_t) F * sizeof(double));
    dense_right_divide(Q, n, A, F);
    dense_product(Q, v->K, n, F, n, G);
    for (int i = 0; i < n && n > 1; i++)
        G[i * n + i] += alpha;
    dense_right_divide(R, D, G, n);
    dense_product(R, Q, D, n, F, dW);
    return dW;
}

static void expect_update(struct lab *lab, const double *got, const double *want)
{
    const double apart = dense_distance(got, want, lab->D * lab->F);
    if (!(apart < close_enough))
        fail_msg("the update is %.2e from its formula", apart);
}

static void test_memit(void **state)
{
    (void) state;
    struct lab lab;
    lab_open(&lab);
    static const double lambdas[] = {0.5, 10, 2000};
    for (int i = 0; i < 3; i++) {
        char json[64];
        snprintf(json, sizeof(json), "{\"layers\": [0], \"lambda\": %g}", lambdas[i]);
        fixture_ok(&lab.f, edit(&lab, "memit", json, facts, N));
        const double *got = update(&lab, LAYER);
        const struct values v = values_of(&lab, facts, N);
        expect_update(&lab, got, dense_memit(&lab, &v, lambdas[i]));
    }
    lab_close(&lab);
}

static void test_emmet(void **state)
{
    (void) state;
    struct lab lab;
    lab_open(&lab);
    static const double forms[][2] = {{1, 0}, {1, 10}, {20, 5}};
    for (int i = 0; i < 3; i++)
        for (int n = 1; n <= N; n += N - 1) { // one fact drops alpha
            char json[96];
            snprintf(json, sizeof(json), "{\"layers\": [0], \"w\": %g, \"alpha\": %g}", forms[i][0],
                     forms[i][1]);
            fixture_ok(&lab.f, edit(&lab, "emmet", json, facts, n));
            const double *got = update(&lab, LAYER);
            const struct values v = values_of(&lab, facts, n);
            expect_update(&lab, got, dense_emmet(&lab, &v, forms[i][0], forms[i][1]));
        }
    lab_close(&lab);
}

// One fact: ROME as the study ran it is EMMET.
static void test_rome(void **state)
{
    (void) state;
    struct lab lab;
    lab_open(&lab);
    fixture_ok(&lab.f, edit(&lab, "rome", "{\"layers\": [0]}", facts, 1));
    const double *got = update(&lab, LAYER);
    const struct values v = values_of(&lab, facts, 1);
    expect_update(&lab, got, dense_emmet(&lab, &v, 1, 0));
    lab_close(&lab);
}

// alpha = 0 writes the values exactly, dW K = R; a large lambda writes nothing.
static void test_limits(void **state)
{
    (void) state;
    struct lab lab;
    lab_open(&lab);
    fixture_ok(&lab.f, edit(&lab, "emmet", "{\"layers\": [0], \"alpha\": 0}", facts, N));
    const double *exact = update(&lab, LAYER);
    const struct values v = values_of(&lab, facts, N);
    double *written = em_doubles(lab.f.s, (size_t) lab.D * N), sum = 0;
    dense_product(exact, v.K, lab.D, lab.F, N, written);
    assert_true(dense_distance(written, v.R, lab.D * N) < close_enough);
    fixture_ok(&lab.f, edit(&lab, "memit", "{\"layers\": [0], \"lambda\": 1e12}", facts, N));
    const double *nothing = update(&lab, LAYER);
    for (int i = 0; i < lab.D * lab.F; i++)
        sum += fabs(nothing[i]);
    assert_true(sum < 1e-3);
    lab_close(&lab);
}

static void test_order(void **state)
{
    (void) state;
    struct lab lab;
    lab_open(&lab);
    const struct em_fact turned[N] = {facts[2], facts[0], facts[3], facts[1]};
    const char *json = "{\"layers\": [0], \"lambda\": 10}";
    fixture_ok(&lab.f, edit(&lab, "memit", json, facts, N));
    const double *first = update(&lab, LAYER);
    fixture_ok(&lab.f, edit(&lab, "memit", json, turned, N));
    expect_update(&lab, update(&lab, LAYER), first);
    lab_close(&lab);
}

static void test_equal_keys(void **state)
{
    (void) state;
    struct lab lab;
    lab_open(&lab);
    const struct em_fact twice[] = {facts[0],
                                    {"9", facts[0].prompt, facts[0].subject, "Grerian", NULL}};
    assert_int_equal(edit(&lab, "emmet", "{\"layers\": [0], \"alpha\": 0}", twice, 2),
                     EM_ERR_NUMERIC);
    assert_string_equal(log_error(lab.f.log),
                        "facts 0 and 9 have the same text up to the subject \"Gabreim Kozal\", so "
                        "their keys are equal and "
                        "both cannot be written exactly; use alpha > 0, or equal_keys \"pinv\"");
    log_clear(lab.f.log);
    fixture_ok(&lab.f, session_revert(lab.f.s));
    fixture_ok(&lab.f, edit(&lab, "emmet",
                            "{\"layers\": [0], \"alpha\": 0, \"equal_keys\": \"pinv\"}", twice, 2));
    const double *dW = update(&lab, LAYER);
    const struct values v = values_of(&lab, twice, 2);
    double *written = em_doubles(lab.f.s, (size_t) lab.D * 2);
    dense_product(dW, v.K, lab.D, lab.F, 2, written);
    for (int d = 0; d < lab.D; d++) // the best that both can have: their mean
        assert_true(fabs(written[2 * d] - (v.R[2 * d] + v.R[2 * d + 1]) / 2) < 1e-4);
    fixture_ok(&lab.f, edit(&lab, "emmet", "{\"layers\": [0], \"alpha\": 1}", twice, 2));
    lab_close(&lab);
}

// What is missing from the facts' z at a layer, as the model stands: the norm of z - output.
static double missing(struct lab *lab, int layer)
{
    struct fixture *f = &lab->f;
    const size_t D = (size_t) lab->D;
    float *z = em_floats(f->s, D), *now = em_floats(f->s, D);
    double squares = 0;
    for (int i = 0; i < N; i++) {
        struct em_prompt prompt;
        const struct em_text text = {NULL, facts[i].prompt, facts[i].subject, NULL};
        fixture_ok(f, em_prompt_make(f->s, &text, &prompt));
        const struct em_probe probe = {.site = EM_SITE_BLOCK_OUT, .layer = layer, .value = now};
        const struct em_pass pass = {
            .prompts = &prompt, .num_prompts = 1, .probes = &probe, .num_probes = 1};
        fixture_ok(f, em_run(f->s, &pass));
        assert_true(em_store_get(f->s, &facts[i], "z", z, D));
        for (size_t d = 0; d < D; d++)
            squares += ((double) z[d] - now[d]) * ((double) z[d] - now[d]);
    }
    return sqrt(squares);
}

// Over several layers each takes its share, and after the last most of z is there.
static void test_layers(void **state)
{
    (void) state;
    struct lab lab;
    lab_open(&lab);
    struct fixture *f = &lab.f;
    assert_int_equal(edit(&lab, "memit", "{\"layers\": [1, 0]}", facts, N), EM_ERR_CONFIG);
    assert_non_null(
        strstr(log_error(f->log), "layers: 0 comes after 1; list them in ascending order"));
    log_clear(f->log);
    fixture_ok(f, edit(&lab, "memit", "{\"layers\": [0, 1], \"lambda\": 0.01}", facts, N));
    int edits;
    const struct session_edit *list = session_edits(f->s, &edits);
    assert_int_equal(edits, 2);
    assert_int_equal(list[0].layer, 0);
    assert_int_equal(list[1].layer, 1);
    const double after = missing(&lab, 1);
    fixture_ok(f, session_revert(f->s));
    assert_true(after < 0.5 * missing(&lab, 1));
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memit),  cmocka_unit_test(test_emmet),
        cmocka_unit_test(test_rome),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_order),  cmocka_unit_test(test_equal_keys),
        cmocka_unit_test(test_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
