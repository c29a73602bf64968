// The kernels: one .comp file and one line in shaders/kernels.def each, compiled at build time and
// embedded; the pipeline is made on first use and kept in the on-disk pipeline cache.

#ifndef GPU_KERNEL_H
#define GPU_KERNEL_H

#include "gpu/device.h"

// KERNEL(name, file, push struct, bindings, defines): see kernels.def
enum gpu_kernel {
#define KERNEL(name, file, push, bindings, defines) KERNEL_##name,
#include "kernels.def"
#undef KERNEL
    KERNEL_COUNT
};

enum { GPU_MAX_BINDINGS = 8, GPU_MAX_SPEC = 6, GPU_MAX_PUSH = 128 };

struct gpu_kernel_info {
    const char *name;     // as in kernels.def
    const char *bindings; // one letter each: r read, w written, m both
    int num_bindings;
    uint32_t push_size;
    const uint32_t *spirv;
    size_t spirv_size; // bytes
};

const struct gpu_kernel_info *gpu_kernel_info(enum gpu_kernel kernel);
const char *gpu_kernel_hash(void); // SHA-256 of all embedded SPIR-V: part of the numeric profile

// What the driver says of one compiled pipeline (VK_KHR_pipeline_executable_properties).
struct gpu_statistic {
    enum gpu_kernel kernel;
    uint32_t spec[GPU_MAX_SPEC]; // specialisation constants; 0: the shader's default
    const char *executable, *name;
    double value;
};

// Compile for this device every kernel with its default constants, and again with those that it was
// used with so far. `list` is empty where the driver tells nothing.
EM_MUST_CHECK enum em_status gpu_kernel_statistics(struct gpu *gpu, struct arena *a,
                                                   struct gpu_statistic **list, int *num);

#endif
