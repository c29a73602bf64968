// The references' backward functions against central differences of their forward functions.

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "reference.h"

enum { MOST = 512 };

struct values {
    double at[MOST];
};

static struct values random_values(const char *name)
{
    struct random r = random_stream(3, name);
    struct values v;
    for (int i = 0; i < MOST; i++)
        v.at[i] = 2 * random_unit(&r) - 1;
    return v;
}

// The function y = f(x) under test, and dx = f_back(x, dy), with what both read.
struct function {
    int inputs, outputs;
    void (*f)(const double *x, double *y);
    void (*back)(const double *x, const double *dy, double *dx);
};

static double loss(const struct function *f, const double *x, const double *dy)
{
    struct values y = {{0}};
    f->f(x, y.at);
    double sum = 0;
    for (int i = 0; i < f->outputs; i++)
        sum += dy[i] * y.at[i];
    return sum;
}

static void expect_gradient(const struct function *f)
{
    assert_true(f->inputs <= MOST && f->outputs <= MOST);
    struct values x = random_values("x"), dx = {{0}};
    const struct values dy = random_values("dy");
    f->back(x.at, dy.at, dx.at);
    for (int i = 0; i < f->inputs; i++) {
        const double h = 1e-5, middle = x.at[i];
        x.at[i] = middle + h;
        const double above = loss(f, x.at, dy.at);
        x.at[i] = middle - h;
        const double below = loss(f, x.at, dy.at);
        x.at[i] = middle;
        const double difference = (above - below) / (2 * h);
        if (fabs(difference - dx.at[i]) > 1e-8 * (1 + fabs(difference)))
            fail_msg("input %d: %.12g, by differences %.12g", i, dx.at[i], difference);
    }
}

// --- norm, matmul, the gated unit ----------------------------------------------------------------

enum { ROWS = 3, DIM = 7, OUT = 5 };

static void norm(const double *x, double *y)
{
    const struct values w = random_values("w");
    ref_rms_norm(ROWS, DIM, x, w.at, 1e-2, y);
}

static void norm_back(const double *x, const double *dy, double *dx)
{
    const struct values w = random_values("w");
    ref_rms_norm_back(ROWS, DIM, x, w.at, 1e-2, dy, dx);
}

static void matmul(const double *x, double *y)
{
    const struct values w = random_values("w");
    ref_matmul(ROWS, OUT, DIM, x, w.at, y);
}

static void matmul_back(const double *x, const double *dy, double *dx)
{
    (void) x;
    const struct values w = random_values("w");
    ref_matmul_back(ROWS, OUT, DIM, dy, w.at, dx);
}

static void silu_gate(const double *x, double *y)
{
    ref_silu_gate(ROWS, DIM, x, y);
}

static void silu_gate_back(const double *x, const double *dy, double *dx)
{
    ref_silu_gate_back(ROWS, DIM, x, dy, dx);
}

// --- rotary positions and attention --------------------------------------------------------------

static const struct ref_heads heads = {4, 2, 6};
enum { Q = 4 * 6, KV = 2 * 2 * 6 };
static const int position[ROWS] = {0, 2, 1};

static void rope(const double *x, double *y)
{
    const struct values table = random_values("table");
    ref_rope(ROWS, heads, x, position, table.at, y, y + ROWS * Q);
}

// The rotation undone is the gradient where it is a rotation: cos^2 + sin^2 is not asked for, since
// the transpose of a matrix [c, -s; s, c] is [c, s; -s, c] for any c and s.
static void rope_back(const double *x, const double *dy, double *dx)
{
    (void) x;
    const struct values table = random_values("table");
    ref_rope_back(ROWS, heads, dy, dy + ROWS * Q, position, table.at, dx);
}

static const int path_start[ROWS + 1] = {0, 1, 4, 6}, path[] = {0, 3, 0, 1, 3, 2};
static const struct ref_paths paths = {ROWS, 4, path_start, path};

static void attention(const double *x, double *y)
{
    double lse[ROWS * 4];
    ref_attention(paths, heads, x, x + ROWS * Q, y, lse);
}

static void attention_back(const double *x, const double *dy, double *dx)
{
    ref_attention_back(paths, heads, x, x + ROWS * Q, dy, dx, dx + ROWS * Q);
}

// --- losses --------------------------------------------------------------------------------------

static void nll(const double *x, double *y)
{
    y[0] = ref_nll(DIM, x, 3);
}

static void nll_back(const double *x, const double *dy, double *dx)
{
    ref_nll_back(DIM, x, 3, dx);
    for (int i = 0; i < DIM; i++)
        dx[i] *= dy[0];
}

static struct values other_log_p(void)
{
    struct values other = random_values("other");
    ref_log_softmax(1, DIM, other.at, other.at);
    return other;
}

static void kl(const double *x, double *y)
{
    const struct values other = other_log_p();
    y[0] = ref_kl(DIM, x, other.at);
}

static void kl_back(const double *x, const double *dy, double *dx)
{
    const struct values other = other_log_p();
    ref_kl_back(DIM, x, other.at, dx);
    for (int i = 0; i < DIM; i++)
        dx[i] *= dy[0];
}

static void test_gradients(void **state)
{
    (void) state;
    static const struct function functions[] = {
        {ROWS * DIM, ROWS * DIM, norm, norm_back},
        {ROWS * DIM, ROWS * OUT, matmul, matmul_back},
        {2 * ROWS * DIM, ROWS * DIM, silu_gate, silu_gate_back},
        {ROWS * (Q + KV), ROWS * (Q + KV), rope, rope_back},
        {ROWS * Q + 4 * KV, ROWS * Q, attention, attention_back},
        {DIM, 1, nll, nll_back},
        {DIM, 1, kl, kl_back},
    };
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        expect_gradient(&functions[i]);
}

static void test_attention_by_hand(void **state)
{
    (void) state;
    // One head of one number: scores 1 and 2, values 10 and 20.
    const double q[] = {1}, kv[] = {1, 10, 2, 20};
    const int start[] = {0, 2}, both[] = {0, 1};
    double out, lse;
    ref_attention((struct ref_paths) {1, 2, start, both}, (struct ref_heads) {1, 1, 1}, q, kv, &out,
                  &lse);
    const double first = exp(1) / (exp(1) + exp(2));
    assert_true(fabs(out - (10 * first + 20 * (1 - first))) < 1e-12);
    assert_true(fabs(lse - log(exp(1) + exp(2))) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_attention_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
