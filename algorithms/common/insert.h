// Writing a batch of facts into one layer or several: z once, at the last of them; then layer by
// layer the keys, what is still missing from z, shared out over the layers that are left, and the
// closed form. MEMIT, EMMET and AlphaEdit differ in the closed form alone.

#ifndef COMMON_INSERT_H
#define COMMON_INSERT_H

#include "common/closed_form.h"
#include "common/prepare.h"

struct insertion {
    const struct em_int_list *layers; // ascending; z belongs to the last
    const struct closed_form *forms;  // one for each layer
    const struct value_options *value;
    bool holds; // the keys of earlier batches are held in place; this batch's are kept for later
};

// The same form for each layer; they live as long as the call.
struct closed_form *insert_forms(struct em_session *s, const struct em_int_list *layers,
                                 const struct closed_form *like);

const char *insert_contexts(const void *options); // the templates of every such algorithm

extern const char insert_prepares[]; // names insert_prepare and all that it calls

// What facts need for it: z at the last layer, the first layer's keys.
EM_MUST_CHECK enum em_status insert_prepare(struct em_session *s, const struct em_int_list *layers,
                                            const struct value_options *value,
                                            const struct em_fact *facts, int n);

EM_MUST_CHECK enum em_status insert_facts(struct em_session *s, const struct insertion *in,
                                          const struct em_fact *facts, int n);

#endif
