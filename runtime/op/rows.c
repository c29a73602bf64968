// Operations on rows, element by element: embedding, moving rows, addition, the gated unit.

#include <assert.h>

#include "op/dispatch.h"

static void embed_block(struct op *op, struct gpu_cmd *cmd, struct tensor table, uint32_t first,
                        struct tensor tokens, struct tensor y)
{
    static const enum gpu_kernel kernels[] = {
        [TENSOR_F32] = KERNEL_embed_f32,
        [TENSOR_F16] = KERNEL_embed_f16,
        [TENSOR_BF16] = KERNEL_embed_bf16,
    };
    struct push_embed push = {.rows = y.rows, .cols = y.cols, .first = first, .num = table.rows};
    struct op_dispatch d = op_begin(op, cmd, kernels[table.type]);
    op_bind(&d, table, &push.table);
    op_bind_elements(&d, tokens, &push.tokens);
    op_bind(&d, y, &push.y);
    op_end_quads(&d, &push, y.rows, op_groups(y.cols, 4));
}

void op_embed(struct op *op, struct gpu_cmd *cmd, struct tensor table, struct tensor tokens,
              struct tensor y)
{
    assert(table.cols == y.cols && tokens.rows == y.rows);
    const uint32_t table_step = op_rows_at_once(op, &table, 1);
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {tokens, y}, 2);
    for (uint32_t r = 0; r < y.rows; r += step) {
        const uint32_t num = op_min(step, y.rows - r);
        for (uint32_t t = 0; t < table.rows; t += table_step)
            embed_block(op, cmd, tensor_rows(table, t, op_min(table_step, table.rows - t)), t,
                        tensor_rows(tokens, r, num), tensor_rows(y, r, num));
    }
}

static void add_block(struct op *op, struct gpu_cmd *cmd, struct tensor a, struct tensor b,
                      struct tensor y)
{
    struct push_add push = {.rows = y.rows, .cols = y.cols};
    struct op_dispatch d = op_begin(op, cmd, KERNEL_add);
    op_bind(&d, a, &push.a);
    op_bind(&d, b, &push.b);
    op_bind(&d, y, &push.y);
    op_end_quads(&d, &push, y.rows, op_groups(y.cols, 4));
}

void op_add(struct op *op, struct gpu_cmd *cmd, struct tensor a, struct tensor b, struct tensor y)
{
    const bool same = b.rows == 1; // one row for all
    assert(a.rows == y.rows && a.cols == y.cols && b.cols == y.cols && (same || b.rows == y.rows));
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {a, b, y}, 3);
    if (same)
        b.stride = 0;
    for (uint32_t r = 0; r < y.rows; r += step) {
        const uint32_t num = op_min(step, y.rows - r);
        add_block(op, cmd, tensor_rows(a, r, num), same ? b : tensor_rows(b, r, num),
                  tensor_rows(y, r, num));
    }
}

static void silu_block(struct op *op, struct gpu_cmd *cmd, struct tensor gate_up, struct tensor y)
{
    struct push_silu_gate push = {.rows = y.rows, .cols = y.cols};
    struct op_dispatch d = op_begin(op, cmd, KERNEL_silu_gate);
    op_bind(&d, gate_up, &push.gate_up);
    op_bind(&d, y, &push.y);
    op_end_quads(&d, &push, y.rows, op_groups(y.cols, 4));
}

void op_silu_gate(struct op *op, struct gpu_cmd *cmd, struct tensor gate_up, struct tensor y)
{
    assert(gate_up.rows == y.rows && gate_up.cols == 2 * y.cols);
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {gate_up, y}, 2);
    for (uint32_t r = 0; r < y.rows; r += step) {
        const uint32_t num = op_min(step, y.rows - r);
        silu_block(op, cmd, tensor_rows(gate_up, r, num), tensor_rows(y, r, num));
    }
}

static void silu_back_block(struct op *op, struct gpu_cmd *cmd, struct tensor gate_up,
                            struct tensor dy, struct tensor dgate_up)
{
    struct push_silu_gate push = {.rows = dy.rows, .cols = dy.cols};
    struct op_dispatch d = op_begin(op, cmd, KERNEL_silu_gate_back);
    op_bind(&d, gate_up, &push.gate_up);
    op_bind(&d, dy, &push.y);
    op_bind(&d, dgate_up, &push.dgate_up);
    op_end_quads(&d, &push, dy.rows, op_groups(dy.cols, 4));
}

void op_silu_gate_back(struct op *op, struct gpu_cmd *cmd, struct tensor gate_up, struct tensor dy,
                       struct tensor dgate_up)
{
    assert(gate_up.rows == dy.rows && dgate_up.rows == dy.rows);
    assert(gate_up.cols == 2 * dy.cols && dgate_up.cols == 2 * dy.cols);
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {gate_up, dy, dgate_up}, 3);
    for (uint32_t r = 0; r < dy.rows; r += step) {
        const uint32_t num = op_min(step, dy.rows - r);
        silu_back_block(op, cmd, tensor_rows(gate_up, r, num), tensor_rows(dy, r, num),
                        tensor_rows(dgate_up, r, num));
    }
}

// The rows of `to` from to_first on and of `from` from from_first on, which each fit a binding.
static void rows_block(struct op *op, struct gpu_cmd *cmd, const struct op_rows *p,
                       struct tensor to, uint32_t to_first, struct tensor from, uint32_t from_first)
{
    struct push_rows push = {
        .num = p->num,
        .cols = to.cols,
        .add = p->add,
        .to_indexed = p->to_at.rows > 0,
        .from_indexed = p->from_at.rows > 0,
        .to_first = to_first,
        .to_num = to.rows,
        .from_first = from_first,
        .from_num = from.rows,
    };
    struct view unused;
    struct op_dispatch d = op_begin(op, cmd, KERNEL_rows);
    op_bind(&d, to, &push.to);
    op_bind_elements(&d, push.to_indexed ? p->to_at : from,
                     push.to_indexed ? &push.to_at : &unused);
    op_bind(&d, from, &push.from);
    op_bind_elements(&d, push.from_indexed ? p->from_at : from,
                     push.from_indexed ? &push.from_at : &unused);
    op_end_quads(&d, &push, p->num, op_groups(to.cols, 4));
}

void op_rows(struct op *op, struct gpu_cmd *cmd, const struct op_rows *p)
{
    assert(p->to.cols == p->from.cols);
    assert(p->to_at.rows > 0 ? p->to_at.rows >= p->num : p->to.rows >= p->num);
    assert(p->from_at.rows > 0 ? p->from_at.rows >= p->num : p->from.rows >= p->num);
    if (p->num == 0)
        return;
    const uint32_t to_step = op_rows_at_once(op, &p->to, 1);
    const uint32_t from_step = op_rows_at_once(op, &p->from, 1);
    for (uint32_t t = 0; t < p->to.rows; t += to_step) {
        const struct tensor to = tensor_rows(p->to, t, op_min(to_step, p->to.rows - t));
        for (uint32_t f = 0; f < p->from.rows; f += from_step)
            rows_block(op, cmd, p, to, t,
                       tensor_rows(p->from, f, op_min(from_step, p->from.rows - f)), f);
    }
}
