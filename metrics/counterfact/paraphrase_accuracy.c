// PA: the share of paraphrased prompts after which every token of the new target is the arg-max.

#include "common/group.h"

static const char *const reads[] = {"paraphrase", NULL};
static const struct em_option options[] = {{0}};

static double says_new(const struct em_reply *r)
{
    return r->new_.hit;
}

static bool measure(const void *unused, const struct em_case *c, double *out)
{
    (void) unused;
    return group_mean(c, reads[0], GROUP_NEW, says_new, out);
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "paraphrase_accuracy",
    .label = "PA",
    .summary = "after paraphrases each token of the new target is the likeliest one",
    .reference = "Meng et al. 2022, Locating and Editing Factual Associations in GPT",
    .scope = EM_PER_CASE,
    .needs = EM_NEEDS_TARGET_NEW,
    .reads = reads,
    .options = options,
    .measure = measure,
};
