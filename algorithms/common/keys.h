// The key of a fact at a layer: the input of down_proj at the subject's last token, averaged over
// context templates.

#ifndef COMMON_KEYS_H
#define COMMON_KEYS_H

#include <emend/plugin.h>

enum key_average {
    KEY_HALF_BARE, // 1/2 k("{}") + 1/2 mean of the others: MEMIT, EMMET, the study's ROME
    KEY_EQUAL,     // all templates alike: the original ROME
};

// key [n, F]; bare [n, F] of the bare prompt alone, or NULL; out [n, D], the MLP's output averaged
// likewise, or NULL
EM_MUST_CHECK enum em_status keys_average(struct em_session *s, const char *contexts, int layer,
                                          enum key_average how, const struct em_fact *facts, int n,
                                          float *key, float *bare, float *out);

// What the bare prompts give at a site, at the subject's last token: value [n, width of the site]
EM_MUST_CHECK enum em_status bare_values(struct em_session *s, enum em_site site, int layer,
                                         const struct em_fact *facts, int n, float *value);

#endif
