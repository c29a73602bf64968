// Rotary positions: qkv split into rotated heads, and back.

#include <assert.h>

#include "op/dispatch.h"

static void rope_block(struct op *op, struct gpu_cmd *cmd, const struct op_rope *p, bool back)
{
    struct push_rope push = {
        .rows = p->qkv.rows,
        .heads = p->heads,
        .kv_heads = p->kv_heads,
        .head_dim = p->head_dim,
    };
    struct op_dispatch d = op_begin(op, cmd, back ? KERNEL_rope_back : KERNEL_rope);
    if (!back)
        op_bind(&d, p->qkv, &push.qkv);
    op_bind(&d, p->q, &push.q);
    op_bind(&d, p->kv, &push.kv);
    op_bind_elements(&d, p->position, &push.position);
    op_bind(&d, p->table, &push.table);
    if (back)
        op_bind(&d, p->qkv, &push.qkv);
    if (p->head_dim / 2 % 4 != 0)
        d.d.spec[1] = 1; // RAGGED: half a head is no whole number of quads
    const uint32_t heads = p->heads + 2 * p->kv_heads;
    op_end_quads(&d, &push, push.rows, heads * op_groups(p->head_dim / 2, 4));
}

static void rope_rows(struct op *op, struct gpu_cmd *cmd, const struct op_rope *p, bool back)
{
    const uint32_t rows = p->qkv.rows;
    assert(p->q.rows == rows && p->kv.rows == rows && p->position.rows == rows);
    assert(p->qkv.cols == (p->heads + 2 * p->kv_heads) * p->head_dim && p->head_dim % 2 == 0);
    const uint32_t step =
        op_rows_at_once(op, (struct tensor[]) {p->qkv, p->q, p->kv, p->position}, 4);
    for (uint32_t r = 0; r < rows; r += step) {
        const uint32_t num = op_min(step, rows - r);
        struct op_rope block = *p;
        block.qkv = tensor_rows(p->qkv, r, num);
        block.q = tensor_rows(p->q, r, num);
        block.kv = tensor_rows(p->kv, r, num);
        block.position = tensor_rows(p->position, r, num);
        rope_block(op, cmd, &block, back);
    }
}

void op_rope(struct op *op, struct gpu_cmd *cmd, const struct op_rope *p)
{
    rope_rows(op, cmd, p, false);
}

void op_rope_back(struct op *op, struct gpu_cmd *cmd, const struct op_rope *p)
{
    rope_rows(op, cmd, p, true);
}
