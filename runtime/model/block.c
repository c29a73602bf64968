// The Llama block as a list of operations; see block.h.

#include "model/block.h"

// y = x [W1; W2; ..]^T: one product where the matrices lie side by side, else one each.
static void project(const struct block *b, struct tensor x, struct tensor whole,
                    const struct tensor *parts, int num, struct tensor y)
{
    if (whole.rows) {
        op_matmul(b->op, b->cmd, x, whole, y, false);
        return;
    }
    uint32_t at = 0;
    for (int i = 0; i < num; i++) {
        op_matmul(b->op, b->cmd, x, parts[i], tensor_cols(y, at, parts[i].rows), false);
        at += parts[i].rows;
    }
}

static void project_back(const struct block *b, struct tensor dy, struct tensor whole,
                         const struct tensor *parts, int num, struct tensor dx)
{
    if (whole.rows) {
        op_matmul_back(b->op, b->cmd, dy, whole, dx, false);
        return;
    }
    uint32_t at = 0;
    for (int i = 0; i < num; i++) {
        op_matmul_back(b->op, b->cmd, tensor_cols(dy, at, parts[i].rows), parts[i], dx, i > 0);
        at += parts[i].rows;
    }
}

// y += bias in each row, where the model has one.
static void add_bias(const struct block *b, struct tensor bias, struct tensor y)
{
    if (bias.rows)
        op_add(b->op, b->cmd, y, bias, y);
}

static void norm(const struct block *b, struct tensor x, struct tensor w, struct tensor y)
{
    op_rms_norm(b->op, b->cmd,
                &(struct op_rms_norm) {.x = x, .w = w, .y = y, .eps = b->config->rms_eps});
}

static void norm_back(const struct block *b, struct tensor x, struct tensor w, struct tensor dy,
                      struct tensor base, struct tensor dx)
{
    op_rms_norm_back(
        b->op, b->cmd,
        &(struct op_rms_norm_back) {
            .x = x, .w = w, .dy = dy, .base = base, .dx = dx, .eps = b->config->rms_eps});
}

void block_qkv(const struct block *b, int layer, struct tensor h, struct tensor x,
               struct tensor qkv)
{
    const struct layer_weights *w = &b->weights->layers[layer];
    norm(b, h, w->attn_norm, x);
    project(b, x, w->qkv, &w->matrix[EM_MATRIX_Q], 3, qkv);
    add_bias(b, w->qkv_bias, qkv);
}

void block_rope(const struct block *b, struct tensor qkv, struct tensor position, struct tensor q,
                struct tensor kv)
{
    op_rope(b->op, b->cmd,
            &(struct op_rope) {.qkv = qkv,
                               .q = q,
                               .kv = kv,
                               .position = position,
                               .table = b->rope_table,
                               .heads = (uint32_t) b->config->heads,
                               .kv_heads = (uint32_t) b->config->kv_heads,
                               .head_dim = (uint32_t) b->config->head_dim});
}

void block_attn_out(const struct block *b, int layer, struct tensor attn, struct tensor to,
                    bool add)
{
    const struct layer_weights *w = &b->weights->layers[layer];
    op_matmul(b->op, b->cmd, attn, w->matrix[EM_MATRIX_O], to, add);
    add_bias(b, w->out_bias, to);
}

void block_gate(const struct block *b, int layer, struct tensor h_mid, struct tensor x,
                struct tensor gate_up)
{
    const struct layer_weights *w = &b->weights->layers[layer];
    norm(b, h_mid, w->mlp_norm, x);
    project(b, x, w->gate_up, &w->matrix[EM_MATRIX_GATE], 2, gate_up);
    add_bias(b, w->gate_up_bias, gate_up);
}

void block_down(const struct block *b, int layer, struct tensor key, struct tensor to, bool add)
{
    const struct layer_weights *w = &b->weights->layers[layer];
    op_matmul(b->op, b->cmd, key, w->matrix[EM_MATRIX_DOWN], to, add);
    add_bias(b, w->down_bias, to);
}

void block_head(const struct block *b, struct tensor h, struct tensor x, struct tensor logits)
{
    norm(b, h, b->weights->norm, x);
    op_matmul(b->op, b->cmd, x, b->weights->head, logits, false);
}

void block_down_back(const struct block *b, int layer, struct tensor dh, struct tensor dkey)
{
    op_matmul_back(b->op, b->cmd, dh, b->weights->layers[layer].matrix[EM_MATRIX_DOWN], dkey,
                   false);
}

void block_gate_back(const struct block *b, int layer, struct tensor h_mid, struct tensor dgate_up,
                     struct tensor dx, struct tensor dh)
{
    const struct layer_weights *w = &b->weights->layers[layer];
    project_back(b, dgate_up, w->gate_up, &w->matrix[EM_MATRIX_GATE], 2, dx);
    norm_back(b, h_mid, w->mlp_norm, dx, dh, dh);
}

void block_attn_out_back(const struct block *b, int layer, struct tensor dh, struct tensor dattn)
{
    op_matmul_back(b->op, b->cmd, dh, b->weights->layers[layer].matrix[EM_MATRIX_O], dattn, false);
}

void block_qkv_back(const struct block *b, int layer, struct tensor h, struct tensor dqkv,
                    struct tensor dx, struct tensor dh)
{
    const struct layer_weights *w = &b->weights->layers[layer];
    project_back(b, dqkv, w->qkv, &w->matrix[EM_MATRIX_Q], 3, dx);
    norm_back(b, h, w->attn_norm, dx, dh, dh);
}

void block_head_back(const struct block *b, struct tensor h, struct tensor dlogits,
                     struct tensor dx, struct tensor dh)
{
    op_matmul_back(b->op, b->cmd, dlogits, b->weights->head, dx, false);
    norm_back(b, h, b->weights->norm, dx, (struct tensor) {0}, dh);
}
