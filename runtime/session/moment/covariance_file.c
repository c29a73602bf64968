// A layer's covariance from files and into them: safetensors with a tensor C, which is also what
// the cache keeps, or the .npz of the published tools (runningstats.SecondMoment): the sum
// mom2.mom2 of k k^T and the number mom2.count of keys, C = mom2.mom2 / mom2.count.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/words.h"
#include "model/npz.h"
#include "session/moment/covariance.h"

static enum em_status check_shape(struct em_session *s, const char *path, const struct st_tensor *t)
{
    const uint64_t F = (uint64_t) s->config->ffn;
    if (!t)
        return em_fail(s, EM_ERR_CONFIG, "%s: there is no tensor \"C\" in it", path);
    if (t->num_dims != 2 || t->dims[0] != F || t->dims[1] != F ||
        (t->type != ST_F64 && t->type != ST_F32))
        return em_fail(s, EM_ERR_CONFIG, "%s: \"C\" must be F64 or F32 of [%d, %d]", path,
                       s->config->ffn, s->config->ffn);
    return EM_OK;
}

// 0 where it is not said.
static uint64_t tokens_of(const struct st_file *f)
{
    const struct st_tensor *t = st_find(f, "tokens");
    uint64_t tokens = 0;
    if (t && t->type == ST_I64 && t->size == sizeof(tokens))
        memcpy(&tokens, t->data, sizeof(tokens));
    return tokens;
}

enum em_status covariance_take(struct em_session *s, int layer, const char *path,
                               const struct st_file *f)
{
    const size_t num = (size_t) s->config->ffn * (size_t) s->config->ffn;
    const struct st_tensor *t = st_find(f, "C");
    struct covariance *c = &s->covariances[layer];
    EM_TRY(check_shape(s, path, t));
    if (!c->c)
        EM_TRY(covariance_matrix(s, num, &c->c));
    c->tokens = tokens_of(f);
    if (t->type == ST_F64)
        memcpy(c->c, t->data, num * sizeof(double));
    for (size_t i = 0; t->type == ST_F32 && i < num; i++) {
        float single;
        memcpy(&single, t->data + i * sizeof(float), sizeof(float));
        c->c[i] = single;
    }
    return EM_OK;
}

void covariance_tensors(const struct em_session *s, int layer, struct st_tensor out[2])
{
    const uint64_t F = (uint64_t) s->config->ffn;
    const struct covariance *c = &s->covariances[layer];
    out[0] = (struct st_tensor) {
        .name = "C", .type = ST_F64, .num_dims = 2, .dims = {F, F}, .data = (const uint8_t *) c->c};
    out[1] = (struct st_tensor) {.name = "tokens",
                                 .type = ST_I64,
                                 .num_dims = 1,
                                 .dims = {1},
                                 .data = (const uint8_t *) &c->tokens};
}

static enum em_status take_safetensors(struct em_session *s, int layer, const char *path)
{
    struct st_file f;
    EM_TRY(st_open(s->log, s->call, path, &f));
    const enum em_status status = covariance_take(s, layer, path, &f);
    st_close(&f);
    return status;
}

static enum em_status read_count(struct em_session *s, const struct npz_file *f, uint64_t *out)
{
    struct npz_array x;
    double count = 0;
    EM_TRY(npz_read(f, "mom2.count", &x));
    if (x.num == 1)
        npz_values(&x, &count);
    if (!(count >= 1 && count <= 0x1p53))
        return em_fail(s, EM_ERR_CONFIG, "%s: mom2.count is no single number of 1 or more",
                       f->path);
    *out = (uint64_t) count;
    return EM_OK;
}

static enum em_status take_moment(struct em_session *s, int layer, const struct npz_file *f)
{
    const uint64_t F = (uint64_t) s->config->ffn;
    struct covariance *c = &s->covariances[layer];
    struct npz_array sum;
    uint64_t count = 0;
    EM_TRY(read_count(s, f, &count));
    EM_TRY(npz_read(f, "mom2.mom2", &sum));
    if (sum.num_dims != 2 || sum.dims[0] != F || sum.dims[1] != F || sum.kind != 'f')
        return em_fail(s, EM_ERR_CONFIG,
                       "%s: mom2.mom2 must be floats of [%d, %d], as wide as the model's MLP",
                       f->path, s->config->ffn, s->config->ffn);
    EM_TRY(covariance_matrix(s, F * F, &c->c));
    c->tokens = count;
    npz_values(&sum, c->c); // symmetric: by rows and by columns is the same
    for (size_t i = 0; i < F * F; i++)
        c->c[i] /= (double) count;
    return EM_OK;
}

