// Losses over rows of logits: the NLL and its gradient, ties and ranges included, KL, log softmax.

#include <math.h>

#include "lab.h"
#include "reference.h"

enum loss { NLL, NLL_GRAD, KL, KL_GRAD, KL_FIRST, LOG_SOFTMAX };

struct loss_case {
    enum loss loss;
    uint32_t rows, cols;
    double scale;  // of the logits
    bool in_place; // the gradient, or log_p, over the logits
};

static const struct loss_case cases[] = {
    {NLL, 1, 1, 1, false},
    {NLL, 17, 65, 5, false},
    {NLL, 3, 2052, 30, false},
    {NLL, 65, 3, 1, false},
    {NLL_GRAD, 1, 1, 1, false},
    {NLL_GRAD, 17, 65, 5, true},
    {NLL_GRAD, 3, 2052, 30, true},
    {NLL_GRAD, 17, 68, 1e3, false},
    {KL, 3, 17, 5, false},
    {KL, 17, 516, 2, false},
    {KL_GRAD, 3, 17, 5, true},
    {KL_GRAD, 17, 516, 2, false},
    {KL_FIRST, 3, 17, 5, true},
    {KL_FIRST, 17, 516, 2, false},
    {LOG_SOFTMAX, 1, 1, 1, false},
    {LOG_SOFTMAX, 17, 65, 40, true},
    {LOG_SOFTMAX, 3, 2052, 4, false},
};

static struct tensor rows_of(struct tensor t, uint32_t first, uint32_t num)
{
    return t.rows > 0 ? tensor_rows(t, first, num) : t;
}

// --- NLL -----------------------------------------------------------------------------------------

static void record_nll(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                       uint32_t num)
{
    struct op_nll p = *(const struct op_nll *) args;
    if (p.grad.rows > 0) {
        p.logits = tensor_rows(p.logits, first, num);
        p.grad = tensor_rows(p.grad, first, num);
        p.weight = tensor_rows(p.weight, first, num);
    }
    p.row = rows_of(p.row, first, num);
    p.label = tensor_rows(p.label, first, num);
    p.out = tensor_rows(p.out, first, num);
    op_nll(lab->op, cmd, &p);
}

// Labels anywhere; every third is the arg-max, and of two equal largest logits now one, now the
// other is the label.
static int *make_labels(struct lab *lab, uint32_t items, uint32_t cols, const int *rows,
                        double *logits)
{
    int *labels = arena_array(lab->arena, int, items + 1);
    for (uint32_t i = 0; i < items; i++) {
        double *row = logits + (size_t) rows[i] * cols;
        labels[i] = (int) random_below(&lab->random, cols);
        if (i % 3 == 1)
            labels[i] = ref_argmax((int) cols, row);
        if (i % 6 == 1)
            row[random_below(&lab->random, cols)] = row[labels[i]];
    }
    return labels;
}

static void try_nll(struct lab *lab, const struct loss_case *c, double *logits)
{
    const uint32_t items = c->loss == NLL_GRAD ? c->rows : c->rows + 5;
    const int cols = (int) c->cols;
    int *rows = arena_array(lab->arena, int, items);
    for (uint32_t i = 0; i < items; i++)
        rows[i] = (int) (c->loss == NLL_GRAD ? i : random_below(&lab->random, c->rows));
    const int *labels = make_labels(lab, items, c->cols, rows, logits);
    const double *weights = lab_random(lab, TENSOR_F32, items, 1, 2);
    struct op_nll p = {
        .label = lab_indices(lab, items, labels),
        .out = lab_output(lab, items, 2),
    };
    p.logits = c->in_place ? lab_modified(lab, c->rows, c->cols, logits)
                           : lab_input(lab, TENSOR_F32, c->rows, c->cols, logits);
    if (c->loss == NLL) {
        p.row = lab_indices(lab, items, rows);
    } else {
        p.weight = lab_input(lab, TENSOR_F32, items, 1, weights);
        p.grad = c->in_place ? p.logits : lab_output(lab, c->rows, c->cols);
    }
    lab_run(lab, record_nll, &p, items);
    double *out = lab_zeros(lab, items, 2), *grad = lab_zeros(lab, items, c->cols);
    for (uint32_t i = 0; i < items; i++) {
        const double *row = logits + rows[i] * cols;
        double *g = grad + i * c->cols;
        out[2 * i] = ref_nll(cols, row, labels[i]);
        out[2 * i + 1] = ref_argmax(cols, row) == labels[i];
        ref_nll_back(cols, row, labels[i], g);
        for (int v = 0; v < cols; v++)
            g[v] *= weights[i];
    }
    lab_expect(lab, "NLL", tensor_cols(p.out, 0, 1), lab_column(lab, out, items, 2, 0));
    lab_expect_within(lab, "hit", tensor_cols(p.out, 1, 1), lab_column(lab, out, items, 2, 1), 0);
    if (c->loss == NLL_GRAD)
        lab_expect(lab, "grad", p.grad, grad);
}

