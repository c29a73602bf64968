// Matmul by the host's BLAS on mapped memory: sgemm, with 16-bit weights widened in row blocks.

#include <cblas.h>

#include "base/half.h"
#include "op/dispatch.h"

struct host_matmul {
    int rows, w_rows, w_cols; // y [rows, w_rows] forward, [rows, w_cols] back
    int x_stride, w_stride, y_stride;
    enum tensor_type type; // of w
    bool add, back;
    float *scratch; // [OP_SCRATCH]
};

static void multiply(const struct host_matmul *m, const float *x, const float *w, int w_stride,
                     int w_rows, float *y, bool add)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, m->back ? CblasNoTrans : CblasTrans, m->rows,
                m->back ? m->w_cols : w_rows, m->back ? w_rows : m->w_cols, 1.0f, x, m->x_stride, w,
                w_stride, add ? 1.0f : 0.0f, y, m->y_stride);
}

static void widen_rows(const struct host_matmul *m, const uint16_t *w, int num)
{
    for (int r = 0; r < num; r++) {
        const uint16_t *from = w + (size_t) r * (size_t) m->w_stride;
        float *to = m->scratch + (size_t) r * (size_t) m->w_cols;
        for (int i = 0; i < m->w_cols && m->type == TENSOR_F16; i++)
            to[i] = float_of_f16(from[i]);
        for (int i = 0; i < m->w_cols && m->type == TENSOR_BF16; i++)
            to[i] = float_of_bf16(from[i]);
    }
}

static void run(void *const *at, const void *args)
{
    const struct host_matmul *m = args;
    const float *x = at[0];
    float *y = at[2];
    if (m->type == TENSOR_F32) {
        multiply(m, x, at[1], m->w_stride, m->w_rows, y, m->add);
        return;
    }
    const uint16_t *w = at[1];
    const int step = OP_SCRATCH / m->w_cols;
    for (int first = 0; first < m->w_rows; first += step) { // of y's columns, or of the sum back
        const int num = m->w_rows - first < step ? m->w_rows - first : step;
        widen_rows(m, w + (size_t) first * (size_t) m->w_stride, num);
        multiply(m, m->back ? x + first : x, m->scratch, m->w_cols, num, m->back ? y : y + first,
                 m->add || (m->back && first > 0));
    }
}

void op_matmul_host(struct op *op, struct gpu_cmd *cmd, struct tensor x, struct tensor w,
                    struct tensor y, bool add, bool back)
{
    const struct host_matmul m = {
        .rows = (int) x.rows,
        .w_rows = (int) w.rows,
        .w_cols = (int) w.cols,
        .x_stride = (int) x.stride,
        .w_stride = (int) w.stride,
        .y_stride = (int) y.stride,
        .type = w.type,
        .add = add,
        .back = back,
        .scratch = op->scratch,
    };
    gpu_cmd_host(cmd, &(struct gpu_host_call) {
                          .name = back ? "matmul_back_host" : "matmul_host",
                          .run = run,
                          .bind = {x.mem, w.mem, y.mem},
                          .access = add ? "rrm" : "rrw",
                          .args = &m,
                          .args_size = sizeof(m),
                          .flop = 2.0 * x.rows * w.rows * w.cols,
                      });
}
