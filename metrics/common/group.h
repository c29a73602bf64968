// What the metrics of CounterFact share: the mean over a case's questions of one group.

#ifndef METRICS_GROUP_H
#define METRICS_GROUP_H

#include <emend/plugin.h>

enum group_targets {
    GROUP_NEW,  // the value is made of the answer to the new target alone
    GROUP_TRUE, // to the true one
    GROUP_BOTH, // questions without both targets do not count
};

typedef double group_value(const struct em_reply *r);

// False if the group has no question with these targets.
bool group_mean(const struct em_case *c, const char *group, enum group_targets targets,
                group_value *value, double *out);

// exp(-NLL): the geometric mean of the probabilities of a target's tokens.
double group_probability(struct em_answer answer);

#endif
