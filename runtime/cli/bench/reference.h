// The forward pass in plain C and float64, written for reading: what `emend bench` checks against.

#ifndef CLI_BENCH_REFERENCE_H
#define CLI_BENCH_REFERENCE_H

#include "base/arena.h"
#include "base/log.h"
#include "model/files.h"

struct reference {
    struct log *log;
    struct arena *arena;
    const struct model_files *files;
    const int *tokens; // [num_tokens]
    int num_tokens;
    int target_first; // `nll` is over tokens[target_first ..)
    int key_layer;    // `keys` are of this layer
};

// nll: mean of -ln p(token) over the target. keys: out [num_tokens, F], silu(gate) * up; or NULL,
// else the pass ends at key_layer and `nll` is left alone.
EM_MUST_CHECK enum em_status reference_forward(const struct reference *r, double *nll,
                                               double *keys);

#endif
