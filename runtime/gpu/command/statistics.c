// What the driver's compiler says of the kernels: registers, spills, occupancy.

#include "gpu/internal.h"

#include <string.h>

struct statistics {
    struct gpu_statistic *items;
    size_t num, cap;
};

static double value_of(const VkPipelineExecutableStatisticKHR *s)
{
    switch (s->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
        return s->value.b32;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
        return (double) s->value.i64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
        return (double) s->value.u64;
    default:
        return s->value.f64;
    }
}

static enum em_status read_executable(struct gpu_pipelines *p, struct arena *a,
                                      const VkPipelineExecutableInfoKHR *at,
                                      struct gpu_statistic what, struct statistics *out)
{
    const PFN_vkGetPipelineExecutableStatisticsKHR read =
        (PFN_vkGetPipelineExecutableStatisticsKHR) vkGetDeviceProcAddr(
            p->device, "vkGetPipelineExecutableStatisticsKHR");
    uint32_t num = 0;
    VK(p->gpu->log, read, p->device, at, &num, NULL);
    VkPipelineExecutableStatisticKHR *list = arena_array(a, VkPipelineExecutableStatisticKHR, num);
    for (uint32_t i = 0; i < num; i++)
        list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    VK(p->gpu->log, read, p->device, at, &num, list);
    for (uint32_t i = 0; i < num; i++) {
        what.name = arena_copy(a, list[i].name);
        what.value = value_of(&list[i]);
        *arena_push(a, out) = what;
    }
    return EM_OK;
}

static enum em_status read_pipeline(struct gpu_pipelines *p, struct arena *a, VkPipeline pipeline,
                                    struct gpu_statistic what, struct statistics *out)
{
    const PFN_vkGetPipelineExecutablePropertiesKHR read =
        (PFN_vkGetPipelineExecutablePropertiesKHR) vkGetDeviceProcAddr(
            p->device, "vkGetPipelineExecutablePropertiesKHR");
    const VkPipelineInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR,
        .pipeline = pipeline,
    };
    uint32_t num = 0;
    VK(p->gpu->log, read, p->device, &info, &num, NULL);
    VkPipelineExecutablePropertiesKHR *list =
        arena_array(a, VkPipelineExecutablePropertiesKHR, num);
    for (uint32_t i = 0; i < num; i++)
        list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
    VK(p->gpu->log, read, p->device, &info, &num, list);
    for (uint32_t i = 0; i < num; i++) {
        const VkPipelineExecutableInfoKHR at = {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
            .pipeline = pipeline,
            .executableIndex = i,
        };
        what.executable = arena_copy(a, list[i].name);
        EM_TRY(read_executable(p, a, &at, what, out));
    }
    return EM_OK;
}

static enum em_status read_kernel(struct gpu_pipelines *p, struct arena *a, enum gpu_kernel kernel,
                                  const uint32_t spec[GPU_MAX_SPEC], struct statistics *out)
{
    struct gpu_statistic what = {.kernel = kernel};
    memcpy(what.spec, spec, sizeof(what.spec));
    VkPipeline pipeline;
    EM_TRY(gpu_pipeline_get(p, kernel, spec, &pipeline));
    return p->flags ? read_pipeline(p, a, pipeline, what, out) : EM_OK;
}

static enum em_status read_all(struct gpu_pipelines *p, struct arena *a, struct statistics *out)
{
    const uint32_t defaults[GPU_MAX_SPEC] = {0};
    for (int k = 0; k < KERNEL_COUNT; k++) {
        const enum gpu_kernel kernel = (enum gpu_kernel) k;
        EM_TRY(read_kernel(p, a, kernel, defaults, out));
        for (const struct gpu_pipeline *at = p->gpu->pipelines.kernels[k].first; at;
             at = at->next) {
            if (memcmp(at->spec, defaults, sizeof(defaults)) != 0)
                EM_TRY(read_kernel(p, a, kernel, at->spec, out));
        }
    }
    return EM_OK;
}

// A logical device of its own: the extension is for tools, and normal runs stay without it.
enum em_status gpu_kernel_statistics(struct gpu *gpu, struct arena *a, struct gpu_statistic **list,
                                     int *num)
{
    const char *extension = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    const bool told = gpu_has_extension(gpu, extension);
    const VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
        .pipelineExecutableInfo = VK_TRUE,
    };
    struct gpu_pipelines p = {.gpu = gpu};
    EM_TRY(gpu_device_make(gpu, told ? extension : NULL, told ? &features : NULL, &p.device));
    if (told)
        p.flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
    const VkDevice device = p.device;
    struct statistics found = {0};
    const enum em_status status = read_all(&p, a, &found);
    gpu_pipelines_drop(&p);
    vkDestroyDevice(device, NULL);
    *list = found.items;
    *num = (int) found.num;
    return status;
}
