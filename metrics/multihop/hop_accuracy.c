// HA: whether any of a case's multi-hop questions is answered with the new answer or another of its
// names, token by token.

#include <string.h>

#include <emend/plugin.h>

static const char *const reads[] = {"hop", NULL};
static const struct em_option options[] = {{0}};

static bool measure(const void *unused, const struct em_case *c, double *out)
{
    bool asked = false, hit = false;
    (void) unused;
    for (int i = 0; i < c->num_questions; i++) {
        if (strcmp(c->questions[i].group, reads[0]) != 0 || !c->questions[i].target_new)
            continue;
        asked = true;
        hit |= c->replies[i].new_.hit;
    }
    *out = hit;
    return asked;
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "hop_accuracy",
    .label = "HA",
    .summary = "what follows from the edited facts is answered, token by token",
    .reference = "Zhong et al. 2023, MQuAKE",
    .scope = EM_PER_CASE,
    .needs = EM_NEEDS_TARGET_NEW,
    .reads = reads,
    .options = options,
    .measure = measure,
};
