// What a chip's peaks say of a sweep: the floor under its time, by phase.

#ifndef EXPERIMENT_CHIP_H
#define EXPERIMENT_CHIP_H

#include "experiment/sweep/estimate/operations.h"

struct chip {
    const char *name, *title;
    double flops, bytes_per_second; // peaks
    double memory;                  // bytes; 0: not known
};

// "h100", or "TFLOPS:GB/S" of a chip that is not listed, such as "0.13:20".
EM_MUST_CHECK enum em_status chip_find(struct log *log, struct arena *a, const char *text,
                                       struct chip *out);
double chip_seconds(const struct chip *c, const struct work *w);

#endif
