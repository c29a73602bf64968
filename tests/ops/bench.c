// How fast the operations are on this device, as CSV: op, rows, milliseconds, and GFLOP/s (of a
// product) or nanoseconds per element of the output; then the processor's milliseconds, which tell
// more of a software driver on a busy machine. Nothing is asserted. The shapes are those of a model
// of width 576; EMEND_TEST_DEVICE chooses the device.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "op/op.h"
#include "op/tuning.h"

enum { D = 576, F = 1536, H = 9, G = 3, E = 64, V = 49152, PATH = 10, CHAIN = 4 };

struct bench {
    struct gpu *gpu;
    struct op *op;
    struct gpu_buf *buf;
    uint64_t used;
    uint32_t rows;
    const char *only; // the name of one operation, or NULL
};

static struct tensor make(struct bench *b, enum tensor_type type, uint32_t rows, uint32_t cols)
{
    struct gpu_slice mem = {b->buf, b->used, tensor_size(type, (uint64_t) rows * cols)};
    b->used = (b->used + mem.size + GPU_ALIGN - 1) / GPU_ALIGN * GPU_ALIGN;
    return tensor_at(mem, type, rows, cols);
}

static struct tensor make_indices(struct bench *b, uint32_t rows, uint32_t step, uint32_t modulus)
{
    const struct tensor t = make(b, TENSOR_I32, rows, 1);
    int *values = malloc(t.mem.size);
    for (uint32_t i = 0; i < rows; i++)
        values[i] = (int) (i * step % modulus);
    if (gpu_upload(b->gpu, t.mem, values) != EM_OK)
        exit(1);
    free(values);
    return t;
}

static double processor_time(void) // seconds, of all threads
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

// Run what `record` records until a second has gone by; the best time counts.
typedef void bench_fn(struct bench *b, struct gpu_cmd *cmd);

static void measure(struct bench *b, const char *name, bench_fn *record, double elements)
{
    if (b->only && strcmp(b->only, name) != 0)
        return;
    struct gpu_cmd *cmd = gpu_cmd_create(b->gpu, name);
    b->used = 0;
    const double begin = time_now();
    record(b, cmd);
    if (gpu_cmd_end(cmd) != EM_OK || gpu_cmd_run(cmd) != EM_OK) { // warms up
        fprintf(stderr, "%s: %s\n", name, log_error(gpu_log(b->gpu)));
        exit(1);
    }
    fprintf(stderr, "%s: the first run took %.3f s\n", name, time_now() - begin);
    double best = 1e9, best_processor = 1e9;
    for (const double from = time_now(); time_now() - from < 1;) {
        const double start = time_now(), start_processor = processor_time();
        if (gpu_cmd_run(cmd) != EM_OK)
            exit(1);
        best_processor = least(best_processor, processor_time() - start_processor);
        best = least(best, time_now() - start);
    }
    const double flop = gpu_cmd_flop(cmd);
    printf("%s,%u,%.3f,%.1f,%.2f,%.3f\n", name, b->rows, 1e3 * best, 1e-9 * flop / best,
           elements > 0 ? 1e9 * best / elements : 0, 1e3 * best_processor);
    fflush(stdout);
    gpu_cmd_destroy(&cmd);
}

static void matmul(struct bench *b, struct gpu_cmd *cmd)
{
    op_matmul(b->op, cmd, make(b, TENSOR_F32, b->rows, D), make(b, TENSOR_F32, F, D),
              make(b, TENSOR_F32, b->rows, F), false);
}

static void matmul_bf16(struct bench *b, struct gpu_cmd *cmd)
{
    op_matmul(b->op, cmd, make(b, TENSOR_F32, b->rows, D), make(b, TENSOR_BF16, F, D),
              make(b, TENSOR_F32, b->rows, F), false);
}

static void matmul_back(struct bench *b, struct gpu_cmd *cmd)
{
    op_matmul_back(b->op, cmd, make(b, TENSOR_F32, b->rows, F), make(b, TENSOR_F32, F, D),
                   make(b, TENSOR_F32, b->rows, D), false);
}

static void silu_gate(struct bench *b, struct gpu_cmd *cmd)
{
    op_silu_gate(b->op, cmd, make(b, TENSOR_F32, b->rows, 2 * F), make(b, TENSOR_F32, b->rows, F));
}

