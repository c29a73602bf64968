// How long the pieces of an experiment take, measured on the piece itself: a few cases are asked, a
// few facts prepared, within about two seconds each. Nothing of it is kept.

#ifndef EXPERIMENT_PROBE_H
#define EXPERIMENT_PROBE_H

#include "experiment/internal.h"

struct pace { // seconds of a piece of work on `few` and on `many` cases at once
    int few, many;
    double few_seconds, many_seconds;
};

// On n cases at once: the line through both.
double pace_seconds(const struct pace *p, int n);

// Of an experiment that is set up; each puts its question to the unedited model.
EM_MUST_CHECK enum em_status probe_evaluate(struct experiment *e, struct pace *out);
EM_MUST_CHECK enum em_status probe_values(struct experiment *e, struct pace *out);
EM_MUST_CHECK enum em_status probe_text(struct experiment *e, double *seconds);  // one
EM_MUST_CHECK enum em_status probe_state(struct experiment *e, double *seconds); // its metrics
EM_MUST_CHECK enum em_status probe_tokens(struct experiment *e,
                                          double *seconds); // one, of a corpus
double probe_flop(void); // seconds of one operation of the host, float64

#endif
