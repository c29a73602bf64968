// Where the activations of a plan lie: a bump allocator over slabs (buffers no larger than the
// device allocates), with marks that give memory back in stack order. It runs twice: once without
// buffers, which tells how much a plan needs before anything is allocated, and once for real.

#ifndef SESSION_LAYOUT_H
#define SESSION_LAYOUT_H

#include "session/internal.h"

struct layout {
    struct em_session *s;
    bool real;         // hand out slices of the session's slabs
    bool never_reuse;  // marks give nothing back
    uint64_t at, peak; // virtual bytes, slab after slab
    bool too_large;    // one tensor does not fit a slab
};

struct tensor layout_take(struct layout *l, uint32_t rows,
                          uint32_t cols); // f32; rows are rounded up
uint64_t layout_mark(const struct layout *l);
void layout_release(struct layout *l, uint64_t mark);

// Make the session's slabs large enough for `peak` virtual bytes; new memory is zeroed.
EM_MUST_CHECK enum em_status layout_reserve(struct em_session *s, uint64_t peak);

#endif
