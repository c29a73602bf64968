// The mean over a case's questions of one group; see group.h.

#include "common/group.h"

#include <math.h>
#include <string.h>

bool group_mean(const struct em_case *c, const char *group, enum group_targets targets,
                group_value *value, double *out)
{
    double sum = 0;
    int num = 0;
    for (int i = 0; i < c->num_questions; i++) {
        const struct em_question *q = &c->questions[i];
        if (strcmp(q->group, group) != 0)
            continue;
        if ((!q->target_new && targets != GROUP_TRUE) || (!q->target_true && targets != GROUP_NEW))
            continue;
        sum += value(&c->replies[i]);
        num++;
    }
    if (num)
        *out = sum / num;
    return num > 0;
}

double group_probability(struct em_answer answer)
{
    return exp(-answer.nll);
}
