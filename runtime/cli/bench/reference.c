// A Llama block by block: x += o(attention(rope(q), rope(k), v)), x += down(silu(gate) * up), each
// on RMS-normed x; then the head. A product has a bias where the files do.

#include <math.h>
#include <string.h>

#include "cli/bench/reference.h"

struct pass {
    const struct reference *r;
    const struct model_config *c;
    const float *table;              // [n, E] cos, sin
    double *x, *normed;              // [n, D]
    double *q, *k, *v, *mixed;       // [n, H E], [n, G E], [n, G E], [n, H E]
    double *gate, *up, *key, *added; // [n, F], [n, F], [n, F], [n, D]
};

static double *doubles(const struct pass *p, int cols)
{
    return arena_array(p->r->arena, double, (size_t) p->r->num_tokens *(size_t) cols);
}

// `name` of a layer, or of none if that is below 0: "mlp.up_proj", and what of it: ".weight".
static const struct file_tensor *find_tensor(const struct pass *p, int layer, const char *name,
                                             const char *what)
{
    struct arena *a = p->r->arena;
    const char *prefix = layer < 0 ? "" : arena_print(a, "model.layers.%d.", layer);
    return model_files_tensor(p->r->files, arena_print(a, "%s%s%s", prefix, name, what));
}

static enum em_status need_weight(const struct pass *p, int layer, const char *name,
                                  const struct file_tensor **out)
{
    *out = find_tensor(p, layer, name, ".weight");
    return *out ? EM_OK
                : log_fail(p->r->log, EM_ERR_CONFIG, "the model has no tensor \"%s\"", name);
}

// y = x W^T + b                              x [n, K], W [N, K], b [1, N] or none, y [n, N]
static enum em_status product(const struct pass *p, int layer, const char *name, const double *x,
                              double *y)
{
    const struct file_tensor *w, *b = find_tensor(p, layer, name, ".bias");
    EM_TRY(need_weight(p, layer, name, &w));
    float *row = arena_array(p->r->arena, float, w->cols);
    float *bias = arena_array(p->r->arena, float, w->rows); // zeros
    if (b)
        file_tensor_rows_f32(b, 0, 1, bias);
    for (uint32_t j = 0; j < w->rows; j++) {
        file_tensor_rows_f32(w, j, 1, row);
        for (int i = 0; i < p->r->num_tokens; i++) {
            const double *from = x + (size_t) i * w->cols;
            double sum = (double) bias[j];
            for (uint32_t k = 0; k < w->cols; k++)
                sum += from[k] * (double) row[k];
            y[(size_t) i * w->rows + j] = sum;
        }
    }
    return EM_OK;
}

static enum em_status norm(const struct pass *p, int layer, const char *name)
{
    const struct file_tensor *w;
    EM_TRY(need_weight(p, layer, name, &w));
    const int width = p->c->dim;
    float *scale = arena_array(p->r->arena, float, w->cols);
    file_tensor_rows_f32(w, 0, 1, scale);
    for (int i = 0; i < p->r->num_tokens; i++) {
        const double *x = p->x + (size_t) i * (size_t) width;
        double sum = 0;
        for (int j = 0; j < width; j++)
            sum += x[j] * x[j];
        const double by = 1 / sqrt(sum / width + (double) p->c->rms_eps);
        for (int j = 0; j < width; j++)
            p->normed[(size_t) i * (size_t) width + (size_t) j] = x[j] * by * (double) scale[j];
    }
    return EM_OK;
}

static void rotate(const struct pass *p, double *x, int heads)
{
    const int half = p->c->head_dim / 2;
    for (int i = 0; i < p->r->num_tokens * heads; i++) {
        const float *turn = p->table + (size_t) (i / heads) * (size_t) (2 * half);
        double *at = x + (size_t) i * (size_t) (2 * half);
        for (int j = 0; j < half; j++) {
            const double a = at[j], b = at[j + half];
            at[j] = a * (double) turn[j] - b * (double) turn[j + half];
            at[j + half] = b * (double) turn[j] + a * (double) turn[j + half];
        }
    }
}

// One head's answer at one token: softmax of the scores of tokens 0 .. i, times their values.
static void attend(const struct pass *p, int i, int head, double *weights)
{
    const struct model_config *c = p->c;
    const size_t e = (size_t) c->head_dim, group = (size_t) (head * c->kv_heads / c->heads);
    const size_t kv_width = (size_t) c->kv_heads * e;
    const size_t at = ((size_t) i * (size_t) c->heads + (size_t) head) * e;
    double top = -INFINITY, sum = 0;
    for (size_t t = 0; t <= (size_t) i; t++) {
        weights[t] = 0;
        for (size_t j = 0; j < e; j++)
            weights[t] += p->q[at + j] * p->k[t * kv_width + group * e + j];
        weights[t] /= sqrt((double) e);
        top = fmax(top, weights[t]);
    }
    for (int t = 0; t <= i; t++)
        sum += weights[t] = exp(weights[t] - top);
    memset(p->mixed + at, 0, e * sizeof(double));
    for (size_t t = 0; t <= (size_t) i; t++) {
        for (size_t j = 0; j < e; j++)
            p->mixed[at + j] += weights[t] / sum * p->v[t * kv_width + group * e + j];
    }
}

