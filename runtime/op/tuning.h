// How the kernels are cut for a device: workgroup sizes and tiles. They may change sums from device
// to device, never on one device.

#ifndef OP_TUNING_H
#define OP_TUNING_H

#include "gpu/device.h"

struct op_tile {                   // of a matmul, in outputs
    uint32_t rows, cols;           // of a workgroup
    uint32_t lane_rows, lane_cols; // of a lane
    bool down;                     // lanes one below the other, not side by side
};

struct op_tuning {
    uint32_t row_lanes;       // of a workgroup that sums over a row
    uint32_t quad_lanes;      // of a workgroup of an elementwise kernel
    uint32_t quads;           // of a row, for each of its lanes
    uint32_t attention_lanes; // of a workgroup for a (row, head)
    bool direct;              // matmul and attention in registers, without shared memory
    uint32_t down_cols;       // of a direct lane, where lanes lie down the rows; 0: side by side
    uint32_t enough_tiles;    // to keep the device busy: with fewer, a matmul takes smaller ones
    bool no_large_tiles;      // they need 256 lanes and 17 KiB of shared memory
};

struct op_tuning op_tuning_of(const struct gpu_info *info);

// How a matmul with these outputs is cut. An output's bits do not depend on it.
struct op_tile op_tuning_tile(const struct op_tuning *tuning, uint32_t rows, uint32_t cols);

#endif
