// What a sweep will take, from pieces of it that are measured: values of facts by layer, answers,
// texts, keys of a corpus, float64 arithmetic. Work that points share is counted where it is done
// first; what is on disk already is not counted.

#ifndef EXPERIMENT_ESTIMATE_H
#define EXPERIMENT_ESTIMATE_H

#include "experiment/sweep/points.h"

struct point_estimate {
    bool finished, busy, chosen;
    double seconds; // 0 unless chosen and to be run here
};

struct estimate {
    struct point_estimate *points; // [num_points], in the arena
    double seconds;                // in all
    double device, host;           // bytes at most
};

// Of the points [first, end).
EM_MUST_CHECK enum em_status estimate_sweep(struct sweep *s, struct arena *a, int first, int end,
                                            struct estimate *out);

#endif
