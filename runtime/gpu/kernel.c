// Pipelines: a kernel with its specialisation constants, compiled for the device on first use.

#include "gpu/internal.h"

#include <string.h>

static enum em_status make_set_layout(struct gpu_pipelines *p, uint32_t num)
{
    VkDescriptorSetLayoutBinding bindings[GPU_MAX_BINDINGS];
    for (uint32_t i = 0; i < num; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding) {
            .binding = i,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    const VkDescriptorSetLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = num,
        .pBindings = bindings,
    };
    VK(p->gpu->log, vkCreateDescriptorSetLayout, p->device, &info, NULL, &p->set_layouts[num]);
    return EM_OK;
}

static enum em_status make_layout(struct gpu_pipelines *p, enum gpu_kernel kernel)
{
    const struct gpu_kernel_info *k = gpu_kernel_info(kernel);
    if (!p->set_layouts[k->num_bindings])
        EM_TRY(make_set_layout(p, (uint32_t) k->num_bindings));
    const VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, k->push_size};
    const VkPipelineLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &p->set_layouts[k->num_bindings],
        .pushConstantRangeCount = k->push_size > 0,
        .pPushConstantRanges = &push,
    };
    VK(p->gpu->log, vkCreatePipelineLayout, p->device, &info, NULL, &p->kernels[kernel].layout);
    return EM_OK;
}

static enum em_status make_pipeline(struct gpu_pipelines *p, enum gpu_kernel kernel,
                                    VkShaderModule module, struct gpu_pipeline *pipeline)
{
    VkSpecializationMapEntry entries[GPU_MAX_SPEC];
    VkSpecializationInfo spec = {
        .pMapEntries = entries,
        .dataSize = sizeof(pipeline->spec),
        .pData = pipeline->spec,
    };
    for (uint32_t i = 0; i < GPU_MAX_SPEC; i++) {
        if (pipeline->spec[i])
            entries[spec.mapEntryCount++] =
                (VkSpecializationMapEntry) {i, i * (uint32_t) sizeof(uint32_t), sizeof(uint32_t)};
    }
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = p->flags,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = spec.mapEntryCount ? &spec : NULL,
            },
        .layout = p->kernels[kernel].layout,
    };
    const VkResult result =
        vkCreateComputePipelines(p->device, p->cache, 1, &info, NULL, &pipeline->handle);
    if (result != VK_SUCCESS)
        return log_fail(p->gpu->log, EM_ERR_DEVICE,
                        "%s could not compile the kernel %s: %s (VkResult %d)%s", p->gpu->info.name,
                        gpu_kernel_info(kernel)->name, gpu_result_name(result), (int) result,
                        gpu_result_cure(result));
    return EM_OK;
}

static enum em_status compile(struct gpu_pipelines *p, enum gpu_kernel kernel,
                              struct gpu_pipeline *pipeline)
{
    const struct gpu_kernel_info *k = gpu_kernel_info(kernel);
    const VkShaderModuleCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = k->spirv_size,
        .pCode = k->spirv,
    };
    VkShaderModule module;
    VK(p->gpu->log, vkCreateShaderModule, p->device, &info, NULL, &module);
    const enum em_status status = make_pipeline(p, kernel, module, pipeline);
    vkDestroyShaderModule(p->device, module, NULL);
    if (status == EM_OK && p->device == p->gpu->device)
        gpu_set_name(p->gpu, VK_OBJECT_TYPE_PIPELINE, (uint64_t) pipeline->handle, k->name);
    return status;
}

enum em_status gpu_pipeline_get(struct gpu_pipelines *p, enum gpu_kernel kernel,
                                const uint32_t spec[GPU_MAX_SPEC], VkPipeline *pipeline)
{
    const size_t size = sizeof(uint32_t[GPU_MAX_SPEC]);
    for (struct gpu_pipeline *at = p->kernels[kernel].first; at; at = at->next) {
        if (memcmp(at->spec, spec, size) == 0) {
            *pipeline = at->handle;
            return EM_OK;
        }
    }
    if (!p->kernels[kernel].layout)
        EM_TRY(make_layout(p, kernel));
    struct gpu_pipeline *made = arena_new(p->gpu->arena, struct gpu_pipeline);
    memcpy(made->spec, spec, size);
    EM_TRY(compile(p, kernel, made));
    made->next = p->kernels[kernel].first;
    p->kernels[kernel].first = made;
    *pipeline = made->handle;
    return EM_OK;
}

void gpu_pipelines_drop(struct gpu_pipelines *p)
{
    for (int k = 0; k < KERNEL_COUNT; k++) {
        for (struct gpu_pipeline *at = p->kernels[k].first; at; at = at->next)
            vkDestroyPipeline(p->device, at->handle, NULL);
        vkDestroyPipelineLayout(p->device, p->kernels[k].layout, NULL);
    }
    for (int i = 0; i <= GPU_MAX_BINDINGS; i++)
        vkDestroyDescriptorSetLayout(p->device, p->set_layouts[i], NULL);
    vkDestroyPipelineCache(p->device, p->cache, NULL);
    *p = (struct gpu_pipelines) {0};
}
