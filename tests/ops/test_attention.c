// Rotary positions and attention along the paths of a random forest, forward and back.

#include <math.h>

#include "lab.h"
#include "reference.h"

struct attention_case {
    bool back;
    uint32_t rows;      // of q: the last nodes of the forest
    uint32_t constants; // nodes before them
    uint32_t chain;     // of 8 nodes, how many continue the node before
    struct ref_heads heads;
    double scale; // of q
};

static const struct attention_case attention_cases[] = {
    {false, 1, 0, 0, {1, 1, 2}, 1},   {false, 3, 5, 6, {3, 1, 6}, 1},
    {false, 17, 9, 5, {4, 2, 16}, 1}, {false, 20, 20, 8, {2, 2, 20}, 4},
    {false, 9, 80, 8, {3, 3, 4}, 3},  {false, 5, 3, 8, {2, 1, 256}, 1},
    {false, 60, 5, 2, {8, 1, 64}, 1}, {true, 1, 0, 0, {1, 1, 2}, 1},
    {true, 3, 5, 6, {3, 1, 6}, 1},    {true, 17, 9, 5, {4, 2, 16}, 1},
    {true, 20, 20, 8, {2, 2, 20}, 4}, {true, 9, 80, 8, {3, 3, 4}, 3},
    {true, 5, 3, 8, {2, 1, 256}, 1},  {true, 70, 0, 8, {2, 1, 8}, 1},
    {true, 37, 20, 6, {9, 3, 64}, 1},
};

// A forest: the varying rows come first in kv, as in a plan; a node's parent is one before it in
// the order constants, then rows.
struct forest {
    int *path_start, *path;   // of the rows
    int *heirs_start, *heirs; // of the same rows of kv
    uint32_t num_path, num_heirs;
};

static uint32_t place_of(const struct attention_case *c, uint32_t node) // its row of kv
{
    return node < c->constants ? c->rows + node : node - c->constants;
}

static void make_heirs(struct lab *lab, struct forest *f, uint32_t rows)
{
    f->heirs_start = arena_array(lab->arena, int, rows + 1);
    f->heirs = arena_array(lab->arena, int, f->num_path);
    for (uint32_t kv = 0; kv < rows; kv++) {
        for (uint32_t r = 0; r < rows; r++)
            for (int j = f->path_start[r]; j < f->path_start[r + 1]; j++)
                if (f->path[j] == (int) kv)
                    f->heirs[f->num_heirs++] = (int) r;
        f->heirs_start[kv + 1] = (int) f->num_heirs;
    }
}

static struct forest make_forest(struct lab *lab, const struct attention_case *c)
{
    const uint32_t nodes = c->constants + c->rows;
    int *parent = arena_array(lab->arena, int, nodes);
    struct forest f = {
        .path_start = arena_array(lab->arena, int, c->rows + 1),
        .path = arena_array(lab->arena, int, c->rows *nodes),
    };
    for (uint32_t i = 0; i < nodes; i++) {
        parent[i] = (int) random_below(&lab->random, i + 1) - 1;
        if (i > 0 && random_below(&lab->random, 8) < c->chain)
            parent[i] = (int) i - 1;
    }
    for (uint32_t r = 0; r < c->rows; r++) {
        uint32_t length = 0;
        for (int i = (int) (c->constants + r); i >= 0; i = parent[i])
            length++;
        uint32_t at = f.num_path += length; // filled from its end: root first
        for (int i = (int) (c->constants + r); i >= 0; i = parent[i])
            f.path[--at] = (int) place_of(c, (uint32_t) i);
        f.path_start[r + 1] = (int) f.num_path;
    }
    make_heirs(lab, &f, c->rows);
    return f;
}

static void record(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                   uint32_t num)
{
    struct op_attention p = *(const struct op_attention *) args;
    p.q = tensor_rows(p.q, first, num);
    p.out = tensor_rows(p.out, first, num);
    p.lse = tensor_rows(p.lse, first, num);
    p.path_start = tensor_rows(p.path_start, first, num + 1);
    op_attention(lab->op, cmd, &p);
}

static void record_back(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                        uint32_t num)
{
    (void) first;
    (void) num;
    op_attention_back(lab->op, cmd, args);
}

