// Rows of the residual stream as they enter a layer, kept in host memory from pass to pass: a pass
// whose rows met the same tokens and the same weights before begins there, with the bits that it
// would have computed.
//
// What is found depends on no more than what was asked before. It is kept within
// s->residual_limit bytes, or not at all: nothing fails for want of memory.

#ifndef SESSION_RESIDUAL_H
#define SESSION_RESIDUAL_H

#include "base/file/hash.h"
#include "session/internal.h"

struct residual {
    char forest[HASH_SIZE]; // forest_hash
    char below[HASH_SIZE];  // session_state_below the layer
    int layer;
    float *rows;          // [rows of the forest, D]
    uint64_t bytes, used; // the latter: when, by the clock of residuals
};

// Those that enter the highest layer up to `layer`; NULL: none. They stay until the next is kept.
const struct residual *residual_find(struct em_session *s, const char forest[HASH_SIZE],
                                     bool unedited, int layer);
// Copies the rows that have entered `layer`, host-visible.
void residual_keep(struct em_session *s, const char forest[HASH_SIZE], bool unedited, int layer,
                   struct tensor rows);

#endif
