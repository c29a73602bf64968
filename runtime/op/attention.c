// Attention along paths, and its backward in two passes: to the queries, then to the keys and
// values. What rows are gathered from (kv; back, q and dout too) is bound whole.

#include <assert.h>
#include <math.h>

#include "op/dispatch.h"

enum pass { FORWARD, BACK_Q, BACK_KV };

// The kernels come in two kinds with the same bindings: a workgroup a (row, head), or a subgroup
// for some rows, a lane a row and head of them, all of whose elements it keeps in registers.
static const struct {
    enum gpu_kernel tile, direct;
} kernels[] = {
    [FORWARD] = {KERNEL_attention_tile, KERNEL_attention_direct},
    [BACK_Q] = {KERNEL_attention_back_q_tile, KERNEL_attention_back_q_direct},
    [BACK_KV] = {KERNEL_attention_back_kv_tile, KERNEL_attention_back_kv_direct},
};

enum { DIRECT_DIM = 128, DIRECT_ROWS = 32 }; // of a head, at most; of a workgroup

static struct push_attention attention_push(uint32_t rows, uint32_t heads, uint32_t kv_heads,
                                            uint32_t head_dim)
{
    assert(head_dim <= 256 && heads % kv_heads == 0);
    return (struct push_attention) {
        .rows = rows,
        .heads = heads,
        .kv_heads = kv_heads,
        .head_dim = head_dim,
        .scale = 1.0f / sqrtf((float) head_dim),
    };
}

static bool is_direct(const struct op_dispatch *d, const struct push_attention *push)
{
    const struct gpu_info *info = d->op->info;
    return d->op->tuning.direct && push->head_dim % 4 == 0 && d->d.spec[1] == 0 &&
           push->head_dim <= DIRECT_DIM && info->subgroup_broadcast && info->subgroup_size >= 4;
}

static void attention_end(struct op_dispatch *d, const struct push_attention *push, enum pass pass)
{
    if (is_direct(d, push)) {
        d->d.kernel = kernels[pass].direct;
        d->d.spec[2] = push->head_dim / 4;
        d->d.spec[3] = DIRECT_ROWS;
        d->d.groups[1] = push->kv_heads;
        op_end_rows(d, push, op_groups(push->rows, DIRECT_ROWS), d->op->info->subgroup_size);
        return;
    }
    if (push->head_dim % 4 != 0)
        d->d.spec[1] = 1; // RAGGED: a head is no whole number of quads
    d->d.groups[1] = pass == BACK_KV ? push->kv_heads : push->heads;
    op_end_rows(d, push, push->rows, d->op->tuning.attention_lanes);
}

static void attention_block(struct op *op, struct gpu_cmd *cmd, const struct op_attention *p)
{
    struct push_attention push = attention_push(p->q.rows, p->heads, p->kv_heads, p->head_dim);
    struct op_dispatch d = op_begin(op, cmd, kernels[FORWARD].tile);
    op_bind(&d, p->q, &push.q);
    op_bind(&d, p->kv, &push.kv);
    op_bind_elements(&d, p->path_start, &push.start);
    op_bind_elements(&d, p->path, &push.list);
    op_bind(&d, p->out, &push.result);
    op_bind_elements(&d, p->lse, &push.lse);
    attention_end(&d, &push, FORWARD);
}

void op_attention(struct op *op, struct gpu_cmd *cmd, const struct op_attention *p)
{
    const uint32_t rows = p->q.rows;
    assert(p->out.rows == rows && p->lse.rows == rows && p->path_start.rows == rows + 1);
    const uint32_t step = op_rows_at_once(op, (struct tensor[]) {p->q, p->out, p->lse}, 3);
    for (uint32_t r = 0; r < rows; r += step) {
        const uint32_t num = op_min(step, rows - r);
        struct op_attention block = *p;
        block.q = tensor_rows(p->q, r, num);
        block.out = tensor_rows(p->out, r, num);
        block.lse = tensor_rows(p->lse, r, num);
        block.path_start = tensor_rows(p->path_start, r, num + 1);
        attention_block(op, cmd, &block);
    }
}

static void back_q_block(struct op *op, struct gpu_cmd *cmd, const struct op_attention_back *p)
{
    struct push_attention push = attention_push(p->q.rows, p->heads, p->kv_heads, p->head_dim);
    struct op_dispatch d = op_begin(op, cmd, kernels[BACK_Q].tile);
    op_bind(&d, p->q, &push.q);
    op_bind(&d, p->kv, &push.kv);
    op_bind_elements(&d, p->path_start, &push.start);
    op_bind_elements(&d, p->path, &push.list);
    op_bind_elements(&d, p->lse, &push.lse);
    op_bind(&d, p->dout, &push.result);
    op_bind(&d, p->dq, &push.dq);
    op_bind_elements(&d, p->delta, &push.delta);
    attention_end(&d, &push, BACK_Q);
}

static void back_kv_block(struct op *op, struct gpu_cmd *cmd, const struct op_attention_back *p)
{
    struct push_attention push = attention_push(p->dkv.rows, p->heads, p->kv_heads, p->head_dim);
    struct op_dispatch d = op_begin(op, cmd, kernels[BACK_KV].tile);
    op_bind(&d, p->q, &push.q);
    op_bind(&d, p->kv, &push.kv);
    op_bind_elements(&d, p->heirs_start, &push.start);
    op_bind_elements(&d, p->heirs, &push.list);
    op_bind_elements(&d, p->lse, &push.lse);
    op_bind(&d, p->dout, &push.result);
    op_bind_elements(&d, p->delta, &push.delta);
    op_bind(&d, p->dkv, &push.dkv);
    attention_end(&d, &push, BACK_KV);
}

void op_attention_back(struct op *op, struct gpu_cmd *cmd, const struct op_attention_back *p)
{
    const uint32_t rows = p->q.rows, varying = p->dkv.rows;
    assert(p->dq.rows == rows && p->dout.rows == rows && p->lse.rows == rows);
    assert(p->delta.rows == rows && p->path_start.rows == rows + 1);
    assert(varying <= p->kv.rows && (varying == 0 || p->heirs_start.rows == varying + 1));
    struct op_attention_back block = *p;
    uint32_t step = op_rows_at_once(op, (struct tensor[]) {p->q, p->dout, p->dq}, 3);
    for (uint32_t r = 0; r < rows; r += step) {
        const uint32_t num = op_min(step, rows - r);
        block.q = tensor_rows(p->q, r, num);
        block.dout = tensor_rows(p->dout, r, num);
        block.dq = tensor_rows(p->dq, r, num);
        block.lse = tensor_rows(p->lse, r, num);
        block.delta = tensor_rows(p->delta, r, num);
        block.path_start = tensor_rows(p->path_start, r, num + 1);
        back_q_block(op, cmd, &block);
    }
    block = *p;
    step = op_rows_at_once(op, (struct tensor[]) {p->kv, p->dkv}, 2);
    for (uint32_t r = 0; r < varying; r += step) {
        const uint32_t num = op_min(step, varying - r);
        block.kv = tensor_rows(p->kv, r, num);
        block.dkv = tensor_rows(p->dkv, r, num);
        block.heirs_start = tensor_rows(p->heirs_start, r, num + 1);
        back_kv_block(op, cmd, &block);
    }
}
