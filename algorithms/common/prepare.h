// What a fact needs before it is written: z and the key of the first layer, computed for many facts
// in one plan and kept by content, so that every batch size and closed form finds them ready.

#ifndef COMMON_PREPARE_H
#define COMMON_PREPARE_H

#include "common/keys.h"
#include "common/value.h"

struct preparation {
    const struct value_options *value;
    const char *contexts; // set of context templates
    enum em_site site;    // where z is put out
    int z_layer, key_layer;
    enum key_average average;
};

// Find and keep what is not kept yet.
EM_MUST_CHECK enum em_status prepare_facts(struct em_session *s, const struct preparation *p,
                                           const struct em_fact *facts, int n);

// The kept z [D] of a fact (an imported one counts), its steps recorded in the results.
EM_MUST_CHECK enum em_status prepared_value(struct em_session *s, const struct preparation *p,
                                            const struct em_fact *fact, float *z);

// The kept key [F]; `name`: "key", or "key_bare", the bare prompt's.
EM_MUST_CHECK enum em_status prepared_key(struct em_session *s, const struct preparation *p,
                                          const struct em_fact *fact, const char *name, float *key);

#endif
