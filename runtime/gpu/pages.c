// Memory of a CPU device's large buffers: the host's own, in huge pages, imported by the driver.
//
// What drivers allocate themselves comes in pages of 4 KiB. Touching a model's weights for the
// first time then costs more than computing them, and products wait for the translation of
// addresses.

#include "gpu/internal.h"

#include <sys/mman.h>

static const uint64_t HUGE_PAGE = 2 << 20;

void gpu_pages_find(struct gpu *gpu, const char **extension)
{
    static const char name[] = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
    if (gpu->info.type != GPU_CPU || !gpu->info.unified || !gpu_has_extension(gpu, name))
        return;
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT,
    };
    VkPhysicalDeviceProperties2 all = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .pNext = &host,
    };
    vkGetPhysicalDeviceProperties2(gpu->physical, &all);
    if (host.minImportedHostPointerAlignment > HUGE_PAGE)
        return;
    gpu->import_align = host.minImportedHostPointerAlignment;
    *extension = name;
}

bool gpu_pages_serve(const struct gpu *gpu, uint64_t size)
{
    return gpu->import_align && size >= HUGE_PAGE;
}

VkResult gpu_pages_take(struct gpu *gpu, uint64_t size, struct gpu_pages *pages, uint32_t *types)
{
    const size_t mapped = (size_t) (size + HUGE_PAGE);
    void *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    *pages = (struct gpu_pages) {.mapped = at, .size = mapped};
    (void) madvise(at, mapped, MADV_HUGEPAGE); // small ones serve too
    const uint64_t ahead = (uint64_t) (uintptr_t) at % HUGE_PAGE;
    pages->aligned = (char *) at + (ahead ? HUGE_PAGE - ahead : 0);

    VkMemoryHostPointerPropertiesEXT host = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT,
    };
    const PFN_vkGetMemoryHostPointerPropertiesEXT ask =
        (PFN_vkGetMemoryHostPointerPropertiesEXT) vkGetDeviceProcAddr(
            gpu->device, "vkGetMemoryHostPointerPropertiesEXT");
    const VkResult result = ask(gpu->device, VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
                                pages->aligned, &host);
    *types &= host.memoryTypeBits;
    return result;
}

void gpu_pages_drop(struct gpu_pages *pages)
{
    if (pages->mapped)
        munmap(pages->mapped, pages->size);
    *pages = (struct gpu_pages) {0};
}
