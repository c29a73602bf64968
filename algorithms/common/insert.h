// Writing a batch of facts into layers in closed form:
//
//   dW = R (G + lambda I)^-1 (C^-1 K)^T,  G = K^T C^-1 K
//
// which is MEMIT, and EMMET with lambda = w alpha; C is factored once a layer. K [F, n] are the
// facts' averaged keys and R [D, n] what is still missing from z at the last layer, shared out over
// the layers that are left.

#ifndef COMMON_INSERT_H
#define COMMON_INSERT_H

#include "common/prepare.h"

enum equal_keys { EQUAL_KEYS_ERROR, EQUAL_KEYS_PINV };

struct insertion {
    const struct em_int_list *layers; // ascending; z belongs to the last
    double lambda;
    int equal_keys;   // what happens where G + lambda I is singular
    const char *cure; // how the user makes lambda larger: "lambda > 0"
};

const char *insert_contexts(const void *options); // of every algorithm of this form

// What facts need for it: z at the last layer, the first layer's keys.
EM_MUST_CHECK enum em_status insert_prepare(struct em_session *s, const struct em_int_list *layers,
                                            const struct value_options *value,
                                            const struct em_fact *facts, int n);

EM_MUST_CHECK enum em_status insert_facts(struct em_session *s, const struct insertion *in,
                                          const struct value_options *value,
                                          const struct em_fact *facts, int n);

extern const char *const equal_keys_choices[];

#endif
