#version 460
#extension GL_GOOGLE_include_directive : require

// dx = dy W, or dx += dy W, by tiles in shared memory.
//   x (dy) [R, N], w [N, K], y (dx) [R, K]; a workgroup a tile

#define DEFAULT_LANES 64
#include "tensor.glsl"
#include "weight.glsl"

layout(push_constant) uniform push { push_matmul p; };
READ(0, x)
WEIGHT(1, w)
MODIFY(2, y)
#include "matmul_tile.glsl"

void stage_w(uint first_col, uint first_n)
{
    for (uint i = gl_LocalInvocationID.x; i < BLOCK_COLS / 4 * DEPTH; i += LANES) {
        uint n = i / (BLOCK_COLS / 4), quad = i % (BLOCK_COLS / 4), col = first_col + 4 * quad;
        vec4 v = vec4(0);
        if (col < p.cols && first_n + n < p.depth)
            v = w_load(element(p.w, first_n + n, col), p.cols - col);
        tile_w[n * (BLOCK_COLS / 4 + 1) + quad] = v;
    }
}

void main()
{
    uint first_row = gl_WorkGroupID.y * BLOCK_ROWS, first_col = gl_WorkGroupID.x * BLOCK_COLS;
    vec4 sums[LANE_ROWS][COL_QUADS];
    tile_begin(first_row, first_col, sums);
    for (uint n = 0; n < p.depth; n += DEPTH) {
        tile_stage_x(first_row, n);
        stage_w(first_col, n);
        barrier();
        tile_multiply(sums);
        barrier();
    }
    tile_end(first_row, first_col, sums);
}