// --- KL and log softmax --------------------------------------------------------------------------

static void record_kl(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                      uint32_t num)
{
    struct op_kl p = *(const struct op_kl *) args;
    p.logits = tensor_rows(p.logits, first, num);
    p.reference = tensor_rows(p.reference, first, num);
    p.out = tensor_rows(p.out, first, num);
    p.weight = rows_of(p.weight, first, num);
    p.grad = rows_of(p.grad, first, num);
    op_kl(lab->op, cmd, &p);
}

static void try_kl(struct lab *lab, const struct loss_case *c, const double *logits)
{
    const uint32_t rows = c->rows;
    const int cols = (int) c->cols;
    double *before = lab_random(lab, TENSOR_F32, rows, c->cols, c->scale);
    double *reference = lab_zeros(lab, rows, c->cols);
    ref_log_softmax((int) rows, cols, c->loss == KL_FIRST ? logits : before, reference);
    for (uint32_t i = 0; i < rows * c->cols; i++)
        reference[i] = (float) reference[i];
    const double *weights = lab_random(lab, TENSOR_F32, rows, 1, 2);
    struct op_kl p = {.out = lab_output(lab, rows, 1), .first = c->loss == KL_FIRST};
    p.logits = c->in_place ? lab_modified(lab, rows, c->cols, logits)
                           : lab_input(lab, TENSOR_F32, rows, c->cols, logits);
    p.reference = p.first ? lab_output(lab, rows, c->cols)
                          : lab_input(lab, TENSOR_F32, rows, c->cols, reference);
    if (c->loss != KL) {
        p.weight = lab_input(lab, TENSOR_F32, rows, 1, weights);
        p.grad = c->in_place ? p.logits : lab_output(lab, rows, c->cols);
    }
    lab_run(lab, record_kl, &p, rows);
    double *kl = lab_zeros(lab, rows, 1), *grad = lab_zeros(lab, rows, c->cols);
    for (uint32_t r = 0; r < rows && !p.first; r++) {
        const double *row = logits + r * c->cols, *q = reference + r * c->cols;
        kl[r] = ref_kl(cols, row, q);
        ref_kl_back(cols, row, q, grad + r * c->cols);
        for (int v = 0; v < cols; v++)
            grad[(int) r * cols + v] *= weights[r];
    }
    lab_expect(lab, "KL", p.out, kl);
    if (p.first)
        lab_expect(lab, "reference", p.reference, reference);
    if (p.grad.rows > 0)
        lab_expect(lab, "grad", p.grad, grad);
}

struct softmax_tensors {
    struct tensor logits, log_p;
};

static void record_log_softmax(struct lab *lab, struct gpu_cmd *cmd, const void *args,
                               uint32_t first, uint32_t num)
{
    const struct softmax_tensors *t = args;
    op_log_softmax(lab->op, cmd, tensor_rows(t->logits, first, num),
                   tensor_rows(t->log_p, first, num));
}

static void try_log_softmax(struct lab *lab, const struct loss_case *c, const double *logits)
{
    struct softmax_tensors t;
    t.log_p = c->in_place ? lab_modified(lab, c->rows, c->cols, logits)
                          : lab_output(lab, c->rows, c->cols);
    t.logits = c->in_place ? t.log_p : lab_input(lab, TENSOR_F32, c->rows, c->cols, logits);
    lab_run(lab, record_log_softmax, &t, c->rows);
    double *log_p = lab_zeros(lab, c->rows, c->cols);
    ref_log_softmax((int) c->rows, (int) c->cols, logits, log_p);
    lab_expect(lab, "log_p", t.log_p, log_p);
}

static void try_loss(struct lab *lab, const void *one)
{
    const struct loss_case *c = one;
    double *logits = lab_random(lab, TENSOR_F32, c->rows, c->cols, c->scale);
    if (c->loss == NLL || c->loss == NLL_GRAD)
        try_nll(lab, c, logits);
    else if (c->loss == LOG_SOFTMAX)
        try_log_softmax(lab, c, logits);
    else
        try_kl(lab, c, logits);
}

static void test_loss(void **state)
{
    (void) state;
    lab_try(try_loss, cases, sizeof(cases[0]), sizeof(cases) / sizeof(cases[0]), 9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_loss)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
