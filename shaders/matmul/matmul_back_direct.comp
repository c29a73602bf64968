#version 460
#extension GL_GOOGLE_include_directive : require

// dx = dy W, or dx += dy W, without shared memory, for devices where every load is dear.
//   x (dy) [R, N], w [N, K], y (dx) [R, K]; a lane a block of ROWS rows x QUADS quads of outputs,
//   each one chain of fused multiply-adds over ascending n

#define DEFAULT_LANES 8
#include "tensor.glsl"
#include "weight.glsl"

layout(constant_id = 2) const uint ROWS = 4; // the op says how many
layout(constant_id = 3) const uint QUADS = 2;
layout(constant_id = 4) const uint DOWN = 0; // lanes lie down the rows, not along them
layout(push_constant) uniform push { push_matmul p; };
READ(0, x)
WEIGHT(1, w)
MODIFY(2, y)

void main()
{
    uint lane = gl_GlobalInvocationID.x, group = gl_WorkGroupID.y;
    uint first_row = (DOWN != 0 ? lane : group) * ROWS;
    uint first_col = (DOWN != 0 ? group : lane) * QUADS * 4;
    vec4 sums[ROWS][QUADS];
    uint x_at[ROWS], col[QUADS], left[QUADS];
    [[unroll]] for (uint j = 0; j < QUADS; j++) {
        col[j] = min(first_col + 4 * j, (p.cols - 1) & ~3u); // outside: computed, not stored
        left[j] = p.cols - col[j];
    }
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        x_at[i] = element(p.x, min(first_row + i, p.rows - 1), 0);
        [[unroll]] for (uint j = 0; j < QUADS; j++)
            sums[i][j] = vec4(0);
    }
    if (p.add != 0)
        [[unroll]] for (uint i = 0; i < ROWS; i++)
            [[unroll]] for (uint j = 0; j < QUADS; j++)
                if (first_row + i < p.rows)
                    sums[i][j] = y_load(element(p.y, first_row + i, col[j]), left[j]);
    for (uint n = 0; n < p.depth; n += 4) {
        vec4 a[ROWS];
        [[unroll]] for (uint i = 0; i < ROWS; i++)
            a[i] = x_load(x_at[i] + n, p.depth - n);
        [[unroll]] for (uint m = 0; m < 4; m++)
            if (RAGGED == 0 || n + m < p.depth)
                [[unroll]] for (uint j = 0; j < QUADS; j++) {
                    vec4 b = w_load(element(p.w, n + m, col[j]), left[j]);
                    [[unroll]] for (uint i = 0; i < ROWS; i++)
                        sums[i][j] = fma(vec4(a[i][m]), b, sums[i][j]);
                }
    }
    [[unroll]] for (uint i = 0; i < ROWS; i++)
        [[unroll]] for (uint j = 0; j < QUADS; j++)
            if (first_row + i < p.rows && first_col + 4 * j < p.cols)
                y_store(element(p.y, first_row + i, col[j]), left[j], sums[i][j]);
}