static struct ref_paths paths_of(const struct attention_case *c, const struct forest *f)
{
    return (struct ref_paths) {(int) c->rows, (int) (c->rows + c->constants), f->path_start,
                               f->path};
}

static void try_forward(struct lab *lab, const struct attention_case *c, const struct forest *f,
                        const double *q, const double *kv)
{
    const struct ref_heads h = c->heads;
    const uint32_t heads = (uint32_t) h.heads, dim = (uint32_t) h.dim, width = heads * dim;
    const uint32_t kv_heads = (uint32_t) h.kv_heads, kv_width = 2 * kv_heads * dim;
    const struct op_attention p = {
        .q = lab_input(lab, TENSOR_F32, c->rows, width, q),
        .kv = lab_input(lab, TENSOR_F32, c->rows + c->constants, kv_width, kv),
        .path_start = lab_indices(lab, c->rows + 1, f->path_start),
        .path = lab_indices(lab, f->num_path, f->path),
        .out = lab_output(lab, c->rows, width),
        .lse = lab_output(lab, c->rows, heads),
        .heads = heads,
        .kv_heads = kv_heads,
        .head_dim = dim,
    };
    lab_run(lab, record, &p, c->rows);
    double *out = lab_zeros(lab, c->rows, width), *lse = lab_zeros(lab, c->rows, heads);
    ref_attention(paths_of(c, f), h, q, kv, out, lse);
    lab_expect(lab, "out", p.out, out);
    lab_expect(lab, "lse", p.lse, lse);
}

static void try_back(struct lab *lab, const struct attention_case *c, const struct forest *f,
                     const double *q, const double *kv)
{
    const struct ref_heads h = c->heads;
    const uint32_t heads = (uint32_t) h.heads, dim = (uint32_t) h.dim, width = heads * dim;
    const uint32_t kv_heads = (uint32_t) h.kv_heads, kv_width = 2 * kv_heads * dim;
    double *out = lab_zeros(lab, c->rows, width), *lse = lab_zeros(lab, c->rows, heads);
    ref_attention(paths_of(c, f), h, q, kv, out, lse);
    const double *dout = lab_random(lab, TENSOR_F32, c->rows, width, 1);
    const struct op_attention_back p = {
        .q = lab_input(lab, TENSOR_F32, c->rows, width, q),
        .kv = lab_input(lab, TENSOR_F32, c->rows + c->constants, kv_width, kv),
        .path_start = lab_indices(lab, c->rows + 1, f->path_start),
        .path = lab_indices(lab, f->num_path, f->path),
        .lse = lab_input(lab, TENSOR_F32, c->rows, heads, lse),
        .dout = lab_input(lab, TENSOR_F32, c->rows, width, dout),
        .dq = lab_output(lab, c->rows, width),
        .delta = lab_output(lab, c->rows, heads),
        .heirs_start = lab_indices(lab, c->rows + 1, f->heirs_start),
        .heirs = lab_indices(lab, f->num_heirs, f->heirs),
        .dkv = lab_output(lab, c->rows, kv_width),
        .heads = heads,
        .kv_heads = kv_heads,
        .head_dim = dim,
    };
    lab_run(lab, record_back, &p, 0);
    double *dq = lab_zeros(lab, c->rows, width);
    double *dkv = lab_zeros(lab, c->rows + c->constants, kv_width);
    ref_attention_back(paths_of(c, f), h, q, kv, dout, dq, dkv);
    if (c->rows + c->constants > 1) // else it is 0 by cancellation
        lab_expect(lab, "dq", p.dq, dq);
    lab_expect(lab, "dkv", p.dkv, dkv);
}

static void try_attention(struct lab *lab, const void *one)
{
    const struct attention_case *c = one;
    const struct forest f = make_forest(lab, c);
    const uint32_t width = (uint32_t) (c->heads.heads * c->heads.dim);
    const uint32_t kv_width = (uint32_t) (2 * c->heads.kv_heads * c->heads.dim);
    const double *q = lab_random(lab, TENSOR_F32, c->rows, width, c->scale);
    const double *kv = lab_random(lab, TENSOR_F32, c->rows + c->constants, kv_width, 1);
    if (c->back)
        try_back(lab, c, &f, q, kv);
    else
        try_forward(lab, c, &f, q, kv);
}

