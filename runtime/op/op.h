// Tensor operations, recorded into a command: one function per operation, `x` beside `x_back`.
//
// Shapes are [rows, cols], row-major; R rows (tokens) of the forest, D model width, F feed-forward
// width, V vocabulary, H heads, G key/value heads, E head width. Arithmetic is float32 throughout;
// sums run in an order that depends on shapes only. Every rows-by-cols tensor may be a view with a
// larger row stride. Memory: tensors are views of slices that outlive the command. Errors: as in
// gpu/command/command.h, the command keeps the first failure; gradients never accumulate unless it
// is said.
//
// A tensor may be larger than one binding of the device: it is bound in row blocks, with the same
// bits. Only what attention gathers rows from (kv, and back q and dout), a rotary table, a norm's
// weight and index lists must fit one. With shader matmuls the bits of a row do not depend on the
// rows beside it. Quads of four floats are fastest: widths, strides and offsets that are multiples
// of 4.

#ifndef OP_OP_H
#define OP_OP_H

#include "gpu/command/command.h"

enum tensor_type { TENSOR_F32, TENSOR_F16, TENSOR_BF16, TENSOR_I32 };

struct tensor {
    struct gpu_slice mem;
    uint32_t rows, cols;
    uint32_t stride; // elements from row to row
    enum tensor_type type;
};

enum op_matmul { OP_MATMUL_AUTO, OP_MATMUL_HOST, OP_MATMUL_SHADER };

struct op_params {
    struct gpu *gpu;
    enum op_matmul matmul;          // AUTO: the host's BLAS on a device of type CPU, else shaders
    const struct op_tuning *tuning; // for tests: another device's cut; NULL: this device's own
};

struct op; // what recording needs: the device, the kernel variants chosen for it, scratch

struct op *op_create(const struct op_params *params);
void op_destroy(struct op **op);
struct gpu *op_gpu(struct op *op);
bool op_host_blas(const struct op *op);
const char *op_blas_name(void); // build and core type of the BLAS
int op_blas_threads(void);      // both are part of the numeric profile

size_t tensor_size(enum tensor_type type, uint64_t elements); // bytes
struct tensor tensor_at(struct gpu_slice mem, enum tensor_type type, uint32_t rows, uint32_t cols);
struct tensor tensor_rows(struct tensor t, uint32_t first, uint32_t num);
struct tensor tensor_cols(struct tensor t, uint32_t first, uint32_t num);

// y[r] = table[tokens[r]]                                        table [V, D], tokens i32 [R, 1], y
// [R, D]
void op_embed(struct op *op, struct gpu_cmd *cmd, struct tensor table, struct tensor tokens,
              struct tensor y);

// sum = x + add (where add.rows > 0; sum may be x), y = w * sum / sqrt(mean(sum^2) + eps)       all
// [R, D], w f32 [1, D]
struct op_rms_norm {
    struct tensor x, add, sum, w, y;
    float eps;
};
void op_rms_norm(struct op *op, struct gpu_cmd *cmd, const struct op_rms_norm *p);

// dx = base + d loss/d x of y = rms_norm(x)                      base may be dx; base.rows == 0: no
// base
struct op_rms_norm_back {
    struct tensor x, w, dy, base, dx;
    float eps;
};
void op_rms_norm_back(struct op *op, struct gpu_cmd *cmd, const struct op_rms_norm_back *p);

// y = x W^T, or y += x W^T                                       x [R, K], w [N, K] of any weight
// type, y [R, N]
void op_matmul(struct op *op, struct gpu_cmd *cmd, struct tensor x, struct tensor w,
               struct tensor y, bool add);
// dx = dy W, or dx += dy W                                       dy [R, N], w [N, K], dx [R, K]
void op_matmul_back(struct op *op, struct gpu_cmd *cmd, struct tensor dy, struct tensor w,
                    struct tensor dx, bool add);

