// What the files of this folder share: the Vulkan objects behind its opaque types.

#ifndef GPU_INTERNAL_H
#define GPU_INTERNAL_H

#include <stdatomic.h>
#include <vulkan/vulkan.h>

#include "gpu/buffer.h"
#include "gpu/command/command.h"
#include "gpu/device.h"
#include "gpu/kernel.h"

struct gpu_instance {
    VkInstance handle; // NULL where the loader finds no driver
    struct log *log;
    VkDebugUtilsMessengerEXT messenger;
    atomic_int messages; // of the validation layers
    PFN_vkSetDebugUtilsObjectNameEXT set_name;
    PFN_vkCmdBeginDebugUtilsLabelEXT begin_label;
    PFN_vkCmdEndDebugUtilsLabelEXT end_label;
};

struct gpu_pipeline {
    struct gpu_pipeline *next;
    uint32_t spec[GPU_MAX_SPEC];
    VkPipeline handle;
};

// Pipelines of one logical device, made on first use.
struct gpu_pipelines {
    struct gpu *gpu;
    VkDevice device;
    VkPipelineCache cache;
    VkPipelineCreateFlags flags;
    VkDescriptorSetLayout set_layouts[GPU_MAX_BINDINGS + 1]; // by number of bindings
    struct {
        VkPipelineLayout layout;
        struct gpu_pipeline *first;
    } kernels[KERNEL_COUNT + 1];
};

// Host memory that the device imports.
struct gpu_pages {
    void *mapped, *aligned; // aligned: at a huge page's border
    size_t size;            // bytes that are mapped
};

struct gpu {
    struct gpu_instance instance;
    struct log *log;
    struct arena *arena;
    struct gpu_info info;
    VkPhysicalDevice physical;
    VkPhysicalDeviceMemoryProperties memory;
    VkDevice device;
    uint32_t family;
    VkQueue queue;
    uint64_t timestamp_mask;  // 0: the queue has no timestamps
    double timestamp_seconds; // a tick

    uint64_t memory_used, memory_peak;
    uint64_t import_align;   // of the host memory that it imports; 0: it imports none
    struct gpu_buf *staging; // made with the first copy that needs it
    VkCommandPool copy_pool;
    VkCommandBuffer copy_commands;
    VkFence copy_fence;

    struct gpu_pipelines pipelines;
    const char *cache_path; // NULL: not kept
    size_t cache_loaded;    // bytes
};

struct gpu_buf {
    struct gpu *gpu;
    const char *name;
    uint64_t size, allocated;
    VkBuffer handle;
    VkDeviceMemory memory;
    struct gpu_pages pages; // none where the driver allocates the memory
    void *map;              // NULL: not visible to the host
};

// A Vulkan call that must succeed, in a function that returns a status.
#define VK(log, function, ...) EM_TRY(gpu_check((log), function(__VA_ARGS__), #function))
EM_MUST_CHECK enum em_status gpu_check(struct log *log, VkResult result, const char *call);
const char *gpu_result_name(VkResult result);
const char *gpu_result_cure(VkResult result); // "; do this", or ""

EM_MUST_CHECK enum em_status gpu_instance_make(struct gpu_instance *instance, struct log *log);
void gpu_instance_drop(struct gpu_instance *instance);
void gpu_set_name(struct gpu *gpu, VkObjectType type, uint64_t handle, const char *name);

// A logical device with one compute queue.
EM_MUST_CHECK enum em_status gpu_device_make(struct gpu *gpu, const char *extension,
                                             const void *features, VkDevice *device);

bool gpu_has_extension(const struct gpu *gpu, const char *name);

// Names the extension that the device needs to import host memory, if it is to.
void gpu_pages_find(struct gpu *gpu, const char **extension);
bool gpu_pages_serve(const struct gpu *gpu, uint64_t size); // whether a buffer's memory is imported
// `types` is narrowed to the memory types that take it.
VkResult gpu_pages_take(struct gpu *gpu, uint64_t size, struct gpu_pages *pages, uint32_t *types);
void gpu_pages_drop(struct gpu_pages *pages);

// Submit recorded commands and wait until they are done; `name` and `label` are for the error.
EM_MUST_CHECK enum em_status gpu_submit(struct gpu *gpu, VkCommandBuffer commands, VkFence fence,
                                        const char *name, const char *label);

EM_MUST_CHECK enum em_status gpu_cache_open(struct gpu *gpu, const char *folder);
void gpu_cache_save(struct gpu *gpu); // a failure is only a detail

EM_MUST_CHECK enum em_status gpu_pipeline_get(struct gpu_pipelines *p, enum gpu_kernel kernel,
                                              const uint32_t spec[GPU_MAX_SPEC],
                                              VkPipeline *pipeline);
void gpu_pipelines_drop(struct gpu_pipelines *p);

static inline double gpu_mib(uint64_t bytes)
{
    return (double) bytes / (1 << 20);
}

#endif
