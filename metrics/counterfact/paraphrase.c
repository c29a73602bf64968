// PS: the share of paraphrased prompts after which the new target is likelier than the true one; a
// tie is none.

#include "common/group.h"

static const char *const reads[] = {"paraphrase", NULL};
static const struct em_option options[] = {{0}};

static double prefers_new(const struct em_reply *r)
{
    return r->true_.nll > r->new_.nll;
}

static bool measure(const void *unused, const struct em_case *c, double *out)
{
    (void) unused;
    return group_mean(c, reads[0], GROUP_BOTH, prefers_new, out);
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "paraphrase",
    .label = "PS",
    .summary =
        "after paraphrases the new target is likelier (mean over its tokens) than the true one",
    .reference = "Meng et al. 2022, Locating and Editing Factual Associations in GPT",
    .scope = EM_PER_CASE,
    .needs = EM_NEEDS_TARGET_NEW | EM_NEEDS_TARGET_TRUE,
    .reads = reads,
    .options = options,
    .measure = measure,
};
