// Embedding, moving rows, addition and the gated unit.

#include <math.h>

#include "lab.h"
#include "reference.h"

#define COUNT(list) ((int) (sizeof(list) / sizeof((list)[0])))

// --- embedding -----------------------------------------------------------------------------------

struct embed_case {
    uint32_t rows, vocab, dim;
    enum tensor_type type;
};

static const struct embed_case embed_cases[] = {
    {1, 1, 1, TENSOR_F32},     {3, 17, 65, TENSOR_F32}, {17, 65, 3, TENSOR_F16},
    {65, 40, 36, TENSOR_BF16}, {5, 9, 17, TENSOR_BF16}, {17, 33, 64, TENSOR_F16},
};

struct embed_tensors {
    struct tensor table, tokens, y;
};

static void record_embed(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                         uint32_t num)
{
    const struct embed_tensors *t = args;
    op_embed(lab->op, cmd, t->table, tensor_rows(t->tokens, first, num),
             tensor_rows(t->y, first, num));
}

static int *random_indices(struct lab *lab, uint32_t num, uint32_t below)
{
    int *list = arena_array(lab->arena, int, num + 1);
    for (uint32_t i = 0; i < num; i++)
        list[i] = (int) random_below(&lab->random, below);
    return list;
}

static void try_embed(struct lab *lab, const void *one)
{
    const struct embed_case *c = one;
    const double *table = lab_random(lab, c->type, c->vocab, c->dim, 1);
    const int *tokens = random_indices(lab, c->rows, c->vocab);
    const struct embed_tensors t = {
        .table = lab_input(lab, c->type, c->vocab, c->dim, table),
        .tokens = lab_indices(lab, c->rows, tokens),
        .y = lab_output(lab, c->rows, c->dim),
    };
    lab_run(lab, record_embed, &t, c->rows);
    double *y = lab_zeros(lab, c->rows, c->dim);
    ref_embed((int) c->rows, (int) c->dim, table, tokens, y);
    lab_expect_within(lab, "y", t.y, y, 0);
}

static void test_embed(void **state)
{
    (void) state;
    lab_try(try_embed, embed_cases, sizeof(embed_cases[0]), COUNT(embed_cases), 1024);
}

// --- rows from place to place --------------------------------------------------------------------

struct rows_case {
    uint32_t num, to, from, cols;
    bool to_indexed, from_indexed, add;
};

static const struct rows_case rows_cases[] = {
    {1, 1, 1, 1, false, false, false},   {3, 3, 5, 17, false, false, true},
    {17, 65, 3, 20, true, true, true},   {65, 65, 70, 3, true, false, false},
    {17, 20, 65, 65, false, true, true}, {20, 33, 33, 64, true, true, false},
    {0, 3, 3, 4, true, true, false},
};

static void record_rows(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                        uint32_t num)
{
    (void) first;
    (void) num;
    op_rows(lab->op, cmd, args);
}

// Distinct places: a rotation of 0, 1, 2, ...
static int *distinct_indices(struct lab *lab, uint32_t num, uint32_t below)
{
    int *list = arena_array(lab->arena, int, num + 1);
    for (uint32_t i = 0; i < num; i++)
        list[i] = (int) ((i * 7 + below / 2) % below); // 7 divides no `to` of the table
    return list;
}

static void try_rows(struct lab *lab, const void *one)
{
    const struct rows_case *c = one;
    double *to = lab_random(lab, TENSOR_F32, c->to, c->cols, 1);
    const double *from = lab_random(lab, TENSOR_F32, c->from, c->cols, 1);
    const int *to_at = distinct_indices(lab, c->num, c->to);
    const int *from_at = random_indices(lab, c->num, c->from);
    struct op_rows p = {
        .to = lab_modified(lab, c->to, c->cols, to),
        .from = lab_input(lab, TENSOR_F32, c->from, c->cols, from),
        .num = c->num,
        .add = c->add,
    };
    if (c->to_indexed)
        p.to_at = lab_indices(lab, c->num, to_at);
    if (c->from_indexed)
        p.from_at = lab_indices(lab, c->num, from_at);
    lab_run(lab, record_rows, &p, 0);
    for (uint32_t i = 0; i < c->num; i++) {
        double *target = to + (c->to_indexed ? (uint32_t) to_at[i] : i) * c->cols;
        const double *source = from + (c->from_indexed ? (uint32_t) from_at[i] : i) * c->cols;
        for (uint32_t col = 0; col < c->cols; col++)
            target[col] = source[col] + (c->add ? target[col] : 0);
    }
    lab_expect_within(lab, "to", p.to, to, c->add ? 1e-14 : 0);
}

static void test_rows(void **state)
{
    (void) state;
    lab_try(try_rows, rows_cases, sizeof(rows_cases[0]), COUNT(rows_cases), 4096);
}

// --- addition ------------------------------------------------------------------------------------

struct add_case {
    uint32_t rows, cols;
    bool in_place, one_row; // the second is the same for all rows
};

