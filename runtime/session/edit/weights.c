// Edits of weights: promoted to float32 copies, added to, and taken back bit for bit. See
// session.h.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/number/half.h"
#include "base/memory.h"
#include "session/edit/edit.h"

static struct edited_matrix *find(struct em_session *s, enum em_matrix m, int layer)
{
    return &s->edited[layer * EM_MATRIX_COUNT + (int) m];
}

static enum em_status check_place(struct em_session *s, enum em_matrix m, int layer)
{
    if (layer < 0 || layer >= s->config->layers)
        return em_fail(s, EM_ERR_CONFIG, "layer %d is not in the model: it has layers 0 to %d",
                       layer, s->config->layers - 1);
    if (m < 0 || m >= EM_MATRIX_COUNT)
        return em_fail(s, EM_ERR_CONFIG, "there is no matrix %d", (int) m);
    return EM_OK;
}

static enum em_status read_matrix(struct em_session *s, struct tensor t, float *out)
{
    const size_t num = (size_t) t.rows * t.cols;
    struct gpu_slice mem = gpu_sub(t.mem, 0, tensor_size(t.type, num));
    if (t.type == TENSOR_F32)
        return gpu_download(s->gpu, out, mem);
    uint16_t *half = malloc(num * sizeof(*half));
    if (!half)
        return em_fail(s, EM_ERR_IO, "out of host memory for a matrix of %zu weights", num);
    const enum em_status status = gpu_download(s->gpu, half, mem);
    for (size_t i = 0; i < num && status == EM_OK; i++)
        out[i] = t.type == TENSOR_BF16 ? float_of_bf16(half[i]) : float_of_f16(half[i]);
    free(half);
    return status;
}

enum em_status em_weight_read(struct em_session *s, enum em_matrix m, int layer, float *out)
{
    EM_TRY(check_place(s, m, layer));
    return read_matrix(s, s->weights.layers[layer].matrix[m], out);
}

enum em_status em_weight_change(struct em_session *s, enum em_matrix m, int layer, double *change,
                                double *original)
{
    *change = *original = 0;
    EM_TRY(check_place(s, m, layer));
    if (!find(s, m, layer)->in_force)
        return EM_OK;
    const struct tensor t = s->original[layer].matrix[m];
    const size_t num = (size_t) t.rows * t.cols;
    float *w = malloc(2 * num * sizeof(*w)), *w0 = w + num;
    if (!w)
        return em_fail(s, EM_ERR_IO, "out of host memory for two matrices of %zu weights", num);
    enum em_status status = em_weight_read(s, m, layer, w);
    if (status == EM_OK)
        status = read_matrix(s, t, w0);
    for (size_t i = 0; i < num && status == EM_OK; i++) {
        const double moved = (double) w[i] - w0[i];
        *change += moved * moved;
        *original += (double) w0[i] * w0[i];
    }
    free(w);
    *change = sqrt(*change);
    *original = sqrt(*original);
    return status;
}

// A matrix's values from now on; the original stays where it is.
static enum em_status promote(struct em_session *s, enum em_matrix m, int layer, const float *w)
{
    struct edited_matrix *e = find(s, m, layer);
    const struct tensor original = s->original[layer].matrix[m];
    const uint64_t size = 4ull * original.rows * original.cols;
    if (!e->buf) {
        e->buf = gpu_buf_create(s->gpu,
                                &(struct gpu_buf_params) {.size = size, .name = "edited matrix"});
        if (!e->buf)
            return log_status(s->log);
        e->t = tensor_at((struct gpu_slice) {e->buf, 0, size}, TENSOR_F32, original.rows,
                         original.cols);
    }
    EM_TRY(gpu_upload(s->gpu, e->t.mem, w));
    e->in_force = true;
    weights_replace(&s->weights, s->original, layer, m, e->t);
    return EM_OK;
}

// w += left^T right, summed in float64 and rounded once; left [n, rows], right [n, cols]. Some rows
// of w at a time, so that `right` is not read for each.
static void add_product(float *w, const float *left, const float *right, int n, size_t rows,
                        size_t cols)
{
    enum { AT_ONCE = 64 };
    const size_t N = (size_t) n;
    double *l = memory_alloc(AT_ONCE * N * sizeof(double));
    double *r = memory_alloc(N * cols * sizeof(double));
    double *sum = memory_alloc(AT_ONCE * cols * sizeof(double));
    for (size_t i = 0; i < N * cols; i++)
        r[i] = right[i];
    for (size_t first = 0; first < rows; first += AT_ONCE) {
        const size_t num = rows - first < AT_ONCE ? rows - first : AT_ONCE;
        for (size_t i = 0; i < num * N; i++)
            l[i] = left[i % N * rows + first + i / N];
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int) num, (int) cols, n, 1, l, n, r,
                    (int) cols, 0, sum, (int) cols);
        for (size_t i = 0; i < num * cols; i++)
            w[first * cols + i] += (float) sum[i];
    }
    free(l);
    free(r);
    free(sum);
}

void session_edit_apply(const struct session_edit *e, float *w)
{
    if (e->kind == SESSION_ADD)
        add_product(w, e->left, e->right, e->n, (size_t) e->rows, (size_t) e->cols);
    else if (e->kind == SESSION_WRITE)
        memcpy(w, e->right, (size_t) e->n * (size_t) e->cols * sizeof(*w));
}

enum em_status em_weight_add(struct em_session *s, enum em_matrix m, int layer, const float *left,
                             const float *right, int n)
{
    EM_TRY(check_place(s, m, layer));
    const struct tensor t = s->original[layer].matrix[m];
    const size_t rows = t.rows, cols = t.cols;
    float *w = malloc(rows * cols * sizeof(*w));
    if (!w)
        return em_fail(s, EM_ERR_IO, "out of host memory for a matrix of %zu weights", rows * cols);
    enum em_status status = em_weight_read(s, m, layer, w);
    if (status == EM_OK) {
        add_product(w, left, right, n, rows, cols);
        status = promote(s, m, layer, w);
    }
    free(w);
    EM_TRY(status);
    edit_note(s, &(struct session_edit) {.kind = SESSION_ADD,
                                         .matrix = m,
                                         .layer = layer,
                                         .n = n,
                                         .rows = (int) rows,
                                         .cols = (int) cols,
                                         .left = left,
                                         .right = right});
    return EM_OK;
}

enum em_status em_weight_write(struct em_session *s, enum em_matrix m, int layer, const float *w)
{
    EM_TRY(check_place(s, m, layer));
    EM_TRY(promote(s, m, layer, w));
    const struct tensor t = s->original[layer].matrix[m];
    edit_note(s, &(struct session_edit) {.kind = SESSION_WRITE,
                                         .matrix = m,
                                         .layer = layer,
                                         .n = (int) t.rows,
                                         .cols = (int) t.cols,
                                         .right = w});
    return EM_OK;
}

enum em_status session_revert(struct em_session *s)
{
    for (int layer = 0; layer < s->config->layers; layer++)
        for (int m = 0; m < EM_MATRIX_COUNT; m++) {
            struct edited_matrix *e = find(s, (enum em_matrix) m, layer);
            if (!e->in_force)
                continue;
            e->in_force = false;
            weights_replace(&s->weights, s->original, layer, (enum em_matrix) m,
                            (struct tensor) {0});
        }
    session_state_reset(s);
    return EM_OK;
}
