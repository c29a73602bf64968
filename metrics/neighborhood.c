// NS: the share of prompts about other subjects after which the true target is still likelier.

#include "common/success.h"

static const char *const reads[] = {"neighborhood", NULL};
static const struct em_option options[] = {{0}};

static bool measure(const void *unused, const struct em_case *c, double *out)
{
    (void) unused;
    return success_share(c, reads[0], SUCCESS_TRUE, out);
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "neighborhood",
    .label = "NS",
    .summary = "neighbouring facts keep the true target",
    .reference = "Meng et al. 2022, Locating and Editing Factual Associations in GPT",
    .scope = EM_PER_CASE,
    .reads = reads,
    .options = options,
    .measure = measure,
};
