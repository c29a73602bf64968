// ROME: one fact, written into one layer's down_proj as a rank-one update.
//
//   study     dW = r u^T / (k^T u)                 u = C^-1 k, r = z - h, z and k as MEMIT finds
//                                                  them: EMMET with one fact
//   original  dW = (v - W k_p) u^T / (k_p^T u)     u = C^-1 k, k the mean of 21 keys, k_p the bare
//                                                  prompt's
//   r-rome    dW = (v - W k) u^T / (k^T u)         one key throughout
//
// Meng et al. 2022 (arXiv:2202.05262); Gupta et al. 2024 (arXiv:2403.07175); as run in
// arXiv:2405.00664.

#include <math.h>

#include <emend/plugin.h>

#include "common/closed_form.h"
#include "common/prepare.h"

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

static struct preparation preparation_of(const struct rome_options *o)
{
    const bool study = o->variant == STUDY;
    return (struct preparation) {
        .value = &o->value,
        .contexts = contexts_of(o),
        .site = study ? EM_SITE_BLOCK_OUT : EM_SITE_MLP_OUT,
        .z_layer = o->layers.at[0],
        .key_layer = o->layers.at[0],
        .average = study ? KEY_HALF_BARE : KEY_EQUAL,
    };
}

static enum em_status prepare(struct em_session *s, const void *options,
                              const struct em_fact *facts, int num_facts)
{
    const struct preparation p = preparation_of(options);
    return prepare_facts(s, &p, facts, num_facts);
}

// The key that must give z, and what the model puts out for it now.
static enum em_status find_target(struct em_session *s, const struct rome_options *o,
                                  const struct preparation *p, const struct em_fact *fact,
                                  float *key, float *now)
{
    EM_TRY(bare_values(s, p->site, p->z_layer, fact, 1, now));
    if (o->variant == ORIGINAL || (o->variant == R_ROME && o->key == KEY_PROMPT))
        return prepared_key(s, p, fact, "key_bare", key);
    if (o->variant == R_ROME)
        return keys_average(s, p->contexts, p->key_layer, KEY_EQUAL, fact, 1, key, NULL, now);
    return prepared_key(s, p, fact, "key", key);
}

// Of the original: the closed form gives its direction's own key k all of the residual, and k_p the
// share k_p^T u / (k^T u), which must be all of it.
static enum em_status scale(struct em_session *s, const struct closed_form *form, const float *mean,
                            const float *key, double *residual)
{
    double own, across;
    EM_TRY(closed_form_inner(s, form, mean, mean, &own));
    EM_TRY(closed_form_inner(s, form, mean, key, &across));
    for (int i = 0; i < em_model(s)->dim; i++)
        residual[i] *= own / across;
    em_record(s, "k_Cinv_k", across);
    return EM_OK;
}

static enum em_status apply(struct em_session *s, const void *options, const struct em_fact *facts,
                            int num_facts)
{
    const struct rome_options *o = options;
    const struct preparation p = preparation_of(o);
    const size_t D = (size_t) em_model(s)->dim, F = (size_t) em_model(s)->ffn;
    const struct closed_form form = {
        .layer = o->layers.at[0],
        .coordinates = o->covariance ? COORDINATES_WHITENED : COORDINATES_PLAIN,
        .cure = "another layer", // a key that is zero
    };
    float *z = em_floats(s, D), *now = em_floats(s, D);
    float *key = em_floats(s, F), *mean = em_floats(s, F);
    double *residual = em_doubles(s, D), squares = 0;
    EM_TRY(prepared_value(s, &p, facts, z));
    EM_TRY(find_target(s, o, &p, facts, key, now));
    for (size_t i = 0; i < D; i++) {
        residual[i] = (double) z[i] - now[i];
        squares += residual[i] * residual[i];
    }
    em_record(s, "residual_norm", sqrt(squares));
    if (o->variant != ORIGINAL)
        return closed_form_write(s, &form, facts, key, residual, num_facts);
    EM_TRY(prepared_key(s, &p, facts, "key", mean));
    EM_TRY(scale(s, &form, mean, key, residual));
    return closed_form_write(s, &form, facts, mean, residual, num_facts);
}

const struct em_algorithm em_algorithm = {
    .abi = EM_ABI(struct em_algorithm),
    .name = "rome",
    .summary = "one fact as a rank-one update of one layer",
    .reference = "Meng et al. 2022, arXiv:2202.05262",
    .needs = EM_NEEDS_GRADIENT,
    .max_facts = 1,
    .options = option_table,
    .options_size = sizeof(struct rome_options),
    .contexts = contexts_of,
    .prepare = prepare,
    .apply = apply,
};
