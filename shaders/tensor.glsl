// Float matrices in storage buffers, read and written a quad (four neighbours of a row) at a time.
//
// READ, WRITE and MODIFY(slot, name) declare a binding with name_load and name_store. RAGGED = 0
// promises that all offsets, strides and widths are multiples of 4, so that a quad is one access;
// with RAGGED = 1 a quad is up to four, of which the row has `left`.

#extension GL_EXT_control_flow_attributes : require
#include "push.h"

#ifndef DEFAULT_LANES
#define DEFAULT_LANES 128
#endif
layout(constant_id = 0) const uint LANES = DEFAULT_LANES; // a power of two
layout(constant_id = 1) const uint RAGGED = 0;
layout(local_size_x = DEFAULT_LANES, local_size_x_id = 0) in;

#define BUFFERS(slot, access, name)                                                                \
    layout(binding = slot) access buffer name##_floats { float name##_1[]; };                      \
    layout(binding = slot) access buffer name##_quads { vec4 name##_4[]; };

#define LOAD(name)                                                                                 \
    vec4 name##_load(uint at, uint left)                                                           \
    {                                                                                              \
        if (RAGGED == 0)                                                                           \
            return name##_4[at / 4];                                                               \
        return vec4(name##_1[at], left > 1 ? name##_1[at + 1] : 0.0,                               \
                    left > 2 ? name##_1[at + 2] : 0.0, left > 3 ? name##_1[at + 3] : 0.0);         \
    }

#define STORE(name)                                                                                \
    void name##_store(uint at, uint left, vec4 v)                                                  \
    {                                                                                              \
        if (RAGGED == 0) {                                                                         \
            name##_4[at / 4] = v;                                                                  \
            return;                                                                                \
        }                                                                                          \
        [[unroll]] for (uint i = 0; i < 4; i++)                                                    \
            if (i < left)                                                                          \
                name##_1[at + i] = v[i];                                                           \
    }

#define READ(slot, name) BUFFERS(slot, readonly, name) LOAD(name)
#define WRITE(slot, name) BUFFERS(slot, writeonly, name) STORE(name)
#define MODIFY(slot, name) BUFFERS(slot, , name) LOAD(name) STORE(name)

uint element(view v, uint row, uint col)
{
    return v.offset + row * v.stride + col;
}

float sum4(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

// A workgroup takes rows row_first(), row_first() + row_step(), ... and, where it shares a row with
// others (the grid's y), a lane takes the quads that begin at col_first(), ...
uint row_first()
{
    return gl_WorkGroupID.x;
}
uint row_step()
{
    return gl_NumWorkGroups.x;
}
uint col_first()
{
    return 4 * (gl_WorkGroupID.y * LANES + gl_LocalInvocationID.x);
}
uint col_step()
{
    return 4 * LANES * gl_NumWorkGroups.y;
}
