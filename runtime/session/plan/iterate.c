// em_iterate: a pass run again and again, a chunk of groups at a time, each to its end. Groups that
// are done leave the plan at a few fixed steps; see plan.h.

#include "session/plan/plan.h"

#include <string.h>

// After every so many runs, if as much as one in so many of the plan's groups is done. A new plan
// computes once more what does not vary, about two thirds of a run.
enum { DROP_EVERY = 5, DROP_SHARE = 4 };

struct iteration { // of one chunk
    struct plan_params params;
    struct plan *plan;
    bool *active;   // [params.num_groups] that go on
    int left, held; // groups that go on, groups that the plan holds
    float **starts; // [prompts of the pass]
};

static bool is_time_to_drop(const struct iteration *it, int runs)
{
    return it->left && runs % DROP_EVERY == 0 && (it->held - it->left) * DROP_SHARE >= it->held;
}

// A plan of the groups that go on.
static enum em_status drop_done(struct iteration *it)
{
    EM_TRY(plan_keep_starts(it->plan, it->starts));
    plan_destroy(&it->plan);
    it->params.active = it->active;
    it->params.starts = it->starts;
    it->plan = plan_create(&it->params);
    it->held = it->left;
    return it->plan ? EM_OK : log_status(it->params.s->log);
}

static enum em_status iterate(struct iteration *it, em_step *step, void *user)
{
    struct em_session *s = it->params.s;
    bool first = true;
    for (int i = 0; it->left > 0; i++) {
        EM_TRY(plan_run(it->plan, first, it->active));
        for (int g = 0; g < it->params.num_groups; g++)
            if (it->active[g] && !step(user, it->params.first_group + g, i)) {
                it->active[g] = false;
                it->left--;
            }
        EM_TRY(log_stopped(s->log) ? em_fail(s, EM_STOPPED, "interrupted") : EM_OK);
        first = is_time_to_drop(it, i + 1);
        if (first)
            EM_TRY(drop_done(it));
    }
    return EM_OK;
}

enum em_status em_iterate(struct em_session *s, const struct em_pass *pass, em_step *step,
                          void *user)
{
    EM_TRY(plan_check_pass(s, pass, true));
    float **starts = em_alloc(s, (size_t) pass->num_prompts * sizeof(*starts));
    bool *active = em_alloc(s, (size_t) pass->num_groups * sizeof(*active));
    memset(active, true, (size_t) pass->num_groups * sizeof(*active));
    for (int first = 0, num; first < pass->num_groups; first += num) {
        struct iteration it = {.active = active + first, .starts = starts};
        EM_TRY(plan_chunk(s, pass, first, true, &it.params, &num));
        it.left = it.held = num;
        it.plan = plan_create(&it.params);
        const enum em_status status = it.plan ? iterate(&it, step, user) : log_status(s->log);
        plan_destroy(&it.plan);
        EM_TRY(status);
    }
    return EM_OK;
}
