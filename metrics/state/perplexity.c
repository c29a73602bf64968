// Perplexity of neutral text: exp of the mean of -ln p over the tokens behind each prompt's first.

#include <emend/plugin.h>

#include <math.h>

#include "common/neutral.h"

static enum em_status open(struct em_session *s, void *options)
{
    return neutral_open(s, options);
}

static enum em_status inspect(struct em_session *s, const void *options, double *out)
{
    const struct neutral *n = options;
    struct em_answer *answers = em_alloc(s, (size_t) n->num_made * sizeof(*answers));
    EM_TRY(em_run(
        s, &(struct em_pass) {.prompts = n->made, .num_prompts = n->num_made, .answers = answers}));
    double sum = 0, tokens = 0;
    for (int i = 0; i < n->num_made; i++) {
        const int labels = n->made[i].num_tokens - n->made[i].target_first;
        sum += answers[i].nll * labels;
        tokens += labels;
    }
    *out = exp(sum / tokens);
    return EM_OK;
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "perplexity",
    .label = "PPL",
    .unit = "",
    .summary = "perplexity of neutral text",
    .reference = "",
    .scope = EM_PER_STATE,
    .lower_is_better = true,
    .options = neutral_option_table,
    .options_size = sizeof(struct neutral),
    .open = open,
    .inspect = inspect,
};
