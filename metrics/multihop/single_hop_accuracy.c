// SHA: the share of the single steps behind a case's multi-hop questions, each a prompt of its own,
// that are answered with the new answer or another of its names, token by token.

#include <string.h>

#include <emend/plugin.h>

static const char *const reads[] = {"single_hop", NULL};
static const struct em_option options[] = {{0}};

// A prompt stands once for each name of its answer, one after another.
static bool measure(const void *unused, const struct em_case *c, double *out)
{
    const char *prompt = NULL;
    int num = 0, hits = 0;
    bool hit = false;
    (void) unused;
    for (int i = 0; i < c->num_questions; i++) {
        const struct em_question *q = &c->questions[i];
        if (strcmp(q->group, reads[0]) != 0 || !q->target_new)
            continue;
        const bool same = prompt && strcmp(prompt, q->prompt) == 0;
        num += !same;
        hit &= same;
        hits += !hit && c->replies[i].new_.hit;
        hit |= c->replies[i].new_.hit;
        prompt = q->prompt;
    }
    *out = num ? (double) hits / num : 0;
    return num > 0;
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "single_hop_accuracy",
    .label = "SHA",
    .summary = "the steps behind multi-hop questions are answered, token by token",
    .reference = "Zhong et al. 2023, MQuAKE",
    .scope = EM_PER_CASE,
    .needs = EM_NEEDS_TARGET_NEW,
    .reads = reads,
    .options = options,
    .measure = measure,
};