static enum em_status add_product(const struct pass *p, int layer, const char *name,
                                  const double *x)
{
    EM_TRY(product(p, layer, name, x, p->added));
    for (int i = 0; i < p->r->num_tokens * p->c->dim; i++)
        p->x[i] += p->added[i];
    return EM_OK;
}

static enum em_status attention(const struct pass *p, int layer)
{
    EM_TRY(norm(p, layer, "input_layernorm"));
    EM_TRY(product(p, layer, "self_attn.q_proj", p->normed, p->q));
    EM_TRY(product(p, layer, "self_attn.k_proj", p->normed, p->k));
    EM_TRY(product(p, layer, "self_attn.v_proj", p->normed, p->v));
    rotate(p, p->q, p->c->heads);
    rotate(p, p->k, p->c->kv_heads);
    double *weights = doubles(p, 1);
    for (int i = 0; i < p->r->num_tokens * p->c->heads; i++)
        attend(p, i / p->c->heads, i % p->c->heads, weights);
    return add_product(p, layer, "self_attn.o_proj", p->mixed);
}

static enum em_status find_keys(const struct pass *p, int layer)
{
    EM_TRY(norm(p, layer, "post_attention_layernorm"));
    EM_TRY(product(p, layer, "mlp.gate_proj", p->normed, p->gate));
    EM_TRY(product(p, layer, "mlp.up_proj", p->normed, p->up));
    for (int i = 0; i < p->r->num_tokens * p->c->ffn; i++)
        p->key[i] = p->gate[i] / (1 + exp(-p->gate[i])) * p->up[i];
    return EM_OK;
}

static enum em_status read_target(const struct pass *p, double *nll)
{
    const struct reference *r = p->r;
    const int vocab = p->c->vocab;
    double *logits = doubles(p, vocab), total = 0;
    EM_TRY(norm(p, -1, "model.norm"));
    EM_TRY(product(p, -1, p->c->tied ? "model.embed_tokens" : "lm_head", p->normed, logits));
    for (int i = r->target_first; i < r->num_tokens; i++) {
        const double *at = logits + (size_t) (i - 1) * (size_t) vocab;
        double top = -INFINITY, sum = 0;
        for (int j = 0; j < vocab; j++)
            top = fmax(top, at[j]);
        for (int j = 0; j < vocab; j++)
            sum += exp(at[j] - top);
        total += top + log(sum) - at[r->tokens[i]];
    }
    *nll = total / (r->num_tokens - r->target_first);
    return EM_OK;
}

static enum em_status embed(struct pass *p)
{
    const struct file_tensor *table;
    EM_TRY(need_weight(p, -1, "model.embed_tokens", &table));
    float *row = arena_array(p->r->arena, float, table->cols);
    for (int i = 0; i < p->r->num_tokens; i++) {
        file_tensor_rows_f32(table, (uint32_t) p->r->tokens[i], 1, row);
        for (uint32_t j = 0; j < table->cols; j++)
            p->x[(size_t) i * table->cols + j] = (double) row[j];
    }
    return EM_OK;
}

static void make_room(struct pass *p)
{
    const struct model_config *c = p->c;
    const int n = p->r->num_tokens;
    float *table = arena_array(p->r->arena, float, (size_t) n *(size_t) c->head_dim);
    config_rope_table(c, n, table);
    p->table = table;
    p->x = doubles(p, c->dim), p->normed = doubles(p, c->dim), p->added = doubles(p, c->dim);
    p->q = doubles(p, c->heads * c->head_dim), p->mixed = doubles(p, c->heads * c->head_dim);
    p->k = doubles(p, c->kv_heads * c->head_dim), p->v = doubles(p, c->kv_heads * c->head_dim);
    p->gate = doubles(p, c->ffn), p->up = doubles(p, c->ffn), p->key = doubles(p, c->ffn);
}

enum em_status reference_forward(const struct reference *r, double *nll, double *keys)
{
    struct pass p = {.r = r, .c = model_files_config(r->files)};
    make_room(&p);
    EM_TRY(embed(&p));
    for (int layer = 0; layer < p.c->layers; layer++) {
        if (log_stopped(r->log))
            return EM_STOPPED;
        EM_TRY(attention(&p, layer));
        EM_TRY(find_keys(&p, layer));
        if (keys && layer == r->key_layer) {
            memcpy(keys, p.key, (size_t) (r->num_tokens * p.c->ffn) * sizeof(double));
            return EM_OK;
        }
        EM_TRY(add_product(&p, layer, "mlp.down_proj", p.key));
    }
    return read_target(&p, nll);
}
