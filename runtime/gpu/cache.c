// The pipeline cache on disk: the SHA-256 of the driver's data in 64 digits, then the data. One
// file for each device and driver version; what is damaged or foreign is ignored and replaced.

#include "gpu/internal.h"

#include <string.h>

#include "base/file/file.h"
#include "base/file/hash.h"

enum { DIGITS = HASH_SIZE - 1 };

// Whether `data` begins with the header that Vulkan prescribes, for this device.
static bool fits_device(const struct gpu *gpu, const uint8_t *data, size_t size)
{
    VkPipelineCacheHeaderVersionOne header;
    if (size < sizeof(header))
        return false;
    memcpy(&header, data, sizeof(header));
    VkPhysicalDeviceProperties device;
    vkGetPhysicalDeviceProperties(gpu->physical, &device);
    return header.headerSize >= sizeof(header) && header.headerSize <= size &&
           header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
           header.vendorID == device.vendorID && header.deviceID == device.deviceID &&
           memcmp(header.pipelineCacheUUID, device.pipelineCacheUUID, VK_UUID_SIZE) == 0;
}

static bool is_whole(const struct gpu *gpu, const char *text, size_t size)
{
    if (size < DIGITS)
        return false;
    char sum[HASH_SIZE];
    hash_of(text + DIGITS, size - DIGITS, sum);
    return memcmp(sum, text, DIGITS) == 0 &&
           fits_device(gpu, (const uint8_t *) text + DIGITS, size - DIGITS);
}

static const char *name_file(struct gpu *gpu, const char *folder)
{
    VkPhysicalDeviceProperties device;
    vkGetPhysicalDeviceProperties(gpu->physical, &device);
    char uuid[2 * VK_UUID_SIZE + 1];
    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", device.pipelineCacheUUID[i]);
    const char *name =
        arena_print(gpu->arena, "pipelines-%04x-%04x-%s-%08x", (unsigned) device.vendorID,
                    (unsigned) device.deviceID, uuid, (unsigned) device.driverVersion);
    return path_join(gpu->arena, folder, name);
}

enum em_status gpu_cache_open(struct gpu *gpu, const char *folder)
{
    struct arena *a = arena_create();
    struct log *quiet = log_create(NULL, LOG_QUIET); // the cache's troubles are not the run's
    char *text = NULL;
    size_t size = 0;
    if (folder && quiet) {
        gpu->cache_path = name_file(gpu, folder);
        const bool read = file_exists(gpu->cache_path) &&
                          file_read(quiet, a, gpu->cache_path, &text, &size) == EM_OK;
        if (read && !is_whole(gpu, text, size)) {
            log_detail(gpu->log, "%s: damaged or another driver's, ignored", gpu->cache_path);
            size = 0;
        }
    }
    const VkPipelineCacheCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = size ? size - DIGITS : 0,
        .pInitialData = size ? text + DIGITS : NULL,
    };
    gpu->cache_loaded = info.initialDataSize;
    const VkResult result = vkCreatePipelineCache(gpu->device, &info, NULL, &gpu->pipelines.cache);
    log_destroy(&quiet);
    arena_destroy(&a);
    return gpu_check(gpu->log, result, "vkCreatePipelineCache");
}

static enum em_status write_cache(struct gpu *gpu, struct log *log, struct arena *a)
{
    size_t size = 0;
    VK(log, vkGetPipelineCacheData, gpu->device, gpu->pipelines.cache, &size, NULL);
    if (size <= gpu->cache_loaded || size <= sizeof(VkPipelineCacheHeaderVersionOne))
        return EM_OK; // nothing new, or nothing at all
    char *text = arena_alloc(a, DIGITS + size);
    VK(log, vkGetPipelineCacheData, gpu->device, gpu->pipelines.cache, &size, text + DIGITS);
    char sum[HASH_SIZE];
    hash_of(text + DIGITS, size, sum);
    memcpy(text, sum, DIGITS);
    EM_TRY(folder_make(log, path_folder(a, gpu->cache_path)));
    return file_write(log, gpu->cache_path, text, DIGITS + size);
}

void gpu_cache_save(struct gpu *gpu)
{
    if (!gpu->cache_path || !gpu->pipelines.cache)
        return;
    struct arena *a = arena_create();
    struct log *quiet = log_create(NULL, LOG_QUIET);
    if (quiet && write_cache(gpu, quiet, a) != EM_OK)
        log_detail(gpu->log, "the pipeline cache was not kept: %s", log_error(quiet));
    log_destroy(&quiet);
    arena_destroy(&a);
}
