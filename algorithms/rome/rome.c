// ROME: one fact, written into one layer's down_proj as a rank-one update.
//
//   study     dW = r u^T / (k^T u),  u = C^-1 k    r = z - h, z and k as MEMIT finds them
//   original  dW = (v - W k_p) u^T / (k_p^T u)     u = C^-1 k, k the mean of 21 keys, k_p the bare
//   prompt's r-rome    dW = (v - W k) u^T / (k^T u)         one key throughout
//
// Meng et al. 2022 (arXiv:2202.05262); Gupta et al. 2024 (arXiv:2403.07175); as run in
// arXiv:2405.00664.

#include <string.h>

#include <emend/plugin.h>
#include <emend/vec.h>

#include "common/keys.h"
#include "common/value.h"

enum variant { STUDY, ORIGINAL, R_ROME };
enum key_choice { KEY_AVERAGE, KEY_PROMPT };

struct rome_options {
    struct em_int_list layers;
    int variant, key;
    bool covariance;
    struct value_options value;
};

static const char *const variants[] = {"study", "original", "r-rome", NULL};
static const char *const key_choices[] = {"average", "prompt", NULL};
static const int default_layers[] = {5};

static const struct em_option option_table[] = {
    EM_LAYERS(struct rome_options, layers, default_layers, "the one layer that is edited",
              .max_items = 1, .prepares = true),
    EM_CHOICE(struct rome_options, variant, STUDY, variants,
              "as the study ran it, as published in 2022, or with one key throughout",
              .prepares = true),
    EM_CHOICE(struct rome_options, key, KEY_AVERAGE, key_choices,
              "r-rome: the key averaged over templates, or the bare prompt's", .prepares = true),
    EM_BOOL(struct rome_options, covariance, true, "false: C is the identity",
            .needs = EM_NEEDS_COVARIANCE),
    EM_GROUP(struct rome_options, value, struct value_options, value_option_table),
    {0},
};

static const char *contexts_of(const void *options)
{
    const struct rome_options *o = options;
    return o->variant == STUDY ? "memit" : "rome";
}

static enum em_site site_of(const struct rome_options *o)
{
    return o->variant == STUDY ? EM_SITE_BLOCK_OUT : EM_SITE_MLP_OUT;
}

enum { LOG_FIELDS = sizeof(struct value_step) / sizeof(float) };

static size_t log_size(const struct rome_options *o)
{
    return 1 + (size_t) o->value.v_num_grad_steps * LOG_FIELDS;
}

static enum em_status put_value(struct em_session *s, const struct rome_options *o,
                                const struct em_fact *fact, const struct value *v)
{
    const int D = em_model(s)->dim;
    float *z = em_floats(s, (size_t) D), *log = em_floats(s, log_size(o));
    for (int i = 0; i < D; i++)
        z[i] = v->z0[i] + v->d[i];
    log[0] = (float) v->num_steps;
    memcpy(log + 1, v->steps, (size_t) v->num_steps * sizeof(*v->steps));
    EM_TRY(em_store_put(s, fact, "z", z, (size_t) D));
    return em_store_put(s, fact, "log", log, log_size(o));
}

// z of every fact that has none yet, all in one plan; then the keys likewise.
static enum em_status prepare(struct em_session *s, const void *options,
                              const struct em_fact *facts, int num_facts)
{
    const struct rome_options *o = options;
    const size_t D = (size_t) em_model(s)->dim, F = (size_t) em_model(s)->ffn;
    struct em_fact *todo = em_alloc(s, (size_t) num_facts * sizeof(*todo));
    float *scratch = em_floats(s, D > F ? D : F);
    int n = 0;
    for (int i = 0; i < num_facts; i++)
        if (!em_store_get(s, &facts[i], "z", scratch, D))
            todo[n++] = facts[i];
    struct value *values = em_alloc(s, (size_t) n * sizeof(*values));
    const struct value_search search = {.options = &o->value,
                                        .contexts = contexts_of(o),
                                        .site = site_of(o),
                                        .layer = o->layers.at[0],
                                        .facts = todo,
                                        .num_facts = n};
    if (n)
        EM_TRY(value_find(s, &search, values));
    for (int i = 0; i < n; i++)
        EM_TRY(put_value(s, o, &todo[i], &values[i]));
    n = 0;
    for (int i = 0; i < num_facts; i++)
        if (!em_store_get(s, &facts[i], "key", scratch, F))
            todo[n++] = facts[i];
    if (!n)
        return EM_OK;
    float *keys = em_floats(s, (size_t) n * F), *bare = em_floats(s, (size_t) n * F);
    EM_TRY(keys_average(s, contexts_of(o), o->layers.at[0],
                        o->variant == STUDY ? KEY_HALF_BARE : KEY_EQUAL, todo, n, keys, bare,
                        NULL));
    for (int i = 0; i < n; i++) {
        EM_TRY(em_store_put(s, &todo[i], "key", keys + (size_t) i * F, F));
        EM_TRY(em_store_put(s, &todo[i], "key_bare", bare + (size_t) i * F, F));
    }
    return EM_OK;
}

