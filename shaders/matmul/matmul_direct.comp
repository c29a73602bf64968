#version 460
#extension GL_GOOGLE_include_directive : require

// y = x W^T, or y += x W^T, without shared memory, for devices where every load is dear.
//   x [R, K], w [N, K], y [R, N]; a lane a block of ROWS x COLS outputs, each one chain of fused
//   multiply-adds over ascending k

#define DEFAULT_LANES 8
#include "tensor.glsl"
#include "weight.glsl"

layout(constant_id = 2) const uint ROWS = 4; // the op says how many
layout(constant_id = 3) const uint COLS = 8;
layout(constant_id = 4) const uint DOWN = 0; // lanes lie down the rows, not along them
layout(push_constant) uniform push { push_matmul p; };
READ(0, x)
WEIGHT(1, w)
layout(binding = 2) buffer y_buffer { float y[]; };

float multiply_add(vec4 a, vec4 b, float sum)
{
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

void main()
{
    uint lane = gl_GlobalInvocationID.x, group = gl_WorkGroupID.y;
    uint first_row = (DOWN != 0 ? lane : group) * ROWS;
    uint first_col = (DOWN != 0 ? group : lane) * COLS;
    float sums[ROWS][COLS];
    uint x_at[ROWS], w_at[COLS];
    [[unroll]] for (uint j = 0; j < COLS; j++)
        w_at[j] = element(p.w, min(first_col + j, p.cols - 1), 0); // outside: computed, not stored
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        x_at[i] = element(p.x, min(first_row + i, p.rows - 1), 0);
        [[unroll]] for (uint j = 0; j < COLS; j++)
            sums[i][j] = 0.0;
    }
    if (p.add != 0)
        [[unroll]] for (uint i = 0; i < ROWS; i++)
            [[unroll]] for (uint j = 0; j < COLS; j++)
                if (first_row + i < p.rows && first_col + j < p.cols)
                    sums[i][j] = y[element(p.y, first_row + i, first_col + j)];
    for (uint k = 0; k < p.depth; k += 4) {
        vec4 a[ROWS];
        [[unroll]] for (uint i = 0; i < ROWS; i++)
            a[i] = x_load(x_at[i] + k, p.depth - k);
        [[unroll]] for (uint j = 0; j < COLS; j++) {
            vec4 b = w_load(w_at[j] + k, p.depth - k);
            [[unroll]] for (uint i = 0; i < ROWS; i++)
                sums[i][j] = multiply_add(a[i], b, sums[i][j]);
        }
    }
    [[unroll]] for (uint i = 0; i < ROWS; i++)
        [[unroll]] for (uint j = 0; j < COLS; j++)
            if (first_row + i < p.rows && first_col + j < p.cols)
                y[element(p.y, first_row + i, first_col + j)] = sums[i][j];
}
