// The closed form that MEMIT and EMMET share, over one layer or several; see insert.h.

#include "common/insert.h"

#include <math.h>
#include <string.h>

#include <emend/linalg.h>

static const double worst_condition = 1e-10; // reciprocal, of G + lambda I

const char *const equal_keys_choices[] = {"error", "pinv", NULL};

static enum em_status check_layers(struct em_session *s, const struct em_int_list *layers)
{
    for (int i = 1; i < layers->num; i++)
        if (layers->at[i] <= layers->at[i - 1])
            return em_fail(s, EM_ERR_CONFIG,
                           "layers: %d comes after %d; list them in ascending order", layers->at[i],
                           layers->at[i - 1]);
    return EM_OK;
}

static struct preparation preparation_of(const struct em_int_list *layers,
                                         const struct value_options *value)
{
    return (struct preparation) {
        .value = value,
        .contexts = insert_contexts(NULL),
        .site = EM_SITE_BLOCK_OUT,
        .z_layer = layers->at[layers->num - 1],
        .key_layer = layers->at[0],
        .average = KEY_HALF_BARE,
    };
}

const char *insert_contexts(const void *options)
{
    (void) options;
    return "memit";
}

enum em_status insert_prepare(struct em_session *s, const struct em_int_list *layers,
                              const struct value_options *value, const struct em_fact *facts, int n)
{
    const struct preparation p = preparation_of(layers, value);
    EM_TRY(check_layers(s, layers));
    return prepare_facts(s, &p, facts, n);
}

// The first two facts whose keys are equal to the bit, for the message.
static enum em_status fail_singular(struct em_session *s, const struct insertion *in,
                                    const struct em_fact *facts, const float *keys, int n,
                                    double condition)
{
    const size_t F = (size_t) em_model(s)->ffn;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (!memcmp(keys + (size_t) i * F, keys + (size_t) j * F, F * sizeof(float)))
                return em_fail(
                    s, EM_ERR_NUMERIC,
                    "facts %s and %s have the same text up to the subject \"%s\", so their "
                    "keys are equal and both cannot be written exactly; use %s, or "
                    "equal_keys \"pinv\"",
                    facts[i].id, facts[j].id, facts[j].subject, in->cure);
    return em_fail(s, EM_ERR_NUMERIC,
                   "the keys of %d facts are nearly dependent (reciprocal condition %.1e, at least "
                   "%.0e is needed); use %s, or equal_keys \"pinv\"",
                   n, condition, worst_condition, in->cure);
}

// rows (G + lambda I)^-1 of `left` [m, n]
static enum em_status solve(struct em_session *s, const struct insertion *in,
                            const struct em_fact *facts, const float *keys, const double *gram,
                            int n, double *left, int m)
{
    const size_t N = (size_t) n, all = (size_t) m * N;
    double *a = em_doubles(s, N * N), *x = em_doubles(s, all), condition;
    memcpy(x, left, all * sizeof(*x));
    for (size_t i = 0; i < N * N; i++)
        a[i] = gram[i] + (i % (N + 1) ? 0 : in->lambda);
    EM_TRY(em_solve(s, a, n, x, m, &condition));
    if (condition < worst_condition) {
        if (in->equal_keys == EQUAL_KEYS_ERROR)
            return fail_singular(s, in, facts, keys, n, condition);
        for (size_t i = 0; i < N * N; i++)
            a[i] = gram[i] + (i % (N + 1) ? 0 : in->lambda);
        memcpy(x, left, all * sizeof(*x));
        EM_TRY(em_pseudo_solve(s, a, n, x, m, worst_condition));
    }
    memcpy(left, x, all * sizeof(*x));
    return EM_OK;
}

// One layer: keys [n, F], residual [D, n].
static enum em_status insert_layer(struct em_session *s, const struct insertion *in, int layer,
                                   const struct em_fact *facts, int n, const float *keys,
                                   double *residual)
{
    const size_t D = (size_t) em_model(s)->dim, F = (size_t) em_model(s)->ffn, N = (size_t) n;
    double *half = em_doubles(s, N * F), *full = em_doubles(s, N * F), *gram = em_doubles(s, N * N);
    float *left = em_floats(s, N * D), *right = em_floats(s, N * F);
    EM_TRY(em_whiten(s, layer, keys, n, half, full));
    em_gram(half, n, (int) F, gram);
    EM_TRY(solve(s, in, facts, keys, gram, n, residual, (int) D));
    for (size_t i = 0; i < N; i++)
        for (size_t d = 0; d < D; d++)
            left[i * D + d] = (float) residual[d * N + i];
    for (size_t i = 0; i < N * F; i++)
        right[i] = (float) full[i];
    return em_weight_add(s, EM_MATRIX_DOWN, layer, left, right, n);
}

enum em_status insert_facts(struct em_session *s, const struct insertion *in,
                            const struct value_options *value, const struct em_fact *facts, int n)
{
    const size_t D = (size_t) em_model(s)->dim, F = (size_t) em_model(s)->ffn, N = (size_t) n;
    float *z = em_floats(s, N * D), *now = em_floats(s, N * D), *keys = em_floats(s, N * F);
    double *residual = em_doubles(s, D * N);
    const struct preparation prepared = preparation_of(in->layers, value), *p = &prepared;
    EM_TRY(insert_prepare(s, in->layers, value, facts, n));
    for (size_t i = 0; i < N; i++)
        EM_TRY(prepared_value(s, p, &facts[i], z + i * D));
    for (int l = 0; l < in->layers->num; l++) {
        const int layer = in->layers->at[l], left = in->layers->num - l;
        for (size_t i = 0; i < N && l == 0; i++) // of the model as it stood before the batch
            EM_TRY(prepared_key(s, p, &facts[i], "key", keys + i * F));
        if (l > 0)
            EM_TRY(keys_average(s, p->contexts, layer, p->average, facts, n, keys, NULL, NULL));
        EM_TRY(bare_values(s, p->site, p->z_layer, facts, n, now));
        double squares = 0;
        for (size_t i = 0; i < N; i++)
            for (size_t d = 0; d < D; d++) {
                const double r = ((double) z[i * D + d] - now[i * D + d]) / left;
                residual[d * N + i] = r;
                squares += r * r;
            }
        em_record(s, "residual_norm", sqrt(squares));
        EM_TRY(insert_layer(s, in, layer, facts, n, keys, residual));
    }
    return EM_OK;
}
