// A tile of BLOCK_ROWS x BLOCK_COLS outputs for a workgroup, staged through shared memory DEPTH at
// a time: each lane sums LANE_ROWS x LANE_COLS of them in registers, each output one chain of fused
// multiply-adds over the ascending depth. LANES is the number of blocks of a lane in the tile.
// Needs tensor.glsl, the bindings x and y, and p.

layout(constant_id = 2) const uint BLOCK_ROWS = 64;
layout(constant_id = 3) const uint BLOCK_COLS = 64;
layout(constant_id = 4) const uint LANE_ROWS = 8;
layout(constant_id = 5) const uint LANE_COLS = 8;
const uint DEPTH = 16;
const uint ROW_QUADS = LANE_ROWS / 4, COL_QUADS = LANE_COLS / 4;
const uint LANES_ALONG = BLOCK_COLS / LANE_COLS, LANES_DOWN = BLOCK_ROWS / LANE_ROWS;

// [DEPTH][rows or columns], each line padded by a quad against bank conflicts
shared vec4 tile_x[DEPTH * (BLOCK_ROWS / 4 + 1)];
shared vec4 tile_w[DEPTH * (BLOCK_COLS / 4 + 1)];

uint tile_row(uint i) // the quad of rows in the tile that is this lane's i-th
{
    return i * LANES_DOWN + gl_LocalInvocationID.x / LANES_ALONG;
}
uint tile_col(uint j)
{
    return j * LANES_ALONG + gl_LocalInvocationID.x % LANES_ALONG;
}

void tile_stage_x(uint first_row, uint first_k)
{
    for (uint i = gl_LocalInvocationID.x; i < BLOCK_ROWS * DEPTH / 4; i += LANES) {
        uint row = i / (DEPTH / 4), k = i % (DEPTH / 4) * 4;
        vec4 v = vec4(0);
        if (first_row + row < p.rows && first_k + k < p.depth)
            v = x_load(element(p.x, first_row + row, first_k + k), p.depth - first_k - k);
        [[unroll]] for (uint j = 0; j < 4; j++)
            tile_x[(k + j) * (BLOCK_ROWS / 4 + 1) + row / 4][row % 4] = v[j];
    }
}

void tile_begin(uint first_row, uint first_col, out vec4 sums[LANE_ROWS][COL_QUADS])
{
    [[unroll]] for (uint i = 0; i < LANE_ROWS; i++)
        [[unroll]] for (uint j = 0; j < COL_QUADS; j++) {
            uint row = first_row + 4 * tile_row(i / 4) + i % 4, col = first_col + 4 * tile_col(j);
            sums[i][j] = vec4(0);
            if (p.add != 0 && row < p.rows && col < p.cols)
                sums[i][j] = y_load(element(p.y, row, col), p.cols - col);
        }
}

void tile_multiply(inout vec4 sums[LANE_ROWS][COL_QUADS])
{
    for (uint k = 0; k < DEPTH; k++) {
        vec4 a[ROW_QUADS], b[COL_QUADS];
        [[unroll]] for (uint i = 0; i < ROW_QUADS; i++)
            a[i] = tile_x[k * (BLOCK_ROWS / 4 + 1) + tile_row(i)];
        [[unroll]] for (uint j = 0; j < COL_QUADS; j++)
            b[j] = tile_w[k * (BLOCK_COLS / 4 + 1) + tile_col(j)];
        [[unroll]] for (uint i = 0; i < LANE_ROWS; i++)
            [[unroll]] for (uint j = 0; j < COL_QUADS; j++)
                sums[i][j] = fma(vec4(a[i / 4][i % 4]), b[j], sums[i][j]);
    }
}

void tile_end(uint first_row, uint first_col, vec4 sums[LANE_ROWS][COL_QUADS])
{
    [[unroll]] for (uint i = 0; i < LANE_ROWS; i++)
        [[unroll]] for (uint j = 0; j < COL_QUADS; j++) {
            uint row = first_row + 4 * tile_row(i / 4) + i % 4, col = first_col + 4 * tile_col(j);
            if (row < p.rows && col < p.cols)
                y_store(element(p.y, row, col), p.cols - col, sums[i][j]);
        }
}
