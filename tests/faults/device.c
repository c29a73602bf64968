// Vulkan's calls, each of which may be told to fail with a result that it may have; see fault.h. A
// device that is lost stays lost: nothing is submitted any more until another one is made.

#include <stdatomic.h>

#include "fault.h"
#include "gpu/internal.h"

#define NO_HOST VK_ERROR_OUT_OF_HOST_MEMORY
#define NO_DEVICE VK_ERROR_OUT_OF_DEVICE_MEMORY

#define WRAP(name, params, args, result)                                                           \
    FAULT_WRAP(VKAPI_ATTR VkResult VKAPI_CALL, name, params, args, return result)
#define WRAP_CREATE(name, parent, info, handle, result)                                            \
    WRAP(name, (parent of, const info *what, const VkAllocationCallbacks *by, handle *out),        \
         (of, what, by, out), result)

WRAP(vkEnumerateInstanceVersion, (uint32_t * version), (version), NO_HOST)
WRAP(vkEnumerateInstanceExtensionProperties,
     (const char *layer, uint32_t *num, VkExtensionProperties *out), (layer, num, out), NO_HOST)
WRAP(vkCreateInstance,
     (const VkInstanceCreateInfo *info, const VkAllocationCallbacks *by, VkInstance *out),
     (info, by, out), NO_HOST)
WRAP(vkEnumeratePhysicalDevices, (VkInstance of, uint32_t *num, VkPhysicalDevice *out),
     (of, num, out), NO_HOST)
static atomic_bool lost;

static bool is_lost(const char *function, const void *caller)
{
    if (fault_is_due(function, caller))
        atomic_store(&lost, true);
    return atomic_load(&lost);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDevice(VkPhysicalDevice of, const VkDeviceCreateInfo *what,
                                              const VkAllocationCallbacks *by, VkDevice *out)
{
    PFN_vkCreateDevice real;
    if (fault_is_due("vkCreateDevice", __builtin_return_address(0)))
        return VK_ERROR_TOO_MANY_OBJECTS;
    atomic_store(&lost, false);
    fault_find("vkCreateDevice", &real);
    return real(of, what, by, out);
}

WRAP_CREATE(vkCreateBuffer, VkDevice, VkBufferCreateInfo, VkBuffer, NO_DEVICE)
WRAP_CREATE(vkAllocateMemory, VkDevice, VkMemoryAllocateInfo, VkDeviceMemory, NO_DEVICE)
WRAP(vkBindBufferMemory, (VkDevice of, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize at),
     (of, buffer, memory, at), NO_DEVICE)
WRAP(vkMapMemory,
     (VkDevice of, VkDeviceMemory memory, VkDeviceSize at, VkDeviceSize size,
      VkMemoryMapFlags flags, void **out),
     (of, memory, at, size, flags, out), VK_ERROR_MEMORY_MAP_FAILED)

WRAP_CREATE(vkCreateShaderModule, VkDevice, VkShaderModuleCreateInfo, VkShaderModule, NO_HOST)
WRAP_CREATE(vkCreateDescriptorSetLayout, VkDevice, VkDescriptorSetLayoutCreateInfo,
            VkDescriptorSetLayout, NO_HOST)
WRAP_CREATE(vkCreatePipelineLayout, VkDevice, VkPipelineLayoutCreateInfo, VkPipelineLayout, NO_HOST)
WRAP_CREATE(vkCreatePipelineCache, VkDevice, VkPipelineCacheCreateInfo, VkPipelineCache, NO_HOST)
WRAP(vkCreateComputePipelines,
     (VkDevice of, VkPipelineCache cache, uint32_t num, const VkComputePipelineCreateInfo *infos,
      const VkAllocationCallbacks *by, VkPipeline *out),
     (of, cache, num, infos, by, out), NO_DEVICE)
WRAP(vkGetPipelineCacheData, (VkDevice of, VkPipelineCache cache, size_t *size, void *out),
     (of, cache, size, out), NO_HOST)

WRAP_CREATE(vkCreateDescriptorPool, VkDevice, VkDescriptorPoolCreateInfo, VkDescriptorPool,
            NO_DEVICE)
WRAP(vkAllocateDescriptorSets,
     (VkDevice of, const VkDescriptorSetAllocateInfo *info, VkDescriptorSet *out), (of, info, out),
     VK_ERROR_OUT_OF_POOL_MEMORY)
WRAP_CREATE(vkCreateCommandPool, VkDevice, VkCommandPoolCreateInfo, VkCommandPool, NO_HOST)
WRAP(vkAllocateCommandBuffers,
     (VkDevice of, const VkCommandBufferAllocateInfo *info, VkCommandBuffer *out), (of, info, out),
     NO_DEVICE)
WRAP_CREATE(vkCreateQueryPool, VkDevice, VkQueryPoolCreateInfo, VkQueryPool, NO_DEVICE)
WRAP_CREATE(vkCreateFence, VkDevice, VkFenceCreateInfo, VkFence, NO_HOST)

WRAP(vkBeginCommandBuffer, (VkCommandBuffer to, const VkCommandBufferBeginInfo *info), (to, info),
     NO_DEVICE)
WRAP(vkEndCommandBuffer, (VkCommandBuffer to), (to), NO_DEVICE)
WRAP(vkResetFences, (VkDevice of, uint32_t num, const VkFence *fences), (of, num, fences),
     NO_DEVICE)

VKAPI_ATTR VkResult VKAPI_CALL vkQueueSubmit(VkQueue to, uint32_t num, const VkSubmitInfo *infos,
                                             VkFence fence)
{
    PFN_vkQueueSubmit real;
    if (is_lost("vkQueueSubmit", __builtin_return_address(0)))
        return VK_ERROR_DEVICE_LOST;
    fault_find("vkQueueSubmit", &real);
    return real(to, num, infos, fence);
}

// What was submitted is done before it is said to be lost: nothing may be destroyed in its course.
VKAPI_ATTR VkResult VKAPI_CALL vkWaitForFences(VkDevice of, uint32_t num, const VkFence *fences,
                                               VkBool32 all, uint64_t timeout)
{
    PFN_vkWaitForFences real;
    fault_find("vkWaitForFences", &real);
    const VkResult result = real(of, num, fences, all, timeout);
    return is_lost("vkWaitForFences", __builtin_return_address(0)) ? VK_ERROR_DEVICE_LOST : result;
}
