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
};

struct op_tuning op_tuning_of(enum gpu_type type)
{
    return type == GPU_CPU ? cpu : gpu;
}

struct op_tile op_tuning_tile(const struct op_tuning *tuning, uint32_t rows)
{
    if (tuning->direct)
        return (struct op_tile) {
            .rows = rows <= 2   ? 1
                    : rows <= 4 ? 4
                                : 8,
            .cols = 8 * 8,
            .lane_rows = rows <= 2   ? 1
                         : rows <= 4 ? 4
                                     : 8,
            .lane_cols = 8,
        };
    if (rows <= 16)
        return (struct op_tile) {.rows = 16, .cols = 64, .lane_rows = 4, .lane_cols = 4};
    if (rows <= 32)
        return (struct op_tile) {.rows = 32, .cols = 64, .lane_rows = 8, .lane_cols = 4};
    return (struct op_tile) {.rows = 64, .cols = 64, .lane_rows = 8, .lane_cols = 4};
}
