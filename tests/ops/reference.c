// Every operation in plain C and double precision.

#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ref_embed(int rows, int dim, const double *table, const int *tokens, double *y)
{
    for (int r = 0; r < rows; r++)
        memcpy(y + r * dim, table + tokens[r] * dim, (size_t) dim * sizeof(double));
}

static double dot(int n, const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

// --- norm ----------------------------------------------------------------------------------------

void ref_rms_norm(int rows, int dim, const double *x, const double *w, double eps, double *y)
{
    for (int r = 0; r < rows; r++, x += dim, y += dim) {
        const double inv = 1 / sqrt(dot(dim, x, x) / dim + eps);
        for (int i = 0; i < dim; i++)
            y[i] = w[i] * x[i] * inv;
    }
}

void ref_rms_norm_back(int rows, int dim, const double *x, const double *w, double eps,
                       const double *dy, double *dx)
{
    for (int r = 0; r < rows; r++, x += dim, dy += dim, dx += dim) {
        const double inv = 1 / sqrt(dot(dim, x, x) / dim + eps);
        double along = 0;
        for (int i = 0; i < dim; i++)
            along += dy[i] * w[i] * x[i];
        for (int i = 0; i < dim; i++)
            dx[i] = w[i] * dy[i] * inv - x[i] * pow(inv, 3) / dim * along;
    }
}

// --- matmul --------------------------------------------------------------------------------------

void ref_matmul(int rows, int out, int in, const double *x, const double *w, double *y)
{
    for (int r = 0; r < rows; r++)
        for (int n = 0; n < out; n++)
            y[r * out + n] += dot(in, x + r * in, w + n * in);
}

void ref_matmul_back(int rows, int out, int in, const double *dy, const double *w, double *dx)
{
    for (int r = 0; r < rows; r++)
        for (int n = 0; n < out; n++)
            for (int k = 0; k < in; k++)
                dx[r * in + k] += dy[r * out + n] * w[n * in + k];
}

// --- rotary positions ----------------------------------------------------------------------------

static void rotate(int dim, const double *from, const double *table, int direction, double *to)
{
    const int half = dim / 2;
    for (int i = 0; i < half; i++) {
        const double cosine = table[i], sine = direction * table[half + i];
        to[i] = from[i] * cosine - from[i + half] * sine;
        to[i + half] = from[i + half] * cosine + from[i] * sine;
    }
}

void ref_rope(int rows, struct ref_heads h, const double *qkv, const int *position,
              const double *table, double *q, double *kv)
{
    const size_t head = (size_t) h.dim * sizeof(double);
    for (int r = 0; r < rows; r++) {
        const double *at = table + position[r] * h.dim;
        for (int i = 0; i < h.heads; i++, q += h.dim, qkv += h.dim)
            rotate(h.dim, qkv, at, 1, q);
        for (int i = 0; i < h.kv_heads; i++, kv += h.dim, qkv += h.dim)
            rotate(h.dim, qkv, at, 1, kv);
        for (int i = 0; i < h.kv_heads; i++, kv += h.dim, qkv += h.dim)
            memcpy(kv, qkv, head);
    }
}

void ref_rope_back(int rows, struct ref_heads h, const double *q, const double *kv,
                   const int *position, const double *table, double *qkv)
{
    const size_t head = (size_t) h.dim * sizeof(double);
    for (int r = 0; r < rows; r++) {
        const double *at = table + position[r] * h.dim;
        for (int i = 0; i < h.heads; i++, q += h.dim, qkv += h.dim)
            rotate(h.dim, q, at, -1, qkv);
        for (int i = 0; i < h.kv_heads; i++, kv += h.dim, qkv += h.dim)
            rotate(h.dim, kv, at, -1, qkv);
        for (int i = 0; i < h.kv_heads; i++, kv += h.dim, qkv += h.dim)
            memcpy(qkv, kv, head);
    }
}

// --- attention -----------------------------------------------------------------------------------

// One head of one row: the weights of its path and log sum exp.
static double attend(int num, const int *path, int dim, const double *q, const double *keys,
                     int kv_width, double *weights)
{
    double largest = -INFINITY, sum = 0;
    for (int j = 0; j < num; j++) {
        weights[j] = dot(dim, q, keys + path[j] * kv_width) / sqrt(dim);
        largest = fmax(largest, weights[j]);
    }
    for (int j = 0; j < num; j++)
        sum += weights[j] = exp(weights[j] - largest);
    for (int j = 0; j < num; j++)
        weights[j] /= sum;
    return largest + log(sum);
}

void ref_attention(struct ref_paths paths, struct ref_heads h, const double *q, const double *kv,
                   double *out, double *lse)
{
    const int kv_width = 2 * h.kv_heads * h.dim;
    double *weights = calloc((size_t) paths.kv_rows, sizeof(double));
    memset(out, 0, (size_t) (paths.rows * h.heads * h.dim) * sizeof(double));
    for (int r = 0; r < paths.rows; r++) {
        const int *path = paths.path + paths.start[r];
        const int num = paths.start[r + 1] - paths.start[r];
        for (int i = 0; i < h.heads; i++, q += h.dim, out += h.dim) {
            const double *keys = kv + i * h.kv_heads / h.heads * h.dim;
            const double *values = keys + h.kv_heads * h.dim;
            *lse++ = attend(num, path, h.dim, q, keys, kv_width, weights);
            for (int j = 0; j < num; j++)
                for (int e = 0; e < h.dim; e++)
                    out[e] += weights[j] * values[path[j] * kv_width + e];
        }
    }
    free(weights);
}

// One head of one row, its path's weights w being known: with dw_j = dout v_j the gradient of the
// score j is ds_j = w_j (dw_j - sum_i w_i dw_i).
static void attend_back(int num, const int *path, struct ref_heads h, const double *q,
                        const double *keys, const double *weights, const double *dout, double *dq,
                        double *dkeys)
{
    const int kv_width = 2 * h.kv_heads * h.dim, to_values = h.kv_heads * h.dim;
    double mean = 0;
    for (int j = 0; j < num; j++)
        mean += weights[j] * dot(h.dim, dout, keys + path[j] * kv_width + to_values);
    for (int j = 0; j < num; j++) {
        const double *key = keys + path[j] * kv_width;
        double *dkey = dkeys + path[j] * kv_width;
        const double ds = weights[j] * (dot(h.dim, dout, key + to_values) - mean) / sqrt(h.dim);
        for (int e = 0; e < h.dim; e++) {
            dq[e] += ds * key[e];
            dkey[e] += ds * q[e];
            dkey[to_values + e] += weights[j] * dout[e];
        }
    }
}

void ref_attention_back(struct ref_paths paths, struct ref_heads h, const double *q,
                        const double *kv, const double *dout, double *dq, double *dkv)
{
    const int kv_width = 2 * h.kv_heads * h.dim;
    double *weights = calloc((size_t) paths.kv_rows, sizeof(double));
    memset(dq, 0, (size_t) (paths.rows * h.heads * h.dim) * sizeof(double));
    memset(dkv, 0, (size_t) (paths.kv_rows * kv_width) * sizeof(double));
    for (int r = 0; r < paths.rows; r++) {
        const int *path = paths.path + paths.start[r];
        const int num = paths.start[r + 1] - paths.start[r];
        for (int i = 0; i < h.heads; i++, q += h.dim, dout += h.dim, dq += h.dim) {
            const int group = i * h.kv_heads / h.heads * h.dim;
            attend(num, path, h.dim, q, kv + group, kv_width, weights);
            attend_back(num, path, h, q, kv + group, weights, dout, dq, dkv + group);
        }
    }
    free(weights);
}

// --- the gated unit ------------------------------------------------------------------------------

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

void ref_silu_gate(int rows, int dim, const double *gate_up, double *y)
{
    for (int r = 0; r < rows; r++, gate_up += 2 * dim, y += dim)
        for (int i = 0; i < dim; i++)
            y[i] = gate_up[i] * sigmoid(gate_up[i]) * gate_up[dim + i];
}

void ref_silu_gate_back(int rows, int dim, const double *gate_up, const double *dy,
                        double *dgate_up)
{
    for (int r = 0; r < rows; r++, gate_up += 2 * dim, dgate_up += 2 * dim, dy += dim)
        for (int i = 0; i < dim; i++) {
            const double gate = gate_up[i], up = gate_up[dim + i], s = sigmoid(gate);
            dgate_up[i] = dy[i] * up * s * (1 + gate * (1 - s));
            dgate_up[dim + i] = dy[i] * gate * s;
        }
}

// --- losses --------------------------------------------------------------------------------------

void ref_log_softmax(int rows, int cols, const double *logits, double *log_p)
{
    for (int r = 0; r < rows; r++, logits += cols, log_p += cols) {
        const double largest = logits[ref_argmax(cols, logits)];
        double sum = 0;
        for (int i = 0; i < cols; i++)
            sum += exp(logits[i] - largest);
        for (int i = 0; i < cols; i++)
            log_p[i] = logits[i] - largest - log(sum);
    }
}

int ref_argmax(int cols, const double *logits)
{
    int best = 0;
    for (int i = 1; i < cols; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

double ref_nll(int cols, const double *logits, int label)
{
    double *log_p = calloc((size_t) cols, sizeof(double));
    ref_log_softmax(1, cols, logits, log_p);
    const double nll = -log_p[label];
    free(log_p);
    return nll;
}

void ref_nll_back(int cols, const double *logits, int label, double *grad)
{
    ref_log_softmax(1, cols, logits, grad);
    for (int i = 0; i < cols; i++)
        grad[i] = exp(grad[i]) - (i == label);
}

double ref_kl(int cols, const double *logits, const double *reference)
{
    double *log_p = calloc((size_t) cols, sizeof(double)), kl = 0;
    ref_log_softmax(1, cols, logits, log_p);
    for (int i = 0; i < cols; i++)
        kl += exp(log_p[i]) * (log_p[i] - reference[i]);
    free(log_p);
    return kl;
}

void ref_kl_back(int cols, const double *logits, const double *reference, double *grad)
{
    const double kl = ref_kl(cols, logits, reference);
    ref_log_softmax(1, cols, logits, grad);
    for (int i = 0; i < cols; i++)
        grad[i] = exp(grad[i]) * (grad[i] - reference[i] - kl);
}
