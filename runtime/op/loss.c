// Losses over rows of logits, with their gradients: the NLL of labels, KL, log softmax.

#include <assert.h>

#include "op/dispatch.h"

// The items whose logits rows are among num from `first` on.
static void nll_block(struct op *op, struct gpu_cmd *cmd, const struct op_nll *p, uint32_t first,
                      uint32_t num)
{
    struct push_nll push = {
        .items = p->row.rows,
        .cols = p->logits.cols,
        .first = first,
        .num = num,
    };
    struct op_dispatch d = op_begin(op, cmd, KERNEL_nll);
    op_bind(&d, tensor_rows(p->logits, first, num), &push.logits);
    op_bind_elements(&d, p->row, &push.row);
    op_bind_elements(&d, p->label, &push.label);
    op_bind_elements(&d, p->out, &push.result);
    op_end_rows(&d, &push, push.items, op->tuning.row_lanes);
}

// Item i is that of row i, for num rows from `first` on.
static void nll_grad_block(struct op *op, struct gpu_cmd *cmd, const struct op_nll *p,
                           uint32_t first, uint32_t num)
{
    struct push_nll push = {.items = num, .cols = p->logits.cols};
    struct op_dispatch d = op_begin(op, cmd, KERNEL_nll_grad);
    op_bind(&d, tensor_rows(p->logits, first, num), &push.logits);
    op_bind_elements(&d, tensor_rows(p->label, first, num), &push.label);
    op_bind_elements(&d, tensor_rows(p->weight, first, num), &push.weight);
    op_bind_elements(&d, tensor_rows(p->out, first, num), &push.result);
    op_bind(&d, tensor_rows(p->grad, first, num), &push.grad);
    op_end_rows(&d, &push, num, op->tuning.row_lanes);
}

void op_nll(struct op *op, struct gpu_cmd *cmd, const struct op_nll *p)
{
    const bool grad = p->grad.rows > 0;
    assert(p->label.rows == p->out.rows && p->out.cols == 2);
    assert(grad ? p->label.rows == p->logits.rows && p->grad.rows == p->logits.rows
                : p->label.rows == p->row.rows);
    const uint32_t rows = p->label.rows > 0 ? p->logits.rows : 0;
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {p->logits, p->grad}, 2);
    for (uint32_t r = 0; r < rows; r += step) {
        if (grad)
            nll_grad_block(op, cmd, p, r, op_min(step, rows - r));
        else
            nll_block(op, cmd, p, r, op_min(step, rows - r));
    }
}

static void kl_block(struct op *op, struct gpu_cmd *cmd, const struct op_kl *p, uint32_t first,
                     uint32_t num)
{
    const bool grad = p->grad.rows > 0;
    struct push_kl push = {.rows = num, .cols = p->logits.cols};
    struct op_dispatch d = op_begin(op, cmd, grad ? KERNEL_kl_grad : KERNEL_kl);
    op_bind(&d, tensor_rows(p->logits, first, num), &push.logits);
    op_bind(&d, tensor_rows(p->reference, first, num), &push.reference);
    if (grad)
        op_bind_elements(&d, tensor_rows(p->weight, first, num), &push.weight);
    op_bind_elements(&d, tensor_rows(p->out, first, num), &push.result);
    if (grad)
        op_bind(&d, tensor_rows(p->grad, first, num), &push.grad);
    op_end_rows(&d, &push, num, op->tuning.row_lanes);
}

static void fill_zero(struct gpu_cmd *cmd, struct tensor t)
{
    if (t.stride == t.cols) {
        gpu_cmd_fill(cmd, t.mem, 0);
        return;
    }
    for (uint32_t r = 0; r < t.rows; r++)
        gpu_cmd_fill(cmd, tensor_rows(t, r, 1).mem, 0);
}

void op_kl(struct op *op, struct gpu_cmd *cmd, const struct op_kl *p)
{
    const uint32_t rows = p->logits.rows;
    assert(p->reference.rows == rows && p->reference.cols == p->logits.cols);
    assert(p->out.rows == rows && (p->grad.rows == 0 || p->grad.rows == rows));
    if (rows == 0)
        return;
    if (p->first) { // p = q: nothing to sum
        op_log_softmax(op, cmd, p->logits, p->reference);
        fill_zero(cmd, p->out);
        if (p->grad.rows > 0)
            fill_zero(cmd, p->grad);
        return;
    }
    const uint32_t step =
        op_rows_at_once(op, (struct tensor[]) {p->logits, p->reference, p->grad}, 3);
    for (uint32_t r = 0; r < rows; r += step)
        kl_block(op, cmd, p, r, op_min(step, rows - r));
}

void op_log_softmax(struct op *op, struct gpu_cmd *cmd, struct tensor logits, struct tensor log_p)
{
    assert(logits.rows == log_p.rows && logits.cols == log_p.cols);
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {logits, log_p}, 2);
    for (uint32_t r = 0; r < logits.rows; r += step) {
        const uint32_t num = op_min(step, logits.rows - r);
        struct push_log_softmax push = {.rows = num, .cols = logits.cols};
        struct op_dispatch d = op_begin(op, cmd, KERNEL_log_softmax);
        op_bind(&d, tensor_rows(logits, r, num), &push.logits);
        op_bind(&d, tensor_rows(log_p, r, num), &push.log_p);
        op_end_rows(&d, &push, num, op->tuning.row_lanes);
    }
}