// Split qkv [R, (H + 2G) E]: rotate q and k by the row's position (halves: x[i], x[i + E/2]), copy
// v.
//   q [R, H E], kv [R, 2 G E] (a row's keys, then its values), position i32 [R, 1]
//   table f32 [positions, E]: cos of the E/2 frequencies, then sin
struct op_rope {
    struct tensor qkv, q, kv, position, table;
    uint32_t heads, kv_heads, head_dim;
};
void op_rope(struct op *op, struct gpu_cmd *cmd, const struct op_rope *p);
// qkv (the gradient) from q and kv (gradients): the rotation undone
void op_rope_back(struct op *op, struct gpu_cmd *cmd, const struct op_rope *p);

// Attention of R rows over their paths. Row r attends to rows path[path_start[r] .. path_start[r +
// 1]) of kv, which include its own.                  out_h = softmax(q_h k_g^T / sqrt(E)) v_g, g =
// h G / H
//   q, out [R, H E]; kv [all, 2 G E]; path_start i32 [R + 1, 1]; path i32 [.., 1]
//   lse [R, H]: log of the sum of exponentials, which the backward reads; E at most 256
struct op_attention {
    struct tensor q, kv, path_start, path, out, lse;
    uint32_t heads, kv_heads, head_dim;
};
void op_attention(struct op *op, struct gpu_cmd *cmd, const struct op_attention *p);

// dout [R, H E] -> dq [R, H E], and dkv of the first dkv.rows rows of kv, which are the only ones
// that vary.
//   delta [R, H]: scratch; heirs_start i32 [dkv.rows + 1, 1], heirs i32 [.., 1]: for each of those
//   rows the rows r (of q) whose path holds it, ascending
struct op_attention_back {
    struct tensor q, kv, path_start, path, lse, dout, dq, delta, heirs_start, heirs, dkv;
    uint32_t heads, kv_heads, head_dim;
};
void op_attention_back(struct op *op, struct gpu_cmd *cmd, const struct op_attention_back *p);

// y = silu(gate) * up                                            gate_up [R, 2F]: gate, then up; y
// [R, F]
void op_silu_gate(struct op *op, struct gpu_cmd *cmd, struct tensor gate_up, struct tensor y);
void op_silu_gate_back(struct op *op, struct gpu_cmd *cmd, struct tensor gate_up, struct tensor dy,
                       struct tensor dgate_up);

// y = a + b                     all [R, D]; y may be a or b; b [1, D] is added to each row
void op_add(struct op *op, struct gpu_cmd *cmd, struct tensor a, struct tensor b, struct tensor y);

// to[to_at[i]] = from[from_at[i]], or +=, for i < num            an index with rows == 0 is 0, 1,
// 2, ... The destinations of one call are distinct.
struct op_rows {
    struct tensor to, to_at, from, from_at;
    uint32_t num;
    bool add;
};
void op_rows(struct op *op, struct gpu_cmd *cmd, const struct op_rows *p);

// Items i: -ln p(label_i) under logits row row_i.  out [I, 2]: the NLL, and 1 where the label is
// the arg-max (the first of equals). With grad.rows > 0 there is one item per logits row, in order,
// and
//   grad[i] = weight_i * (softmax(logits[i]) - onehot(label_i))  logits, grad [R, V] (grad may be
//   logits); weight f32 [I, 1]
struct op_nll {
    struct tensor logits, row, label, weight, out, grad;
};
void op_nll(struct op *op, struct gpu_cmd *cmd, const struct op_nll *p);

// KL(p || q) of each row, p = softmax(logits), q = exp(reference).  out [R, 1]
//   reference f32 [R, V] log-probabilities; with `first` they are written from logits instead (and
//   the KL is 0) grad [R, V] = weight_r * d KL / d logits where grad.rows > 0 (grad may be logits);
//   weight f32 [R, 1]
struct op_kl {
    struct tensor logits, reference, weight, out, grad;
    bool first;
};
void op_kl(struct op *op, struct gpu_cmd *cmd, const struct op_kl *p);

// log_p [R, V] = log softmax(logits)                             log_p may be logits
void op_log_softmax(struct op *op, struct gpu_cmd *cmd, struct tensor logits, struct tensor log_p);

#endif
