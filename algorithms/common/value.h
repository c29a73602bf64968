// The value of a fact, z: what a layer must put out at the subject's last token for the model to
// assert it, found by Adam through the model, many facts in one plan.

#ifndef COMMON_VALUE_H
#define COMMON_VALUE_H

#include <emend/plugin.h>

struct value_options {
    float v_lr, v_weight_decay, kl_factor, clamp_norm_factor;
    int v_num_grad_steps, v_loss_layer;
};

extern const struct em_option value_option_table[]; // ends with {0}

struct value_search {
    const struct value_options *options;
    const char *contexts; // set of context templates
    enum em_site site;    // where the vector is added
    int layer;
    const struct em_fact *facts;
    int num_facts;
};

// What was measured before each update; the last is the state that z is made from.
struct value_step {
    float nll, kl, wd, loss, norm; // norm of d
};

struct value {                // of one fact; in the session's call memory
    float *z0, *d;            // [D]
    struct value_step *steps; // [num_steps]
    int num_steps;
};

EM_MUST_CHECK enum em_status value_find(struct em_session *s, const struct value_search *search,
                                        struct value *out); // out [num_facts]

#endif
