// Success of a group of questions; see success.h.

#include "common/success.h"

#include <string.h>

bool success_share(const struct em_case *c, const char *group, enum success_side side, double *out)
{
    int asked = 0, right = 0;
    for (int i = 0; i < c->num_questions; i++) {
        const struct em_question *q = &c->questions[i];
        if (strcmp(q->group, group) != 0 || !q->target_new || !q->target_true)
            continue;
        const double nll_new = c->replies[i].new_.nll, nll_true = c->replies[i].true_.nll;
        asked++;
        right += side == SUCCESS_NEW ? nll_true > nll_new : nll_true < nll_new;
    }
    if (!asked)
        return false;
    *out = (double) right / asked;
    return true;
}
