// Matmul by the host's BLAS on mapped memory. OpenBLAS's own threads share a product of few rows
// badly, so it is cut here, a block of y a worker, each of which BLAS computes on one thread. A
// worker widens the 16-bit weights of its block on the way.

#include <cblas.h>
#include <string.h>

#include "base/number/half.h"
#include "base/workers.h"
#include "op/dispatch.h"

// y [rows, w_rows] = x W^T forward, y [rows, w_cols] = x W back
struct product {
    int rows, w_rows, w_cols;
    int x_stride, w_stride, y_stride;
    enum tensor_type type; // of w
    bool add, back;
};

struct host_matmul {
    struct product whole;
    struct workers *workers;
    float *scratch;   // [workers][OP_SCRATCH]
    int down, across; // blocks of y
};

struct task {
    const struct host_matmul *m;
    void *const *at;
};

// Packing costs more than a product of one or two rows.
static void multiply_rows(const struct product *p, const float *x, const float *w, float *y)
{
    const int cols = p->back ? p->w_cols : p->w_rows;
    for (int r = 0; r < p->rows; r++) {
        if (!p->add)
            memset(y, 0, (size_t) cols * sizeof(*y));
        cblas_sgemv(CblasRowMajor, p->back ? CblasTrans : CblasNoTrans, p->w_rows, p->w_cols, 1, w,
                    p->w_stride, x, 1, 1, y, 1);
        x += p->x_stride;
        y += p->y_stride;
    }
}

static void multiply(const struct product *p, const float *x, const float *w, float *y)
{
    if (p->rows <= 2) {
        multiply_rows(p, x, w, y);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, p->back ? CblasNoTrans : CblasTrans, p->rows,
                p->back ? p->w_cols : p->w_rows, p->back ? p->w_rows : p->w_cols, 1, x, p->x_stride,
                w, p->w_stride, p->add ? 1 : 0, y, p->y_stride);
}

static void widen(const struct product *p, const uint16_t *w, float *wide)
{
    for (int r = 0; r < p->w_rows; r++) {
        const uint16_t *from = w + (size_t) r * (size_t) p->w_stride;
        float *to = wide + (size_t) r * (size_t) p->w_cols;
        for (int i = 0; i < p->w_cols && p->type == TENSOR_F16; i++)
            to[i] = float_of_f16(from[i]);
        for (int i = 0; i < p->w_cols && p->type == TENSOR_BF16; i++)
            to[i] = float_of_bf16(from[i]);
    }
}

static void multiply_widened(const struct product *whole, const float *x, const uint16_t *w,
                             float *y, float *wide)
{
    const int step = OP_SCRATCH / whole->w_cols;
    for (int first = 0; first < whole->w_rows; first += step) {
        struct product p = *whole; // of W's rows [first, first + step)
        p.w_rows = whole->w_rows - first < step ? whole->w_rows - first : step;
        widen(&p, w + (size_t) first * (size_t) p.w_stride, wide);
        p.w_stride = p.w_cols;
        p.add |= p.back && first > 0; // one sum in pieces
        multiply(&p, p.back ? x + first : x, wide, p.back ? y : y + first);
    }
}

static int cut(int total, int parts, int part) // where the part begins, on BLAS's own grid
{
    enum { GRID = 16 };
    return part < parts ? (int) ((int64_t) total * part / parts) / GRID * GRID : total;
}

static void run_share(void *one, int worker)
{
    const struct host_matmul *m = ((struct task *) one)->m;
    void *const *at = ((struct task *) one)->at;
    struct product p = m->whole;
    const int row = cut(p.rows, m->down, worker / m->across);
    p.rows = cut(p.rows, m->down, worker / m->across + 1) - row;
    int *cols = p.back ? &p.w_cols : &p.w_rows;
    const int col = cut(*cols, m->across, worker % m->across);
    *cols = cut(*cols, m->across, worker % m->across + 1) - col;
    if (p.rows == 0 || *cols == 0)
        return;
    openblas_set_num_threads(1); // for this thread, where OpenBLAS was built with OpenMP
    const float *x = (const float *) at[0] + (size_t) row * (size_t) p.x_stride;
    float *y = (float *) at[2] + (size_t) row * (size_t) p.y_stride + col;
    const size_t w = (size_t) col * (p.back ? 1 : (size_t) p.w_stride);
    if (p.type == TENSOR_F32)
        multiply(&p, x, (const float *) at[1] + w, y);
    else
        multiply_widened(&p, x, (const uint16_t *) at[1] + w, y,
                         m->scratch + (size_t) worker * OP_SCRATCH);
}

static void run(void *const *at, const void *args)
{
    const struct host_matmul *m = args;
    const int threads = openblas_get_num_threads();
    workers_run(m->workers, m->down * m->across, run_share, &(struct task) {m, at});
    openblas_set_num_threads(threads);
}

// As many blocks as there are workers and work, cut so that the least of x and W is packed.
static void choose_blocks(struct host_matmul *m, int cols)
{
    enum { LEAST = 1 << 17 }; // multiply-adds worth waking a thread
    const int rows = m->whole.rows;
    const int64_t worth = (int64_t) rows * m->whole.w_rows * m->whole.w_cols / LEAST;
    const int num =
        worth < 1 ? 1 : (int) (worth < workers_num(m->workers) ? worth : workers_num(m->workers));
    m->across = num;
    m->down = 1;
    for (int down = 2; down <= num; down++)
        if (num % down == 0 &&
            rows / down + cols / (num / down) < rows / m->down + cols / m->across) {
            m->down = down;
            m->across = num / down;
        }
}

void op_matmul_host(struct op *op, struct gpu_cmd *cmd, struct tensor x, struct tensor w,
                    struct tensor y, bool add, bool back)
{
    struct host_matmul m = {
        .whole = {.rows = (int) x.rows,
                  .w_rows = (int) w.rows,
                  .w_cols = (int) w.cols,
                  .x_stride = (int) x.stride,
                  .w_stride = (int) w.stride,
                  .y_stride = (int) y.stride,
                  .type = w.type,
                  .add = add,
                  .back = back},
        .workers = op->workers,
        .scratch = op->scratch,
    };
    choose_blocks(&m, (int) y.cols);
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
