// A model's weights on the device: matrices as the file has them (f32, f16, bf16; quantised ones as
// f32), norms and biases in f32. Matrices that multiply the same input lie side by side, so that
// one product serves them all.
//
// Memory: the weights own their buffers, none larger than the device's max_alloc; the struct lives
// in the given arena. Replacing a matrix (weights_replace) keeps the original where it is.

#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "model/files.h"
#include "op/op.h"

struct layer_weights {
    struct tensor matrix[EM_MATRIX_COUNT];
    struct tensor qkv, gate_up; // views over several of them; rows == 0 while one is replaced
    struct tensor attn_norm, mlp_norm; // f32 [1, D]
    // f32 [1, N], of what one product or several side by side give; rows == 0: none
    struct tensor qkv_bias, out_bias, gate_up_bias, down_bias;
};

struct weights {
    struct layer_weights *layers;
    struct tensor embed, head; // [V, D]
    struct tensor norm;        // f32 [1, D]
    struct gpu_buf **bufs;
    int num_bufs;
    uint64_t bytes;
};

// `all_f32`: 16-bit matrices as f32 too.
EM_MUST_CHECK enum em_status weights_load(struct weights *w, struct op *op, struct arena *a,
                                          const struct model_files *files, bool all_f32);
void weights_destroy(struct weights *w); // accepts a zeroed struct

// Use `t` for a matrix from now on, or the original again where t.rows == 0.
void weights_replace(struct weights *w, const struct layer_weights *original, int layer,
                     enum em_matrix m, struct tensor t);

#endif
