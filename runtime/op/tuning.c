// How the kernels are cut for a device.

#include "op/tuning.h"

// Software drivers run a workgroup on one core, eight lanes at a time, and pay for each load and
// each workgroup: few lanes, long rows, no shared memory.
static const struct op_tuning cpu = {
    .row_lanes = 8,
    .quad_lanes = 8,
    .quads = UINT32_MAX,
    .attention_lanes = 64,
    .direct = true,
};

static const struct op_tuning gpu = {
    .row_lanes = 128, // what every device allows
    .quad_lanes = 64,
    .quads = 4,
    .attention_lanes = 64,
    .enough_tiles = 128,
};

struct op_tuning op_tuning_of(const struct gpu_info *info)
{
    struct op_tuning tuning = info->type == GPU_CPU ? cpu : gpu;
    // Mesa 26 makes one load of what all lanes read alike: weights, where lanes lie down the rows.
    if (info->type == GPU_CPU && info->driver_major >= 26)
        tuning.down_cols = 16;
    return tuning;
}

static struct op_tile direct_tile(const struct op_tuning *tuning, uint32_t rows)
{
    const uint32_t cols = tuning->down_cols, deep = rows <= 8 ? 1 : 2;
    if (cols && rows > 4)
        return (struct op_tile) {
            .rows = 8 * deep, .cols = cols, .lane_rows = deep, .lane_cols = cols, .down = true};
    const uint32_t lane_rows = rows <= 2 ? rows : rows <= 4 ? 4 : 8;
    return (struct op_tile) {.rows = lane_rows, .cols = 64, .lane_rows = lane_rows, .lane_cols = 8};
}

// By the compilers' figures for nine GPUs a lane of 8 x 8 outputs takes 10 to 40 % less time for
// each than one of 8 x 4, and no tile spills.
struct op_tile op_tuning_tile(const struct op_tuning *tuning, uint32_t rows, uint32_t cols)
{
    if (tuning->direct)
        return direct_tile(tuning, rows);
    if (rows <= 16)
        return (struct op_tile) {.rows = 16, .cols = 64, .lane_rows = 4, .lane_cols = 4};
    if (rows <= 32)
        return (struct op_tile) {.rows = 32, .cols = 64, .lane_rows = 8, .lane_cols = 4};
    const uint64_t tiles = (uint64_t) ((rows + 127) / 128) * ((cols + 127) / 128);
    if (rows > 64 && tiles >= tuning->enough_tiles && !tuning->no_large_tiles)
        return (struct op_tile) {.rows = 128, .cols = 128, .lane_rows = 8, .lane_cols = 8};
    return (struct op_tile) {.rows = 64, .cols = 64, .lane_rows = 8, .lane_cols = 8};
}
