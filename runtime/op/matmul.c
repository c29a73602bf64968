// Products with weight matrices, y = x W^T and dx = dy W, by shaders in blocks that fit a binding,
// or by the host's BLAS.

#include <assert.h>

#include "op/dispatch.h"

enum direction { FORWARD, BACK };

static enum gpu_kernel matmul_kernel(bool direct, enum direction direction, enum tensor_type type)
{
    static const enum gpu_kernel kernels[2][2][3] = {
        {{KERNEL_matmul_tile_f32, KERNEL_matmul_tile_f16, KERNEL_matmul_tile_bf16},
         {KERNEL_matmul_back_tile_f32, KERNEL_matmul_back_tile_f16, KERNEL_matmul_back_tile_bf16}},
        {{KERNEL_matmul_direct_f32, KERNEL_matmul_direct_f16, KERNEL_matmul_direct_bf16},
         {KERNEL_matmul_back_direct_f32, KERNEL_matmul_back_direct_f16,
          KERNEL_matmul_back_direct_bf16}},
    };
    return kernels[direct][direction][type];
}

// Blocks that each fit a binding: x [R, depth], y [R, cols].
static void multiply_block(struct op *op, struct gpu_cmd *cmd, struct tensor x, struct tensor w,
                           struct tensor y, bool add, enum direction direction)
{
    const struct op_tuning *t = &op->tuning;
    const struct op_tile tile = op_tuning_tile(t, y.rows, y.cols);
    struct push_matmul push = {.rows = y.rows, .cols = y.cols, .depth = x.cols, .add = add};
    struct op_dispatch d = op_begin(op, cmd, matmul_kernel(t->direct, direction, w.type));
    op_bind(&d, x, &push.x);
    op_bind(&d, w, &push.w);
    op_bind(&d, y, &push.y);
    d.d.spec[0] = tile.rows / tile.lane_rows * (tile.cols / tile.lane_cols);
    if (t->direct) { // rows and columns (or quads of them) of a lane
        d.d.spec[2] = tile.lane_rows;
        d.d.spec[3] = direction == BACK ? tile.lane_cols / 4 : tile.lane_cols;
        d.d.spec[4] = tile.down;
    } else {
        d.d.spec[2] = tile.rows;
        d.d.spec[3] = tile.cols;
        d.d.spec[4] = tile.lane_rows;
        d.d.spec[5] = tile.lane_cols;
    }
    d.d.push = &push;
    d.d.groups[tile.down] = op_groups(y.cols, tile.cols);
    d.d.groups[!tile.down] = op_groups(y.rows, tile.rows);
    d.d.flop = 2.0 * y.rows * w.rows * w.cols;
    gpu_cmd_dispatch(cmd, &d.d);
}

// A grid has at most max_groups groups a dimension, whatever the tile.
static uint32_t rows_in_grid(const struct op *op, uint32_t rows)
{
    return op_min(rows, op->info->max_groups);
}

void op_matmul(struct op *op, struct gpu_cmd *cmd, struct tensor x, struct tensor w,
               struct tensor y, bool add)
{
    assert(x.cols == w.cols && y.cols == w.rows && x.rows == y.rows);
    if (x.rows == 0)
        return;
    if (op->host_blas) {
        op_matmul_host(op, cmd, x, w, y, add, false);
        return;
    }
    const uint32_t row_step = rows_in_grid(op, op_rows_at_once(op, (struct tensor[]) {x, y}, 2));
    const uint32_t w_step = op_rows_at_once(op, (struct tensor[]) {w}, 1);
    for (uint32_t n = 0; n < w.rows; n += w_step) {
        const uint32_t w_num = op_min(w_step, w.rows - n);
        for (uint32_t r = 0; r < x.rows; r += row_step) {
            const uint32_t num = op_min(row_step, x.rows - r);
            multiply_block(op, cmd, tensor_rows(x, r, num), tensor_rows(w, n, w_num),
                           tensor_cols(tensor_rows(y, r, num), n, w_num), add, FORWARD);
        }
    }
}

void op_matmul_back(struct op *op, struct gpu_cmd *cmd, struct tensor dy, struct tensor w,
                    struct tensor dx, bool add)
{
    assert(dy.cols == w.rows && dx.cols == w.cols && dy.rows == dx.rows);
    if (dy.rows == 0)
        return;
    if (op->host_blas) {
        op_matmul_host(op, cmd, dy, w, dx, add, true);
        return;
    }
    const uint32_t row_step = rows_in_grid(op, op_rows_at_once(op, (struct tensor[]) {dy, dx}, 2));
    const uint32_t w_step = op_rows_at_once(op, (struct tensor[]) {w}, 1);
    for (uint32_t r = 0; r < dy.rows; r += row_step) {
        const uint32_t num = op_min(row_step, dy.rows - r);
        for (uint32_t n = 0; n < w.rows; n += w_step) { // ascending: one sum in pieces
            const uint32_t w_num = op_min(w_step, w.rows - n);
            multiply_block(op, cmd, tensor_cols(tensor_rows(dy, r, num), n, w_num),
                           tensor_rows(w, n, w_num), tensor_rows(dx, r, num), add || n > 0, BACK);
        }
    }
}
