// The norm, with and without the residual addition, and its backward.

#include "lab.h"
#include "reference.h"

struct norm_case {
    bool back, extra; // extra: forward the addition, back a base
    bool in_place;    // forward: sum is x; back: dx is base
    uint32_t rows, dim;
};

static const struct norm_case cases[] = {
    {false, false, false, 1, 1}, {false, false, false, 3, 17}, {false, false, false, 65, 576},
    {false, true, false, 1, 3},  {false, true, true, 17, 65},  {false, true, false, 17, 68},
    {false, true, true, 3, 516}, {true, false, false, 1, 3},   {true, false, false, 17, 65},
    {true, true, false, 3, 17},  {true, true, true, 17, 68},   {true, true, true, 65, 516},
};

static const double eps = 1e-5;

static void record(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                   uint32_t num)
{
    struct op_rms_norm p = *(const struct op_rms_norm *) args;
    p.x = tensor_rows(p.x, first, num);
    p.y = tensor_rows(p.y, first, num);
    if (p.add.rows > 0) {
        p.add = tensor_rows(p.add, first, num);
        p.sum = tensor_rows(p.sum, first, num);
    }
    op_rms_norm(lab->op, cmd, &p);
}

static void try_forward(struct lab *lab, const struct norm_case *c, double *x, const double *w,
                        const double *extra)
{
    const uint32_t rows = c->rows, dim = c->dim;
    struct op_rms_norm p = {.w = lab_input(lab, TENSOR_F32, 1, dim, w), .eps = (float) eps};
    p.x = c->in_place ? lab_modified(lab, rows, dim, x) : lab_input(lab, TENSOR_F32, rows, dim, x);
    if (c->extra) {
        p.add = lab_input(lab, TENSOR_F32, rows, dim, extra);
        p.sum = c->in_place ? p.x : lab_output(lab, rows, dim);
    }
    p.y = lab_output(lab, rows, dim);
    lab_run(lab, record, &p, rows);
    for (uint32_t i = 0; c->extra && i < rows * dim; i++)
        x[i] += extra[i];
    if (c->extra)
        lab_expect(lab, "sum", p.sum, x);
    double *y = lab_zeros(lab, rows, dim);
    ref_rms_norm((int) rows, (int) dim, x, w, eps, y);
    lab_expect(lab, "y", p.y, y);
}

static void record_back(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                        uint32_t num)
{
    struct op_rms_norm_back p = *(const struct op_rms_norm_back *) args;
    p.x = tensor_rows(p.x, first, num);
    p.dy = tensor_rows(p.dy, first, num);
    p.dx = tensor_rows(p.dx, first, num);
    if (p.base.rows > 0)
        p.base = tensor_rows(p.base, first, num);
    op_rms_norm_back(lab->op, cmd, &p);
}

static void try_back(struct lab *lab, const struct norm_case *c, const double *x, const double *w,
                     const double *extra)
{
    const uint32_t rows = c->rows, dim = c->dim;
    const double *dy = lab_random(lab, TENSOR_F32, rows, dim, 1);
    struct op_rms_norm_back p = {
        .x = lab_input(lab, TENSOR_F32, rows, dim, x),
        .w = lab_input(lab, TENSOR_F32, 1, dim, w),
        .dy = lab_input(lab, TENSOR_F32, rows, dim, dy),
        .eps = (float) eps,
    };
    p.dx = c->in_place ? lab_modified(lab, rows, dim, extra) : lab_output(lab, rows, dim);
    if (c->extra)
        p.base = c->in_place ? p.dx : lab_input(lab, TENSOR_F32, rows, dim, extra);
    lab_run(lab, record_back, &p, rows);
    double *dx = lab_zeros(lab, rows, dim);
    ref_rms_norm_back((int) rows, (int) dim, x, w, eps, dy, dx);
    for (uint32_t i = 0; c->extra && i < rows * dim; i++)
        dx[i] += extra[i];
    lab_expect(lab, "dx", p.dx, dx);
}

static void try_norm(struct lab *lab, const void *one)
{
    const struct norm_case *c = one;
    double *x = lab_random(lab, TENSOR_F32, c->rows, c->dim, 3);
    const double *w = lab_random(lab, TENSOR_F32, 1, c->dim, 2);
    const double *extra = lab_random(lab, TENSOR_F32, c->rows, c->dim, 1);
    for (uint32_t i = 0; i < c->dim && c->rows > 2; i++)
        x[2 * c->dim + i] = 0; // a row that eps alone keeps finite
    if (c->back)
        try_back(lab, c, x, w, extra);
    else
        try_forward(lab, c, x, w, extra);
}

static void test_norm(void **state)
{
    (void) state;
    lab_try(try_norm, cases, sizeof(cases[0]), sizeof(cases) / sizeof(cases[0]), 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_norm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