static void silu_gate_back(struct bench *b, struct gpu_cmd *cmd)
{
    op_silu_gate_back(b->op, cmd, make(b, TENSOR_F32, b->rows, 2 * F),
                      make(b, TENSOR_F32, b->rows, F), make(b, TENSOR_F32, b->rows, 2 * F));
}

static void add(struct bench *b, struct gpu_cmd *cmd)
{
    op_add(b->op, cmd, make(b, TENSOR_F32, b->rows, D), make(b, TENSOR_F32, b->rows, D),
           make(b, TENSOR_F32, b->rows, D));
}

static void rms_norm(struct bench *b, struct gpu_cmd *cmd)
{
    op_rms_norm(b->op, cmd,
                &(struct op_rms_norm) {.x = make(b, TENSOR_F32, b->rows, D),
                                       .w = make(b, TENSOR_F32, 1, D),
                                       .y = make(b, TENSOR_F32, b->rows, D),
                                       .eps = 1e-5f});
}

static void add_rms_norm(struct bench *b, struct gpu_cmd *cmd)
{
    const struct tensor x = make(b, TENSOR_F32, b->rows, D);
    op_rms_norm(b->op, cmd,
                &(struct op_rms_norm) {.x = x,
                                       .add = make(b, TENSOR_F32, b->rows, D),
                                       .sum = x,
                                       .w = make(b, TENSOR_F32, 1, D),
                                       .y = make(b, TENSOR_F32, b->rows, D),
                                       .eps = 1e-5f});
}

static void rms_norm_back(struct bench *b, struct gpu_cmd *cmd)
{
    const struct tensor dx = make(b, TENSOR_F32, b->rows, D);
    op_rms_norm_back(b->op, cmd,
                     &(struct op_rms_norm_back) {.x = make(b, TENSOR_F32, b->rows, D),
                                                 .w = make(b, TENSOR_F32, 1, D),
                                                 .dy = make(b, TENSOR_F32, b->rows, D),
                                                 .base = dx,
                                                 .dx = dx,
                                                 .eps = 1e-5f});
}

static void rope(struct bench *b, struct gpu_cmd *cmd)
{
    op_rope(b->op, cmd,
            &(struct op_rope) {.qkv = make(b, TENSOR_F32, b->rows, (H + 2 * G) * E),
                               .q = make(b, TENSOR_F32, b->rows, H * E),
                               .kv = make(b, TENSOR_F32, b->rows, 2 * G * E),
                               .position = make_indices(b, b->rows, 1, 32),
                               .table = make(b, TENSOR_F32, 32, E),
                               .heads = H,
                               .kv_heads = G,
                               .head_dim = E});
}

// Chains of CHAIN rows, the first of which attends to PATH rows: those before it and itself.
struct paths {
    struct tensor path_start, path, heirs_start, heirs;
};

static struct tensor upload_indices(struct bench *b, uint32_t num, const int *values)
{
    const struct tensor t = make(b, TENSOR_I32, num, 1);
    if (gpu_upload(b->gpu, t.mem, values) != EM_OK)
        exit(1);
    return t;
}

static struct paths make_paths(struct bench *b)
{
    const uint32_t most = PATH + CHAIN;
    int *path_start = calloc(b->rows + 1, sizeof(int)), *path = calloc(b->rows, most * sizeof(int));
    int *heirs_start = calloc(b->rows + 1, sizeof(int)),
        *heirs = calloc(b->rows, CHAIN * sizeof(int));
    uint32_t num = 0, num_heirs = 0;
    for (uint32_t r = 0; r < b->rows; r++) {
        const uint32_t first = r / CHAIN * CHAIN,
                       last = first + CHAIN < b->rows ? first + CHAIN : b->rows;
        for (uint32_t i = first + 1; i < first + PATH; i++)
            path[num++] = (int) ((i - PATH + b->rows) % b->rows);
        for (uint32_t i = first; i <= r; i++)
            path[num++] = (int) i;
        for (uint32_t i = r; i < last; i++)
            heirs[num_heirs++] = (int) i;
        path_start[r + 1] = (int) num;
        heirs_start[r + 1] = (int) num_heirs;
    }
    const struct paths p = {
        upload_indices(b, b->rows + 1, path_start),
        upload_indices(b, num, path),
        upload_indices(b, b->rows + 1, heirs_start),
        upload_indices(b, num_heirs, heirs),
    };
    free(path_start);
    free(path);
    free(heirs_start);
    free(heirs);
    return p;
}

