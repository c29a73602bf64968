#version 460
#extension GL_GOOGLE_include_directive : require

// y = x W^T, or y += x W^T, by tiles in shared memory.
//   x [R, K], w [N, K], y [R, N]; a workgroup a tile

#define DEFAULT_LANES 64
#include "tensor.glsl"
#include "weight.glsl"

layout(push_constant) uniform push { push_matmul p; };
READ(0, x)
WEIGHT(1, w)
MODIFY(2, y)
#include "matmul_tile.glsl"

void stage_w(uint first_col, uint first_k)
{
    for (uint i = gl_LocalInvocationID.x; i < BLOCK_COLS * DEPTH / 4; i += LANES) {
        uint col = i / (DEPTH / 4), k = i % (DEPTH / 4) * 4;
        vec4 v = vec4(0);
        if (first_col + col < p.cols && first_k + k < p.depth)
            v = w_load(element(p.w, first_col + col, first_k + k), p.depth - first_k - k);
        [[unroll]] for (uint j = 0; j < 4; j++)
            tile_w[(k + j) * (BLOCK_COLS / 4 + 1) + col / 4][col % 4] = v[j];
    }
}

void main()
{
    uint first_row = gl_WorkGroupID.y * BLOCK_ROWS, first_col = gl_WorkGroupID.x * BLOCK_COLS;
    vec4 sums[LANE_ROWS][COL_QUADS];
    tile_begin(first_row, first_col, sums);
    for (uint k = 0; k < p.depth; k += DEPTH) {
        tile_stage_x(first_row, k);
        stage_w(first_col, k);
        barrier();
        tile_multiply(sums);
        barrier();
    }
    tile_end(first_row, first_col, sums);
}
