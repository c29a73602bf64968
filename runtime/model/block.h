// The Llama block as a list of operations, forward and backward:
//
//   h_mid = h + o_proj(attention(rope(qkv(rms(h)))))        h_out = h_mid + down(silu(gate(x)) *
//   up(x)), x = rms(h_mid)
//
// where the products of q, k, v, o, gate, up and down have a bias if the checkpoint does (Qwen2: q,
// k and v; nothing of it comes back). Each function records one step of one layer for R rows of the
// residual stream; who calls them chooses the rows, so that the same list serves prefill, live
// rows, single tokens and the backward pass.

#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H

#include "model/weights.h"

struct block {
    struct op *op;
    struct gpu_cmd *cmd;
    const struct model_config *config;
    const struct weights *weights;
    struct tensor rope_table; // f32 [positions, E]
};

static inline uint32_t block_q_dim(const struct model_config *c)
{
    return (uint32_t) (c->heads * c->head_dim);
}

static inline uint32_t block_kv_dim(const struct model_config *c) // keys and values
{
    return (uint32_t) (2 * c->kv_heads * c->head_dim);
}

// qkv [R, Q + KV] = x Wqkv^T, x = rms(h)                          x [R, D] scratch
void block_qkv(const struct block *b, int layer, struct tensor h, struct tensor x,
               struct tensor qkv);
// q [R, Q] and rows of the layer's kv cache [R, KV] from qkv
void block_rope(const struct block *b, struct tensor qkv, struct tensor position, struct tensor q,
                struct tensor kv);
// to [R, D] = or += attn Wo^T
void block_attn_out(const struct block *b, int layer, struct tensor attn, struct tensor to,
                    bool add);
// gate_up [R, 2F] = x Wgu^T, x = rms(h_mid)
void block_gate(const struct block *b, int layer, struct tensor h_mid, struct tensor x,
                struct tensor gate_up);
// to [R, D] = or += key Wdown^T
void block_down(const struct block *b, int layer, struct tensor key, struct tensor to, bool add);
// logits [R, V] = head(rms(h))                                    x [R, D] scratch
void block_head(const struct block *b, struct tensor h, struct tensor x, struct tensor logits);

// The same backward. dh [R, D] holds d loss / d (what left the step's residual) and is added to in
// place. dkey [R, F] = dh Wdown
void block_down_back(const struct block *b, int layer, struct tensor dh, struct tensor dkey);
// dh += through the MLP's input: dx = dgate_up Wgu                 dx [R, D] scratch
void block_gate_back(const struct block *b, int layer, struct tensor h_mid, struct tensor dgate_up,
                     struct tensor dx, struct tensor dh);
// dattn [R, Q] = dh Wo
void block_attn_out_back(const struct block *b, int layer, struct tensor dh, struct tensor dattn);
// dh += through q, k and v: dx = dqkv Wqkv
void block_qkv_back(const struct block *b, int layer, struct tensor h, struct tensor dqkv,
                    struct tensor dx, struct tensor dh);
// dh [R, D] = d loss / d h of the head, from dlogits
void block_head_back(const struct block *b, struct tensor h, struct tensor dlogits,
                     struct tensor dx, struct tensor dh);

#endif