static void attention(struct bench *b, struct gpu_cmd *cmd)
{
    const struct paths paths = make_paths(b);
    op_attention(b->op, cmd,
                 &(struct op_attention) {
                     .q = make(b, TENSOR_F32, b->rows, H * E),
                     .kv = make(b, TENSOR_F32, b->rows, 2 * G * E),
                     .path_start = paths.path_start,
                     .path = paths.path,
                     .out = make(b, TENSOR_F32, b->rows, H * E),
                     .lse = make(b, TENSOR_F32, b->rows, H),
                     .heads = H,
                     .kv_heads = G,
                     .head_dim = E,
                 });
}

static void attention_back(struct bench *b, struct gpu_cmd *cmd)
{
    const struct paths paths = make_paths(b);
    op_attention_back(b->op, cmd,
                      &(struct op_attention_back) {
                          .q = make(b, TENSOR_F32, b->rows, H * E),
                          .kv = make(b, TENSOR_F32, b->rows, 2 * G * E),
                          .path_start = paths.path_start,
                          .path = paths.path,
                          .lse = make(b, TENSOR_F32, b->rows, H),
                          .dout = make(b, TENSOR_F32, b->rows, H * E),
                          .dq = make(b, TENSOR_F32, b->rows, H * E),
                          .delta = make(b, TENSOR_F32, b->rows, H),
                          .heirs_start = paths.heirs_start,
                          .heirs = paths.heirs,
                          .dkv = make(b, TENSOR_F32, b->rows, 2 * G * E),
                          .heads = H,
                          .kv_heads = G,
                          .head_dim = E,
                      });
}

static void nll_grad(struct bench *b, struct gpu_cmd *cmd)
{
    const uint32_t rows = b->rows / 8;
    const struct tensor logits = make(b, TENSOR_F32, rows, V);
    op_nll(b->op, cmd,
           &(struct op_nll) {.logits = logits,
                             .label = make_indices(b, rows, 97, V),
                             .weight = make(b, TENSOR_F32, rows, 1),
                             .out = make(b, TENSOR_F32, rows, 2),
                             .grad = logits});
}

static void measure_all(struct bench *b)
{
    const double dim = (double) b->rows * D, ffn = (double) b->rows * F;
    measure(b, "matmul", matmul, 0);
    measure(b, "matmul_bf16", matmul_bf16, 0);
    measure(b, "matmul_back", matmul_back, 0);
    measure(b, "silu_gate", silu_gate, ffn);
    measure(b, "silu_gate_back", silu_gate_back, ffn);
    measure(b, "add", add, dim);
    measure(b, "rms_norm", rms_norm, dim);
    measure(b, "add_rms_norm", add_rms_norm, dim);
    measure(b, "rms_norm_back", rms_norm_back, dim);
    measure(b, "rope", rope, (double) b->rows * (H + 2 * G) * E);
    measure(b, "attention", attention, dim);
    measure(b, "attention_back", attention_back, dim);
    measure(b, "nll_grad", nll_grad, (double) (b->rows / 8) * V);
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: bench_ops ROWS host|shader [OP]\n");
        return 2;
    }
    struct log *log = log_create(stderr, LOG_NORMAL);
    struct bench b = {.rows = (uint32_t) strtoul(argv[1], NULL, 10), .only = argv[3]};
    b.gpu = gpu_create(&(struct gpu_params) {.log = log, .device = getenv("EMEND_TEST_DEVICE")});
    if (!b.gpu)
        return 3;
    b.op = op_create(&(struct op_params) {
        .gpu = b.gpu, .matmul = argv[2][0] == 'h' ? OP_MATMUL_HOST : OP_MATMUL_SHADER});
    b.buf = gpu_buf_create(b.gpu, &(struct gpu_buf_params) {.size = 256 << 20, .name = "bench"});
    printf("op,rows,ms,gflops,ns_per_element,processor_ms\n");
    if (b.op && b.buf)
        measure_all(&b);
    gpu_buf_destroy(&b.buf);
    op_destroy(&b.op);
    gpu_destroy(&b.gpu);
    log_destroy(&log);
    return 0;
}
