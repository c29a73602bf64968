// A Vulkan device: which there are, which one is used, what it can do.
//
// Only this folder includes <vulkan/vulkan.h>. Memory: gpu_create's result and everything made from
// it is destroyed by the caller, buffers and commands before the device. Threads: one at a time per
// device. Errors: create returns NULL, actions return a status; the log has the reason.

#ifndef GPU_DEVICE_H
#define GPU_DEVICE_H

#include "base/arena.h"
#include "base/log.h"

struct gpu;

enum gpu_type { GPU_CPU, GPU_INTEGRATED, GPU_DISCRETE, GPU_OTHER };

struct gpu_info {
    char name[256], driver[256], driver_version[256]; // as the driver names itself
    uint32_t driver_major;                            // the first number of its version
    enum gpu_type type;
    int index;            // among the devices of this machine, in Vulkan's order
    uint32_t api_version; // as Vulkan packs it
    uint8_t uuid[16];     // the device's; equal devices of two drivers share it
    bool suitable;        // Vulkan 1.2, a compute queue
    uint64_t memory;      // bytes this program may plan with; the host's memory for a CPU device
    uint64_t max_range;   // bytes one binding may span
    uint64_t max_alloc;   // bytes one allocation may have
    uint32_t max_groups;  // in one dimension of a dispatch
    uint32_t max_invocations; // in one workgroup
    uint32_t shared_memory;   // bytes a workgroup
    uint32_t subgroup_size;   // lanes; kernels of CPU devices rely on it
    bool subgroup_broadcast;  // in compute
    uint32_t offset_align;    // of a binding's offset, bytes
    bool unified;             // device memory is host memory
};

struct gpu_params {
    struct log *log;
    // An index, a part of a name, "cpu"; NULL: the best real GPU, else the CPU device.
    const char *device;
    uint64_t max_range; // lower the device's limits, for tests; 0: the device's own
    uint64_t max_alloc;
    bool unmapped; // for tests: the host does not see device memory, as on a discrete GPU
    const char *cache_folder; // for the pipeline cache; NULL: none
};

struct gpu *gpu_create(const struct gpu_params *params);
void gpu_destroy(struct gpu **gpu);
const struct gpu_info *gpu_info(const struct gpu *gpu);
struct log *gpu_log(struct gpu *gpu);

// All devices of this machine, suitable or not, in Vulkan's order.
EM_MUST_CHECK enum em_status gpu_list(struct log *log, struct arena *a, struct gpu_info **list,
                                      int *num);

// Messages of the validation layers since the device was made (they also go to the log); 0 without
// layers.
int gpu_validation_messages(const struct gpu *gpu);

#endif
