// Root-mean-square norm, with the residual addition before it, and its backward.

#include <assert.h>

#include "op/dispatch.h"

static void norm_block(struct op *op, struct gpu_cmd *cmd, const struct op_rms_norm *p)
{
    struct push_rms_norm push = {.rows = p->y.rows, .cols = p->y.cols, .eps = p->eps};
    struct op_dispatch d =
        op_begin(op, cmd, p->add.rows > 0 ? KERNEL_add_rms_norm : KERNEL_rms_norm);
    op_bind(&d, p->x, &push.x);
    if (p->add.rows > 0) {
        op_bind(&d, p->add, &push.add);
        op_bind(&d, p->sum, &push.sum);
    }
    op_bind(&d, p->w, &push.w);
    op_bind(&d, p->y, &push.y);
    op_end_rows(&d, &push, p->y.rows, op->tuning.row_lanes);
}

// Rows of a tensor that may be absent.
static struct tensor rows_of(struct tensor t, uint32_t first, uint32_t num)
{
    return t.rows > 0 ? tensor_rows(t, first, num) : t;
}

void op_rms_norm(struct op *op, struct gpu_cmd *cmd, const struct op_rms_norm *p)
{
    assert(p->x.rows == p->y.rows && p->x.cols == p->y.cols && p->w.cols == p->y.cols);
    assert(p->add.rows == 0 || (p->add.rows == p->y.rows && p->sum.rows == p->y.rows));
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {p->x, p->add, p->sum, p->y}, 4);
    for (uint32_t r = 0; r < p->y.rows; r += step) {
        const uint32_t num = op_min(step, p->y.rows - r);
        struct op_rms_norm block = *p;
        block.x = tensor_rows(p->x, r, num);
        block.add = rows_of(p->add, r, num);
        block.sum = p->add.rows > 0 ? tensor_rows(p->sum, r, num) : p->sum;
        block.y = tensor_rows(p->y, r, num);
        norm_block(op, cmd, &block);
    }
}

static void norm_back_block(struct op *op, struct gpu_cmd *cmd, const struct op_rms_norm_back *p)
{
    struct push_rms_norm_back push = {
        .rows = p->dx.rows,
        .cols = p->dx.cols,
        .has_base = p->base.rows > 0,
        .eps = p->eps,
    };
    struct op_dispatch d = op_begin(op, cmd, KERNEL_rms_norm_back);
    op_bind(&d, p->x, &push.x);
    op_bind(&d, p->w, &push.w);
    op_bind(&d, p->dy, &push.dy);
    op_bind(&d, push.has_base ? p->base : p->dy, &push.base);
    op_bind(&d, p->dx, &push.dx);
    op_end_rows(&d, &push, p->dx.rows, op->tuning.row_lanes);
}

void op_rms_norm_back(struct op *op, struct gpu_cmd *cmd, const struct op_rms_norm_back *p)
{
    assert(p->x.rows == p->dx.rows && p->dy.rows == p->dx.rows);
    assert(p->x.cols == p->dx.cols && p->dy.cols == p->dx.cols && p->w.cols == p->dx.cols);
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {p->x, p->dy, p->base, p->dx}, 4);
    for (uint32_t r = 0; r < p->dx.rows; r += step) {
        const uint32_t num = op_min(step, p->dx.rows - r);
        struct op_rms_norm_back block = *p;
        block.x = tensor_rows(p->x, r, num);
        block.dy = tensor_rows(p->dy, r, num);
        block.base = rows_of(p->base, r, num);
        block.dx = tensor_rows(p->dx, r, num);
        norm_back_block(op, cmd, &block);
    }
}
