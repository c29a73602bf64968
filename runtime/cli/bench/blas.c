// The ceiling: what the host's sgemm reaches on the products of one transformer block.

#include <cblas.h>

#include "base/clock.h"
#include "cli/bench/bench.h"

struct shape {
    int inputs, outputs; // of W [outputs, inputs]
};

static double multiply(const struct shape *s, int rows, bool backward, const float *x,
                       const float *w, float *y)
{
    const double begun = time_now();
    if (backward) // dX [rows, inputs] = dY [rows, outputs] W
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, s->inputs, s->outputs, 1, x,
                    s->outputs, w, s->inputs, 0, y, s->inputs);
    else // Y [rows, outputs] = X [rows, inputs] W^T
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, s->outputs, s->inputs, 1, x,
                    s->inputs, w, s->inputs, 0, y, s->outputs);
    return time_now() - begun;
}

static float *make_numbers(struct arena *a, size_t num)
{
    float *at = arena_array(a, float, num);
    for (size_t i = 0; i < num; i++)
        at[i] = (float) (i % 17) / 16 - 0.5f;
    return at;
}

double bench_blas_flops(struct arena *a, const struct bench_shapes *shapes)
{
    const struct em_model *m = shapes->model;
    const int kv = m->dim / m->heads * m->kv_heads;
    const struct shape block[] = {
        {m->dim, m->dim + 2 * kv}, {m->dim, m->dim}, {m->dim, 2 * m->ffn}, {m->ffn, m->dim}};
    enum { NUM = sizeof(block) / sizeof(block[0]), TIMES = 3 };
    const size_t widest = (size_t) (2 * m->ffn > m->dim + 2 * kv ? 2 * m->ffn : m->dim + 2 * kv);
    float *x = make_numbers(a, (size_t) shapes->rows * widest);
    float *w = make_numbers(a, (size_t) m->dim * widest);
    float *y = make_numbers(a, (size_t) shapes->rows * widest);
    double best = 0;
    for (int time = 0; time < TIMES; time++) {
        double seconds = 0, flop = 0;
        for (int i = 0; i < NUM; i++) {
            const double once = 2.0 * shapes->rows * block[i].inputs * block[i].outputs;
            seconds += multiply(&block[i], shapes->rows, false, x, w, y);
            flop += once;
            if (!shapes->backward)
                continue;
            seconds += multiply(&block[i], shapes->rows, true, x, w, y);
            flop += once;
        }
        if (flop / seconds > best)
            best = flop / seconds;
    }
    return best;
}
