// Hazards between pieces of device work: which ranges of which memory were used since the last
// barrier, and whether the next piece must wait.
//
// Memory: in the arena it is given. A barrier covers everything before it, so the list begins anew.

#ifndef GPU_HAZARD_H
#define GPU_HAZARD_H

#include "base/arena.h"

struct hazard_use {
    const void *memory;  // what tells one memory from another
    uint64_t begin, end; // bytes
    bool write;          // it may also be read
};

struct hazards {
    struct hazard_use *items; // since the last barrier
    size_t num, cap;
};

// Note the uses of the next piece of work. True: a barrier has to stand before it, because it reads
// what was written, or writes what was read or written. The uses of one piece may overlap.
bool hazards_next(struct hazards *h, struct arena *a, const struct hazard_use *uses, int num);
void hazards_clear(struct hazards *h);

#endif
