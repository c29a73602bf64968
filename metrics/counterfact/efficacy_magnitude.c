// EM: p(new) - p(true) after the rewrite prompt, p = exp(-NLL).

#include "common/group.h"

static const char *const reads[] = {"rewrite", NULL};
static const struct em_option options[] = {{0}};

static double margin(const struct em_reply *r)
{
    return group_probability(r->new_) - group_probability(r->true_);
}

static bool measure(const void *unused, const struct em_case *c, double *out)
{
    (void) unused;
    return group_mean(c, reads[0], GROUP_BOTH, margin, out);
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "efficacy_magnitude",
    .label = "EM",
    .summary = "by how much the edited prompt prefers the new target: p(new) - p(true)",
    .reference = "Meng et al. 2022, Locating and Editing Factual Associations in GPT",
    .scope = EM_PER_CASE,
    .needs = EM_NEEDS_TARGET_NEW | EM_NEEDS_TARGET_TRUE,
    .reads = reads,
    .options = options,
    .measure = measure,
};