static const struct add_case add_cases[] = {
    {1, 1, false, false},  {3, 17, true, false},     {17, 65, false, false},
    {65, 12, true, false}, {17, 1028, false, false}, {1, 8, true, true},
    {3, 17, true, true},   {17, 65, false, true},    {65, 12, true, true},
};

struct add_tensors {
    struct tensor a, b, y;
};

static void record_add(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                       uint32_t num)
{
    const struct add_tensors *t = args;
    op_add(lab->op, cmd, tensor_rows(t->a, first, num),
           t->b.rows == 1 ? t->b : tensor_rows(t->b, first, num), tensor_rows(t->y, first, num));
}

static void record_add_whole(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                             uint32_t num)
{
    const struct add_tensors *t = args;
    (void) first;
    (void) num;
    record_add(lab, cmd, args, 0, t->y.rows);
}

static void try_add(struct lab *lab, const void *one)
{
    const struct add_case *c = one;
    double *a = lab_random(lab, TENSOR_F32, c->rows, c->cols, 1);
    const uint32_t b_rows = c->one_row ? 1 : c->rows;
    const double *b = lab_random(lab, TENSOR_F32, b_rows, c->cols, 1);
    struct add_tensors t = {.b = lab_input(lab, TENSOR_F32, b_rows, c->cols, b)};
    t.y = c->in_place ? lab_modified(lab, c->rows, c->cols, a) : lab_output(lab, c->rows, c->cols);
    t.a = c->in_place ? t.y : lab_input(lab, TENSOR_F32, c->rows, c->cols, a);
    // that many dispatches of one row each would show nothing more
    lab_run(lab, c->rows > 1000 ? record_add_whole : record_add, &t, c->rows > 1000 ? 0 : c->rows);
    for (uint32_t i = 0; i < c->rows * c->cols; i++)
        a[i] += b[i % (b_rows * c->cols)];
    lab_expect_within(lab, "y", t.y, a, 1e-14);
}

static void test_add(void **state)
{
    (void) state;
    lab_try(try_add, add_cases, sizeof(add_cases[0]), COUNT(add_cases), 5000);
}

// More rows than a dimension of a grid has to have.
static void test_add_many_rows(void **state)
{
    (void) state;
    const struct add_case many = {70001, 1, true, false};
    lab_try(try_add, &many, sizeof(many), 1, 1 << 17);
}

// --- the gated unit ------------------------------------------------------------------------------

struct silu_case {
    bool back;
    uint32_t rows, cols;
    double scale;
};

static const struct silu_case silu_cases[] = {
    {false, 1, 1, 1}, {false, 3, 17, 10}, {false, 65, 68, 3}, {false, 17, 516, 200},
    {true, 1, 1, 1},  {true, 3, 17, 10},  {true, 65, 68, 3},  {true, 17, 516, 200},
};

struct silu_tensors {
    struct tensor gate_up, y, dgate_up;
    bool back;
};

static void record_silu(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                        uint32_t num)
{
    const struct silu_tensors *t = args;
    const struct tensor gate_up = tensor_rows(t->gate_up, first, num);
    const struct tensor y = tensor_rows(t->y, first, num);
    if (t->back)
        op_silu_gate_back(lab->op, cmd, gate_up, y, tensor_rows(t->dgate_up, first, num));
    else
        op_silu_gate(lab->op, cmd, gate_up, y);
}

static void try_silu(struct lab *lab, const void *one)
{
    const struct silu_case *c = one;
    const int rows = (int) c->rows, cols = (int) c->cols;
    const double *gate_up = lab_random(lab, TENSOR_F32, c->rows, 2 * c->cols, c->scale);
    double *y = lab_random(lab, TENSOR_F32, c->rows, c->cols, 1);
    double *dgate_up = lab_zeros(lab, c->rows, 2 * c->cols);
    struct silu_tensors t = {
        .gate_up = lab_input(lab, TENSOR_F32, c->rows, 2 * c->cols, gate_up),
        .back = c->back,
    };
    if (c->back) {
        t.y = lab_input(lab, TENSOR_F32, c->rows, c->cols, y);
        t.dgate_up = lab_output(lab, c->rows, 2 * c->cols);
        ref_silu_gate_back(rows, cols, gate_up, y, dgate_up);
    } else {
        t.y = lab_output(lab, c->rows, c->cols);
        ref_silu_gate(rows, cols, gate_up, y);
    }
    lab_run(lab, record_silu, &t, c->rows);
    if (c->back)
        lab_expect(lab, "dgate_up", t.dgate_up, dgate_up);
    else
        lab_expect(lab, "y", t.y, y);
}

static void test_silu_gate(void **state)
{
    (void) state;
    lab_try(try_silu, silu_cases, sizeof(silu_cases[0]), COUNT(silu_cases), 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embed),     cmocka_unit_test(test_rows),
        cmocka_unit_test(test_add),       cmocka_unit_test(test_add_many_rows),
        cmocka_unit_test(test_silu_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
