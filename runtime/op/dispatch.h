// What the files of this folder share: the device, its tuning, and putting a dispatch together.

#ifndef OP_DISPATCH_H
#define OP_DISPATCH_H

#include "op/op.h"
#include "op/tuning.h"
#include "push.h"

struct op {
    struct gpu *gpu;
    const struct gpu_info *info;
    struct op_tuning tuning;
    bool host_blas;
    struct workers *workers; // of the host's BLAS
    float *scratch;          // [workers][OP_SCRATCH]: weights on their way to it
};

enum { OP_SCRATCH = 1 << 20 };

// A dispatch being put together. Bindings are given in the order of kernels.def.
struct op_dispatch {
    struct op *op;
    struct gpu_cmd *cmd;
    struct gpu_dispatch d;
    int bound;
};

struct op_dispatch op_begin(struct op *op, struct gpu_cmd *cmd, enum gpu_kernel kernel);

// Bind a tensor that the kernel reads or writes in quads (its shape may make the dispatch ragged),
// or element by element. The binding begins at an aligned address; `view` says where the tensor
// lies in it.
void op_bind(struct op_dispatch *d, struct tensor t, struct view *view);
void op_bind_elements(struct op_dispatch *d, struct tensor t, struct view *view);

// Record it: a workgroup a row with `lanes` lanes; or, where lanes share no sum, `quads` of a row
// cut over as many workgroups as the device likes.
void op_end_rows(struct op_dispatch *d, const void *push, uint32_t rows, uint32_t lanes);
void op_end_quads(struct op_dispatch *d, const void *push, uint32_t rows, uint32_t quads);

// How many rows of each of these tensors fit a binding; at least 1 (a binding that is too large is
// refused when it is recorded).
uint32_t op_rows_at_once(const struct op *op, const struct tensor *list, int num);

// blas.c
void op_matmul_host(struct op *op, struct gpu_cmd *cmd, struct tensor x, struct tensor w,
                    struct tensor y, bool add, bool back);

static inline uint32_t op_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t op_groups(uint32_t items, uint32_t each) // to cover them
{
    return (items + each - 1) / each;
}

#endif
