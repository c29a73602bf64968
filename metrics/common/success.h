// The share of a case's questions in one group that go the right way (CounterFact; Meng et al.
// 2022).

#ifndef METRICS_SUCCESS_H
#define METRICS_SUCCESS_H

#include <emend/plugin.h>

enum success_side {
    SUCCESS_NEW,  // NLL(true) > NLL(new): the model asserts the new target
    SUCCESS_TRUE, // NLL(true) < NLL(new): it still asserts the true one
};

// False if the group has no question with both targets. A tie is no success, on either side.
bool success_share(const struct em_case *c, const char *group, enum success_side side, double *out);

#endif
