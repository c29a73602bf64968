// Memory on the device. A buffer is one allocation; a slice is a range of its bytes.
//
// Offsets handed to kernels are multiples of 256 bytes (GPU_ALIGN) unless the device allows less.

#ifndef GPU_BUFFER_H
#define GPU_BUFFER_H

#include "gpu/device.h"

enum { GPU_ALIGN = 256 };

struct gpu_buf;

enum gpu_memory {
    GPU_LOCAL,    // the device's own; also mapped where memory is unified or the device is a CPU
    GPU_READBACK, // host-cached, mapped: what the host reads back, or writes a little of each run
};

struct gpu_buf_params {
    uint64_t size; // bytes, at most gpu_info()->max_alloc
    enum gpu_memory memory;
    const char *name;
};

struct gpu_slice {
    struct gpu_buf *buf;
    uint64_t offset, size; // bytes
};

struct gpu_buf *gpu_buf_create(struct gpu *gpu, const struct gpu_buf_params *params);
void gpu_buf_destroy(struct gpu_buf **buf);
// The host's address of it, or NULL where it is not mapped.
void *gpu_buf_at(struct gpu_slice slice);
uint64_t gpu_memory_used(const struct gpu *gpu); // bytes in buffers now
uint64_t gpu_memory_peak(const struct gpu *gpu);

// Copy now, through a staging buffer where the memory is not mapped; not between gpu_cmd_run's
// work.
EM_MUST_CHECK enum em_status gpu_upload(struct gpu *gpu, struct gpu_slice to, const void *data);
EM_MUST_CHECK enum em_status gpu_download(struct gpu *gpu, void *data, struct gpu_slice from);

static inline struct gpu_slice gpu_sub(struct gpu_slice s, uint64_t offset, uint64_t size)
{
    return (struct gpu_slice) {s.buf, s.offset + offset, size};
}

#endif
