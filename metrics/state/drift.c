// Drift: how far the edits have moved the model on text that has nothing to do with them.
//
//   mean over the prompts of KL(p || p0), in nats
//
// p is the distribution of the token after a prompt, p0 that of the unedited model.

#include <emend/plugin.h>

#include "common/neutral.h"

struct drift_options {
    struct neutral neutral;
    struct em_term *terms; // [num_made] with the log-probabilities of the unedited model
};

static const struct em_option option_table[] = {
    EM_GROUP(struct drift_options, neutral, struct neutral, neutral_option_table),
    {0},
};

static enum em_status open(struct em_session *s, void *options)
{
    struct drift_options *o = options;
    struct neutral *n = &o->neutral;
    EM_TRY(neutral_open(s, n));
    const size_t vocab = (size_t) em_model(s)->vocab, num = (size_t) n->num_made;
    float *log_probs = em_floats(s, num * vocab);
    EM_TRY(em_run(s, &(struct em_pass) {.prompts = n->made,
                                        .num_prompts = n->num_made,
                                        .log_probs = log_probs,
                                        .unedited = true}));
    o->terms = em_alloc(s, num * sizeof(*o->terms));
    for (size_t i = 0; i < num; i++)
        o->terms[i] = (struct em_term) {.loss = EM_LOSS_KL, .reference = log_probs + i * vocab};
    return EM_OK;
}

static enum em_status inspect(struct em_session *s, const void *options, double *out)
{
    const struct drift_options *o = options;
    const int num = o->neutral.num_made;
    float *kl = em_floats(s, (size_t) num);
    EM_TRY(em_run(
        s, &(struct em_pass) {
               .prompts = o->neutral.made, .num_prompts = num, .terms = o->terms, .losses = kl}));
    double sum = 0;
    for (int i = 0; i < num; i++)
        sum += kl[i];
    *out = sum / num;
    return EM_OK;
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "drift",
    .label = "KL",
    .unit = "nats a token",
    .summary = "KL of the next token on neutral text, from the unedited model, in nats",
    .reference = "",
    .scope = EM_PER_STATE,
    .lower_is_better = true,
    .options = option_table,
    .options_size = sizeof(struct drift_options),
    .open = open,
    .inspect = inspect,
};