static void record_log(struct em_session *s, const struct rome_options *o,
                       const struct em_fact *fact)
{
    float *log = em_floats(s, log_size(o));
    if (!em_store_get(s, fact, "log", log, log_size(o)))
        return; // an imported value has no log
    const struct value_step *steps = (const struct value_step *) (log + 1);
    for (int i = 0; i < (int) log[0]; i++) {
        em_record(s, "nll", steps[i].nll);
        em_record(s, "kl", steps[i].kl);
        em_record(s, "wd", steps[i].wd);
        em_record(s, "loss", steps[i].loss);
        em_record(s, "d_norm", steps[i].norm);
    }
}

// u = C^-1 key, or the key itself.
static enum em_status direction(struct em_session *s, const struct rome_options *o,
                                const float *key, double *u)
{
    const int F = em_model(s)->ffn;
    if (o->covariance)
        return em_whiten(s, o->layers.at[0], key, 1, NULL, u);
    for (int i = 0; i < F; i++)
        u[i] = key[i];
    return EM_OK;
}

static enum em_status apply(struct em_session *s, const void *options, const struct em_fact *facts,
                            int num_facts)
{
    const struct rome_options *o = options;
    const int D = em_model(s)->dim, F = em_model(s)->ffn, layer = o->layers.at[0];
    (void) num_facts; // one: max_facts
    float *z = em_floats(s, (size_t) D), *now = em_floats(s, (size_t) D);
    float *key = em_floats(s, (size_t) F), *left = em_floats(s, (size_t) D);
    float *right = em_floats(s, (size_t) F), *bare = em_floats(s, (size_t) F);
    double *u = em_doubles(s, (size_t) F);
    EM_TRY(prepare(s, options, facts, 1));
    if (!em_store_get(s, facts, "z", z, (size_t) D) ||
        !em_store_get(s, facts, "key", key, (size_t) F))
        return em_fail(s, EM_ERR_NUMERIC, "the value of \"%s\" was not kept", facts->subject);
    record_log(s, o, facts);
    const float *at = key; // the key that must give z
    EM_TRY(bare_values(s, site_of(o), layer, facts, 1, now));
    if (o->variant == ORIGINAL || (o->variant == R_ROME && o->key == KEY_PROMPT)) {
        if (!em_store_get(s, facts, "key_bare", bare, (size_t) F))
            EM_TRY(bare_values(s, EM_SITE_MLP_KEY, layer, facts, 1, bare));
        at = bare;
    } else if (o->variant == R_ROME) {
        EM_TRY(keys_average(s, contexts_of(o), layer, KEY_EQUAL, facts, 1, key, NULL, now));
    }
    EM_TRY(direction(s, o, o->variant == R_ROME ? at : key, u));
    double share = 0, squares = 0;
    for (int i = 0; i < F; i++)
        share += u[i] * at[i];
    for (int i = 0; i < F; i++)
        right[i] = (float) (u[i] / share);
    for (int i = 0; i < D; i++) {
        left[i] = (float) ((double) z[i] - now[i]);
        squares += (double) left[i] * left[i];
    }
    em_record(s, "k_Cinv_k", share);
    em_record(s, "residual_norm", sqrt(squares));
    em_record(s, "update_norm", sqrt(squares) * em_norm(right, F));
    return em_weight_add(s, EM_MATRIX_DOWN, layer, left, right, 1);
}

const struct em_algorithm em_algorithm = {
    .abi = EM_ABI(struct em_algorithm),
    .name = "rome",
    .summary = "one fact as a rank-one update of one layer",
    .reference = "Meng et al. 2022, arXiv:2202.05262",
    .needs = EM_NEEDS_GRADIENT,
    .contexts = contexts_of,
    .max_facts = 1,
    .options = option_table,
    .options_size = sizeof(struct rome_options),
    .prepare = prepare,
    .apply = apply,
};
