// NA: the share of prompts about other subjects after which every token of the true target is the
// arg-max.

#include "common/group.h"

static const char *const reads[] = {"neighborhood", NULL};
static const struct em_option options[] = {{0}};

static double says_true(const struct em_reply *r)
{
    return r->true_.hit;
}

static bool measure(const void *unused, const struct em_case *c, double *out)
{
    (void) unused;
    return group_mean(c, reads[0], GROUP_TRUE, says_true, out);
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "neighborhood_accuracy",
    .label = "NA",
    .summary = "after prompts on neighbours each token of the true target is the likeliest one",
    .reference = "Meng et al. 2022, Locating and Editing Factual Associations in GPT",
    .scope = EM_PER_CASE,
    .needs = EM_NEEDS_TARGET_TRUE,
    .reads = reads,
    .options = options,
    .measure = measure,
};
