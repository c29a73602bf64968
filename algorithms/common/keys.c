// Keys of facts; see keys.h.

#include "common/keys.h"

#include <string.h>

// The average of rows [num, width] into `to`; the first counts half in KEY_HALF_BARE.
static void average(const float *rows, int num, int width, enum key_average how, float *to)
{
    const bool half = how == KEY_HALF_BARE && num > 1;
    const double first = half ? 0.5 : 1.0 / num, other = half ? 0.5 / (num - 1) : 1.0 / num;
    for (int j = 0; j < width; j++) {
        double sum = 0;
        for (int i = 0; i < num; i++)
            sum += (i ? other : first) * rows[(size_t) i * (size_t) width + (size_t) j];
        to[j] = (float) sum;
    }
}

static enum em_status make_prompts(struct em_session *s, const char *const *contexts, int num,
                                   const struct em_fact *facts, int n, struct em_prompt *out)
{
    for (int f = 0; f < n; f++)
        for (int i = 0; i < num; i++) {
            const struct em_text text = {contexts ? contexts[i] : NULL, facts[f].prompt,
                                         facts[f].subject, NULL};
            EM_TRY(em_prompt_make(s, &text, &out[f * num + i]));
        }
    return EM_OK;
}

enum em_status keys_average(struct em_session *s, const char *contexts, int layer,
                            enum key_average how, const struct em_fact *facts, int n, float *key,
                            float *bare, float *out)
{
    const size_t D = (size_t) em_model(s)->dim, F = (size_t) em_model(s)->ffn;
    int num;
    const char *const *texts = em_contexts(s, contexts, &num);
    if (num == 0)
        return em_fail(s, EM_ERR_CONFIG, "there are no context templates \"%s\"", contexts);
    const size_t rows = (size_t) n * (size_t) num;
    struct em_prompt *prompts = em_alloc(s, rows * sizeof(*prompts));
    EM_TRY(make_prompts(s, texts, num, facts, n, prompts));
    float *keys = em_floats(s, rows * F), *outs = out ? em_floats(s, rows * D) : NULL;
    const struct em_probe probes[] = {
        {.site = EM_SITE_MLP_KEY, .layer = layer, .value = keys},
        {.site = EM_SITE_MLP_OUT, .layer = layer, .value = outs},
    };
    EM_TRY(em_run(s, &(struct em_pass) {.prompts = prompts,
                                        .num_prompts = (int) rows,
                                        .probes = probes,
                                        .num_probes = out ? 2 : 1}));
    for (size_t f = 0; f < (size_t) n; f++) {
        const float *first = keys + f * (size_t) num * F;
        average(first, num, (int) F, how, key + f * F);
        if (bare)
            memcpy(bare + f * F, first, F * sizeof(float));
        if (out)
            average(outs + f * (size_t) num * D, num, (int) D, how, out + f * D);
    }
    return EM_OK;
}

enum em_status bare_values(struct em_session *s, enum em_site site, int layer,
                           const struct em_fact *facts, int n, float *value)
{
    struct em_prompt *prompts = em_alloc(s, (size_t) n * sizeof(*prompts));
    EM_TRY(make_prompts(s, NULL, 1, facts, n, prompts));
    const struct em_probe probe = {.site = site, .layer = layer, .value = value};
    return em_run(s, &(struct em_pass) {
                         .prompts = prompts, .num_prompts = n, .probes = &probe, .num_probes = 1});
}