static enum em_status take_npz(struct em_session *s, int layer, const char *path)
{
    struct npz_file f;
    EM_TRY(npz_open(s->log, s->call, path, &f));
    const enum em_status status = take_moment(s, layer, &f);
    npz_close(&f);
    return status;
}

// A second moment is finite and, but for rounding, symmetric; what reads one triangle of a matrix
// would not notice.
static enum em_status check_values(struct em_session *s, const char *path, const double *c)
{
    const size_t F = (size_t) s->config->ffn;
    for (size_t i = 0; i < F; i++)
        for (size_t j = 0; j <= i; j++) {
            const double low = c[i * F + j], high = c[j * F + i];
            const double scale = sqrt(c[i * F + i] * c[j * F + j]);
            if (!(fabs(low) <= 1e300) || !(fabs(high) <= 1e300))
                return em_fail(s, EM_ERR_CONFIG,
                               "%s: the value in row %zu, column %zu or its mirror image is not a "
                               "finite number",
                               path, i, j);
            if (!(fabs(low - high) <= 0.01 * scale) || (i == j && low < 0))
                return em_fail(s, EM_ERR_CONFIG,
                               "%s: is no covariance: row %zu, column %zu has %g, its mirror image "
                               "%g, the diagonal %g and %g",
                               path, i, j, low, high, c[i * F + i], c[j * F + j]);
        }
    return EM_OK;
}

enum em_status session_covariance_import(struct em_session *s, int layer, const char *path)
{
    EM_TRY(covariance_check_layer(s, layer));
    struct covariance *c = &s->covariances[layer];
    covariance_free_layer(c);
    enum em_status status =
        text_ends_with(path, ".npz") ? take_npz(s, layer, path) : take_safetensors(s, layer, path);
    if (status == EM_OK)
        status = check_values(s, path, c->c);
    if (status != EM_OK)
        covariance_free_layer(c);
    c->imported = status == EM_OK;
    session_values_forget(s);
    return status;
}

// Without a number of keys, C counts as the sum over one.
static enum em_status write_npz(struct em_session *s, const struct covariance *c,
                                const struct session_covariance_file *to)
{
    const uint64_t F = (uint64_t) s->config->ffn;
    const int64_t count = c->tokens ? (int64_t) c->tokens : 1, documents = (int64_t) to->documents;
    double *sum;
    EM_TRY(covariance_matrix(s, F * F, &sum));
    float *const single = (float *) sum; // value by value in the place of the wide ones
    for (size_t i = 0; i < F * F; i++) {
        const double value = c->c[i] * (double) count;
        if (to->single)
            single[i] = (float) value;
        else
            sum[i] = value;
    }
    const struct npz_array arrays[] = {
        {.name = "mom2.count", .kind = 'i', .width = 8, .data = (const uint8_t *) &count},
        {.name = "mom2.mom2",
         .kind = 'f',
         .width = to->single ? 4 : 8,
         .num_dims = 2,
         .dims = {F, F},
         .data = (const uint8_t *) sum},
        {.name = "sample_size", .kind = 'i', .width = 8, .data = (const uint8_t *) &documents},
    };
    const enum em_status status = npz_write(s->log, to->path, arrays, documents ? 3 : 2);
    free(sum);
    return status;
}

enum em_status session_covariance_export(struct em_session *s, int layer,
                                         const struct session_covariance_file *to)
{
    const double *values;
    const bool npz = text_ends_with(to->path, ".npz");
    if (!npz && !text_ends_with(to->path, ".safetensors"))
        return em_fail(s, EM_ERR_CONFIG,
                       "%s: a covariance is written as .npz or .safetensors; end its name in one",
                       to->path);
    EM_TRY(em_covariance(s, layer, &values));
    if (npz)
        return write_npz(s, &s->covariances[layer], to);
    struct st_tensor tensors[2];
    covariance_tensors(s, layer, tensors);
    return st_write(s->log, to->path, tensors, 2, NULL);
}
