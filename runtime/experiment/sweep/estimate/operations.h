// What a sweep asks of a device: multiplications and additions of its products, and bytes that they
// move at least, counted from the model's shape and the data's tokens. No weight is read, nothing
// is run, and what points share is counted once. Values are counted to their last step
// (v_num_grad_steps), which many facts do not need. Metrics of the model's state are left out.

#ifndef EXPERIMENT_OPERATIONS_H
#define EXPERIMENT_OPERATIONS_H

#include "experiment/sweep/points.h"

struct work {
    double flop, bytes;
};

struct operations {
    struct work phases[PHASE_COUNT]; // COVARIANCE, VALUE, EVALUATE of the device, float32
    double host_flop;                // solves and updates: float64, on the host
    double weights;                  // bytes of the model's on the device
};

// Of a batch of n facts on the host: both solves with the factor, the batch's own matrix, the
// update.
double operations_update(const struct experiment *e, double n);
EM_MUST_CHECK enum em_status operations_count(struct sweep *s, struct arena *a,
                                              struct operations *out);

#endif