static void test_attention(void **state)
{
    (void) state;
    lab_try(try_attention, attention_cases, sizeof(attention_cases[0]),
            sizeof(attention_cases) / sizeof(attention_cases[0]), 100000);
}

// --- rotary positions ----------------------------------------------------------------------------

struct rope_case {
    bool back;
    uint32_t rows;
    struct ref_heads heads;
};

static const struct rope_case rope_cases[] = {
    {false, 1, {1, 1, 2}}, {false, 17, {3, 1, 6}}, {false, 65, {4, 2, 16}}, {false, 3, {9, 3, 64}},
    {true, 1, {1, 1, 2}},  {true, 17, {3, 1, 6}},  {true, 65, {4, 2, 16}},  {true, 3, {9, 3, 64}},
};

struct rope_args {
    struct op_rope p;
    bool back;
};

static void record_rope(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                        uint32_t num)
{
    const struct rope_args *a = args;
    struct op_rope p = a->p;
    p.qkv = tensor_rows(p.qkv, first, num);
    p.q = tensor_rows(p.q, first, num);
    p.kv = tensor_rows(p.kv, first, num);
    p.position = tensor_rows(p.position, first, num);
    if (a->back)
        op_rope_back(lab->op, cmd, &p);
    else
        op_rope(lab->op, cmd, &p);
}

static double *make_table(struct lab *lab, int positions, int dim)
{
    double *table = lab_zeros(lab, (uint32_t) positions, (uint32_t) dim);
    for (int p = 0; p < positions; p++)
        for (int i = 0; i < dim / 2; i++) {
            const double angle = p * pow(10000, -2.0 * i / dim);
            table[p * dim + i] = (float) cos(angle);
            table[p * dim + dim / 2 + i] = (float) sin(angle);
        }
    return table;
}

static void try_rope(struct lab *lab, const void *one)
{
    enum { POSITIONS = 23 };
    const struct rope_case *c = one;
    const struct ref_heads h = c->heads;
    const uint32_t rows = c->rows, dim = (uint32_t) h.dim;
    const uint32_t q_width = (uint32_t) h.heads * dim, kv_width = 2 * (uint32_t) h.kv_heads * dim;
    const double *table = make_table(lab, POSITIONS, h.dim);
    int *position = arena_array(lab->arena, int, rows);
    for (uint32_t r = 0; r < rows; r++)
        position[r] = (int) random_below(&lab->random, POSITIONS);
    double *qkv = lab_random(lab, TENSOR_F32, rows, q_width + kv_width, 1);
    double *q = lab_random(lab, TENSOR_F32, rows, q_width, 1);
    double *kv = lab_random(lab, TENSOR_F32, rows, kv_width, 1);
    struct rope_args a = {.back = c->back};
    a.p = (struct op_rope) {
        .position = lab_indices(lab, rows, position),
        .table = lab_input(lab, TENSOR_F32, POSITIONS, dim, table),
        .heads = (uint32_t) h.heads,
        .kv_heads = (uint32_t) h.kv_heads,
        .head_dim = dim,
    };
    a.p.qkv = c->back ? lab_output(lab, rows, q_width + kv_width)
                      : lab_input(lab, TENSOR_F32, rows, q_width + kv_width, qkv);
    a.p.q = c->back ? lab_input(lab, TENSOR_F32, rows, q_width, q) : lab_output(lab, rows, q_width);
    a.p.kv =
        c->back ? lab_input(lab, TENSOR_F32, rows, kv_width, kv) : lab_output(lab, rows, kv_width);
    lab_run(lab, record_rope, &a, rows);
    if (c->back) {
        ref_rope_back((int) rows, h, q, kv, position, table, qkv);
        lab_expect(lab, "qkv", a.p.qkv, qkv);
    } else {
        ref_rope((int) rows, h, qkv, position, table, q, kv);
        lab_expect(lab, "q", a.p.q, q);
        lab_expect(lab, "kv", a.p.kv, kv);
    }
}

static void test_rope(void **state)
{
    (void) state;
    lab_try(try_rope, rope_cases, sizeof(rope_cases[0]), sizeof(rope_cases) / sizeof(rope_cases[0]),
            8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rope),
        cmocka_unit_test(test_attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
