// Products with weight matrices of every type, forward and back, by the host's BLAS and by both
// kinds of shader, down to one row and across descriptor ranges.

#include "lab.h"
#include "reference.h"

struct matmul_case {
    bool back;
    uint32_t rows, out, in;
    enum tensor_type type;
    bool add;
};

static const struct matmul_case cases[] = {
    {false, 1, 1, 1, TENSOR_F32, false},     {true, 1, 1, 1, TENSOR_F32, true},
    {false, 3, 17, 5, TENSOR_F32, true},     {true, 3, 17, 5, TENSOR_F32, false},
    {false, 17, 65, 3, TENSOR_F16, false},   {true, 17, 65, 3, TENSOR_F16, true},
    {false, 65, 3, 65, TENSOR_BF16, true},   {true, 65, 3, 65, TENSOR_BF16, false},
    {false, 1, 64, 64, TENSOR_BF16, false},  {true, 1, 64, 64, TENSOR_BF16, false},
    {false, 2, 20, 48, TENSOR_F16, false},   {true, 2, 20, 48, TENSOR_F16, true},
    {false, 40, 68, 132, TENSOR_F32, true},  {true, 40, 68, 132, TENSOR_F32, true},
    {false, 70, 132, 68, TENSOR_BF16, true}, {true, 70, 132, 68, TENSOR_BF16, true},
    {false, 2, 530, 301, TENSOR_F16, true},  {true, 2, 530, 301, TENSOR_F32, true},
    {false, 70, 301, 67, TENSOR_F32, false}, {true, 70, 301, 67, TENSOR_F16, false},
};

struct matmul_tensors {
    struct tensor x, w, y;
    bool back, add;
};

static void record(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                   uint32_t num)
{
    const struct matmul_tensors *t = args;
    const struct tensor x = tensor_rows(t->x, first, num), y = tensor_rows(t->y, first, num);
    if (t->back)
        op_matmul_back(lab->op, cmd, x, t->w, y, t->add);
    else
        op_matmul(lab->op, cmd, x, t->w, y, t->add);
}

static void try_matmul(struct lab *lab, const void *one)
{
    const struct matmul_case *c = one;
    const uint32_t from = c->back ? c->out : c->in, to = c->back ? c->in : c->out;
    double *x = lab_random(lab, TENSOR_F32, c->rows, from, 1);
    double *w = lab_random(lab, c->type, c->out, c->in, 1);
    double *y = c->add ? lab_random(lab, TENSOR_F32, c->rows, to, 1) : lab_zeros(lab, c->rows, to);
    const struct matmul_tensors t = {
        .x = lab_input(lab, TENSOR_F32, c->rows, from, x),
        .w = lab_input(lab, c->type, c->out, c->in, w),
        .y = c->add ? lab_modified(lab, c->rows, to, y) : lab_output(lab, c->rows, to),
        .back = c->back,
        .add = c->add,
    };
    lab_run(lab, record, &t, c->rows);
    if (c->back)
        ref_matmul_back((int) c->rows, (int) c->out, (int) c->in, x, w, y);
    else
        ref_matmul((int) c->rows, (int) c->out, (int) c->in, x, w, y);
    lab_expect(lab, "y", t.y, y);
}

static void test_matmul(void **state)
{
    (void) state;
    lab_try(try_matmul, cases, sizeof(cases[0]), sizeof(cases) / sizeof(cases[0]), 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_matmul)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
