// Recording: dispatches, copies, fills and host calls become submissions with barriers between what
// depends on each other.

#include "gpu/command/recording.h"

#include <string.h>

enum { SETS_PER_POOL = 256 };

// What a submission may cost before it is cut, in floating-point operations: about 100 ms, so that
// an interruption is heard and no driver takes the device for hung. A byte that is bound counts as
// several operations, which is what moving it takes.
static double cost_limit(const struct gpu *gpu)
{
    static const double limits[] = {
        [GPU_CPU] = 2e9, [GPU_INTEGRATED] = 2e10, [GPU_DISCRETE] = 1e11, [GPU_OTHER] = 2e10};
    return limits[gpu->info.type];
}

static const double COST_OF_BYTE = 8;

static bool is_recording(struct gpu_cmd *cmd)
{
    if (cmd->status == EM_OK && cmd->ended)
        cmd->status = log_fail(cmd->gpu->log, EM_ERR_DEVICE, "\"%s\" was recorded to after its end",
                               cmd->name);
    return cmd->status == EM_OK;
}

static enum em_status make(struct gpu_cmd *cmd)
{
    struct gpu *gpu = cmd->gpu;
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .queueFamilyIndex = gpu->family,
    };
    VK(gpu->log, vkCreateCommandPool, gpu->device, &pool, NULL, &cmd->pool);
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VK(gpu->log, vkCreateFence, gpu->device, &fence, NULL, &cmd->fence);
    return EM_OK;
}

struct gpu_cmd *gpu_cmd_create(struct gpu *gpu, const char *name)
{
    struct arena *arena = arena_create();
    struct gpu_cmd *cmd = arena_new(arena, struct gpu_cmd);
    *cmd = (struct gpu_cmd) {.gpu = gpu, .arena = arena, .name = arena_copy(arena, name)};
    if (make(cmd) != EM_OK)
        gpu_cmd_destroy(&cmd);
    return cmd;
}

void gpu_cmd_destroy(struct gpu_cmd **cmd)
{
    struct gpu_cmd *c = *cmd;
    if (!c)
        return;
    const VkDevice device = c->gpu->device;
    for (size_t i = 0; i < c->query_pools.num; i++)
        vkDestroyQueryPool(device, c->query_pools.items[i], NULL);
    for (size_t i = 0; i < c->descriptor_pools.num; i++)
        vkDestroyDescriptorPool(device, c->descriptor_pools.items[i], NULL);
    vkDestroyCommandPool(device, c->pool, NULL);
    vkDestroyFence(device, c->fence, NULL);
    struct arena *arena = c->arena;
    arena_destroy(&arena);
    *cmd = NULL;
}

// --- submissions ---------------------------------------------------------------------------------

static void put_barrier(VkCommandBuffer commands, bool to_host)
{
    const VkPipelineStageFlags device =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    const VkAccessFlags writes = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                        reads = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT,
                        host = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT;
    const VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = writes,
        .dstAccessMask = to_host ? host : writes | reads,
    };
    vkCmdPipelineBarrier(commands, device, to_host ? VK_PIPELINE_STAGE_HOST_BIT : device, 0, 1,
                         &barrier, 0, NULL, 0, NULL);
}

static void close_label(struct gpu_cmd *cmd)
{
    if (cmd->label_is_open)
        cmd->gpu->instance.end_label(cmd->open);
    cmd->label_is_open = false;
}

static void open_label(struct gpu_cmd *cmd)
{
    if (!cmd->label || !cmd->gpu->instance.begin_label)
        return;
    const VkDebugUtilsLabelEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT,
        .pLabelName = cmd->label,
    };
    cmd->gpu->instance.begin_label(cmd->open, &info);
    cmd->label_is_open = true;
}

static enum em_status begin_submission(struct gpu_cmd *cmd)
{
    struct gpu *gpu = cmd->gpu;
    const VkCommandBufferAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = cmd->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VkCommandBuffer commands;
    VK(gpu->log, vkAllocateCommandBuffers, gpu->device, &info, &commands);
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    VK(gpu->log, vkBeginCommandBuffer, commands, &begin);
    gpu_set_name(gpu, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t) (uintptr_t) commands, cmd->name);
    cmd->open = commands;
    cmd->open_label = cmd->label;
    cmd->open_cost = 0;
    hazards_clear(&cmd->hazards);
    put_barrier(commands, false); // against the submission before, and this command's own last run
    open_label(cmd);
    return EM_OK;
}

static enum em_status end_submission(struct gpu_cmd *cmd)
{
    if (!cmd->open)
        return EM_OK;
    close_label(cmd);
    put_barrier(cmd->open, true);
    const VkCommandBuffer commands = cmd->open;
    cmd->open = NULL;
    VK(cmd->gpu->log, vkEndCommandBuffer, commands);
    *arena_push(cmd->arena, &cmd->steps) =
        (struct gpu_step) {.commands = commands, .label = cmd->open_label};
    return EM_OK;
}

static struct hazard_use use_of(struct gpu_slice s, bool write)
{
    return (struct hazard_use) {s.buf, s.offset, s.offset + s.size, write};
}

// Make ready for one piece of device work that uses these ranges.
static enum em_status before_work(struct gpu_cmd *cmd, const struct hazard_use *uses, int num)
{
    if (!cmd->open)
        EM_TRY(begin_submission(cmd));
    if (hazards_next(&cmd->hazards, cmd->arena, uses, num))
        put_barrier(cmd->open, false);
    return EM_OK;
}

static enum em_status after_work(struct gpu_cmd *cmd, double flop, uint64_t bytes)
{
    cmd->flop += flop;
    cmd->open_cost += flop + COST_OF_BYTE * (double) bytes;
    return cmd->open_cost < cost_limit(cmd->gpu) ? EM_OK : end_submission(cmd);
}

// --- timestamps ----------------------------------------------------------------------------------

static enum em_status reserve_queries(struct gpu_cmd *cmd)
{
    if (cmd->queries_left)
        return EM_OK;
    const VkQueryPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = QUERIES_PER_POOL,
    };
    VkQueryPool pool;
    VK(cmd->gpu->log, vkCreateQueryPool, cmd->gpu->device, &info, NULL, &pool);
    *arena_push(cmd->arena, &cmd->query_pools) = pool;
    cmd->queries_left = QUERIES_PER_POOL;
    return EM_OK;
}

static enum em_status begin_timing(struct gpu_cmd *cmd, const char *name, double flop)
{
    struct gpu_timed timed = {.name = name, .flop = flop};
    if (cmd->timing && cmd->gpu->timestamp_mask) {
        EM_TRY(reserve_queries(cmd));
        timed.pool = cmd->query_pools.items[cmd->query_pools.num - 1];
        timed.query = QUERIES_PER_POOL - cmd->queries_left;
        cmd->queries_left -= 2;
        vkCmdResetQueryPool(cmd->open, timed.pool, timed.query, 2);
        vkCmdWriteTimestamp(cmd->open, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, timed.pool,
                            timed.query);
    }
    *arena_push(cmd->arena, &cmd->timed) = timed;
    return EM_OK;
}

static void end_timing(struct gpu_cmd *cmd)
{
    const struct gpu_timed *timed = &cmd->timed.items[cmd->timed.num - 1];
    if (timed->pool)
        vkCmdWriteTimestamp(cmd->open, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, timed->pool,
                            timed->query + 1);
}

// --- dispatches ----------------------------------------------------------------------------------

static enum em_status check_slice(const struct gpu_cmd *cmd, const char *what, int binding,
                                  struct gpu_slice s)
{
    struct log *log = cmd->gpu->log;
    if (!s.buf)
        return log_fail(log, EM_ERR_DEVICE, "%s in \"%s\": binding %d is not given", what,
                        cmd->name, binding);
    if (!s.size || s.offset > s.buf->size || s.size > s.buf->size - s.offset)
        return log_fail(log, EM_ERR_DEVICE,
                        "%s in \"%s\": binding %d is %llu bytes at %llu of the buffer \"%s\", "
                        "which has %llu",
                        what, cmd->name, binding, (unsigned long long) s.size,
                        (unsigned long long) s.offset, s.buf->name,
                        (unsigned long long) s.buf->size);
    return EM_OK;
}

static enum em_status check_dispatch(const struct gpu_cmd *cmd, const struct gpu_dispatch *d)
{
    const struct gpu_info *info = &cmd->gpu->info;
    struct log *log = cmd->gpu->log;
    const struct gpu_kernel_info *k = gpu_kernel_info(d->kernel);
    for (int i = 0; i < k->num_bindings; i++) {
        const struct gpu_slice s = d->bind[i];
        EM_TRY(check_slice(cmd, k->name, i, s));
        if (s.size > info->max_range)
            return log_fail(log, EM_ERR_DEVICE,
                            "kernel %s, binding %d (buffer \"%s\"): %.1f MiB are more than one "
                            "binding of %s may span (%.1f MiB)",
                            k->name, i, s.buf->name, gpu_mib(s.size), info->name,
                            gpu_mib(info->max_range));
        if (s.offset % info->offset_align)
            return log_fail(log, EM_ERR_DEVICE,
                            "kernel %s, binding %d (buffer \"%s\"): offset %llu is no multiple of "
                            "%u, as %s demands",
                            k->name, i, s.buf->name, (unsigned long long) s.offset,
                            info->offset_align, info->name);
    }
    if (k->push_size && !d->push)
        return log_fail(log, EM_ERR_DEVICE, "kernel %s: its push constants are not given", k->name);
    for (int i = 0; i < 3; i++) {
        if (d->groups[i] > info->max_groups)
            return log_fail(log, EM_ERR_DEVICE, "kernel %s: %u groups in dimension %d, %s takes %u",
                            k->name, d->groups[i], i, info->name, info->max_groups);
    }
    return EM_OK;
}

static enum em_status add_descriptor_pool(struct gpu_cmd *cmd)
{
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       SETS_PER_POOL * GPU_MAX_BINDINGS};
    const VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = SETS_PER_POOL,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    VkDescriptorPool pool;
    VK(cmd->gpu->log, vkCreateDescriptorPool, cmd->gpu->device, &info, NULL, &pool);
    *arena_push(cmd->arena, &cmd->descriptor_pools) = pool;
    cmd->sets_left = SETS_PER_POOL;
    return EM_OK;
}

static enum em_status make_set(struct gpu_cmd *cmd, int num_bindings, VkDescriptorSet *set)
{
    struct gpu *gpu = cmd->gpu;
    if (!cmd->sets_left)
        EM_TRY(add_descriptor_pool(cmd));
    const VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = cmd->descriptor_pools.items[cmd->descriptor_pools.num - 1],
        .descriptorSetCount = 1,
        .pSetLayouts = &gpu->pipelines.set_layouts[num_bindings],
    };
    VK(gpu->log, vkAllocateDescriptorSets, gpu->device, &info, set);
    cmd->sets_left--;
    return EM_OK;
}

static enum em_status bind_slices(struct gpu_cmd *cmd, const struct gpu_dispatch *d)
{
    struct gpu *gpu = cmd->gpu;
    const int num = gpu_kernel_info(d->kernel)->num_bindings;
    VkDescriptorSet set;
    EM_TRY(make_set(cmd, num, &set));
    VkDescriptorBufferInfo ranges[GPU_MAX_BINDINGS];
    VkWriteDescriptorSet writes[GPU_MAX_BINDINGS];
    for (int i = 0; i < num; i++) {
        const struct gpu_slice s = d->bind[i];
        ranges[i] = (VkDescriptorBufferInfo) {s.buf->handle, s.offset, s.size};
        writes[i] = (VkWriteDescriptorSet) {
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = set,
            .dstBinding = (uint32_t) i,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = &ranges[i],
        };
    }
    vkUpdateDescriptorSets(gpu->device, (uint32_t) num, writes, 0, NULL);
    vkCmdBindDescriptorSets(cmd->open, VK_PIPELINE_BIND_POINT_COMPUTE,
                            gpu->pipelines.kernels[d->kernel].layout, 0, 1, &set, 0, NULL);
    return EM_OK;
}

static enum em_status record_dispatch(struct gpu_cmd *cmd, const struct gpu_dispatch *d)
{
    struct gpu *gpu = cmd->gpu;
    const struct gpu_kernel_info *k = gpu_kernel_info(d->kernel);
    EM_TRY(check_dispatch(cmd, d));
    VkPipeline pipeline;
    EM_TRY(gpu_pipeline_get(&gpu->pipelines, d->kernel, d->spec, &pipeline));

    struct hazard_use uses[GPU_MAX_BINDINGS];
    uint64_t bytes = 0;
    for (int i = 0; i < k->num_bindings; i++) {
        uses[i] = use_of(d->bind[i], k->bindings[i] != 'r');
        bytes += d->bind[i].size;
    }
    EM_TRY(before_work(cmd, uses, k->num_bindings));
    EM_TRY(bind_slices(cmd, d));
    vkCmdBindPipeline(cmd->open, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    if (k->push_size)
        vkCmdPushConstants(cmd->open, gpu->pipelines.kernels[d->kernel].layout,
                           VK_SHADER_STAGE_COMPUTE_BIT, 0, k->push_size, d->push);
    uint32_t groups[3];
    for (int i = 0; i < 3; i++)
        groups[i] = d->groups[i] ? d->groups[i] : 1;
    EM_TRY(begin_timing(cmd, k->name, d->flop));
    vkCmdDispatch(cmd->open, groups[0], groups[1], groups[2]);
    end_timing(cmd);
    return after_work(cmd, d->flop, bytes);
}

void gpu_cmd_dispatch(struct gpu_cmd *cmd, const struct gpu_dispatch *d)
{
    if (is_recording(cmd))
        cmd->status = record_dispatch(cmd, d);
}

// --- copies, fills, host calls -------------------------------------------------------------------

static enum em_status check_words(const struct gpu_cmd *cmd, const char *what, struct gpu_slice s)
{
    EM_TRY(check_slice(cmd, what, 0, s));
    if (s.offset % 4 || s.size % 4)
        return log_fail(cmd->gpu->log, EM_ERR_DEVICE,
                        "%s in \"%s\": %llu bytes at %llu of \"%s\" are not whole words", what,
                        cmd->name, (unsigned long long) s.size, (unsigned long long) s.offset,
                        s.buf->name);
    return EM_OK;
}

static enum em_status record_copy(struct gpu_cmd *cmd, struct gpu_slice to, struct gpu_slice from)
{
    EM_TRY(check_words(cmd, "copy", to));
    EM_TRY(check_words(cmd, "copy", from));
    const bool overlaps = to.buf == from.buf && to.offset < from.offset + from.size &&
                          from.offset < to.offset + to.size;
    if (to.size != from.size || overlaps)
        return log_fail(cmd->gpu->log, EM_ERR_DEVICE,
                        "copy in \"%s\" from \"%s\" to \"%s\": %llu bytes into %llu%s", cmd->name,
                        from.buf->name, to.buf->name, (unsigned long long) from.size,
                        (unsigned long long) to.size, overlaps ? ", which overlap" : "");
    const struct hazard_use uses[] = {use_of(from, false), use_of(to, true)};
    EM_TRY(before_work(cmd, uses, 2));
    const VkBufferCopy region = {from.offset, to.offset, to.size};
    EM_TRY(begin_timing(cmd, "copy", 0));
    vkCmdCopyBuffer(cmd->open, from.buf->handle, to.buf->handle, 1, &region);
    end_timing(cmd);
    return after_work(cmd, 0, to.size + from.size);
}

void gpu_cmd_copy(struct gpu_cmd *cmd, struct gpu_slice to, struct gpu_slice from)
{
    if (is_recording(cmd))
        cmd->status = record_copy(cmd, to, from);
}

static enum em_status record_fill(struct gpu_cmd *cmd, struct gpu_slice to, uint32_t word)
{
    EM_TRY(check_words(cmd, "fill", to));
    const struct hazard_use use = use_of(to, true);
    EM_TRY(before_work(cmd, &use, 1));
    EM_TRY(begin_timing(cmd, "fill", 0));
    vkCmdFillBuffer(cmd->open, to.buf->handle, to.offset, to.size, word);
    end_timing(cmd);
    return after_work(cmd, 0, to.size);
}

void gpu_cmd_fill(struct gpu_cmd *cmd, struct gpu_slice to, uint32_t word)
{
    if (is_recording(cmd))
        cmd->status = record_fill(cmd, to, word);
}

static enum em_status record_host(struct gpu_cmd *cmd, const struct gpu_host_call *call)
{
    struct gpu_step step = {.run = call->run, .label = cmd->label, .timed = cmd->timed.num};
    const size_t num = call->access ? strlen(call->access) : 0;
    for (size_t i = 0; i < num && i < GPU_MAX_BINDINGS; i++) {
        EM_TRY(check_slice(cmd, call->name, (int) i, call->bind[i]));
        step.at[i] = gpu_buf_at(call->bind[i]);
        if (!step.at[i])
            return log_fail(cmd->gpu->log, EM_ERR_DEVICE,
                            "%s in \"%s\" runs on the host, which does not see the buffer \"%s\"",
                            call->name, cmd->name, call->bind[i].buf->name);
    }
    if (call->args_size)
        step.args = arena_copy_bytes(cmd->arena, call->args, call->args_size);
    EM_TRY(end_submission(cmd)); // and so all device work before it is done and visible
    *arena_push(cmd->arena, &cmd->steps) = step;
    *arena_push(cmd->arena, &cmd->timed) =
        (struct gpu_timed) {.name = call->name, .flop = call->flop};
    cmd->flop += call->flop;
    return EM_OK;
}

void gpu_cmd_host(struct gpu_cmd *cmd, const struct gpu_host_call *call)
{
    if (is_recording(cmd))
        cmd->status = record_host(cmd, call);
}

void gpu_cmd_label(struct gpu_cmd *cmd, const char *label)
{
    if (!is_recording(cmd))
        return;
    cmd->label = label ? arena_copy(cmd->arena, label) : NULL;
    if (!cmd->open)
        return;
    close_label(cmd);
    open_label(cmd);
}

void gpu_cmd_timing(struct gpu_cmd *cmd, bool on)
{
    cmd->timing = on;
}

double gpu_cmd_flop(const struct gpu_cmd *cmd)
{
    return cmd->flop;
}

enum em_status gpu_cmd_end(struct gpu_cmd *cmd)
{
    if (is_recording(cmd))
        cmd->status = end_submission(cmd);
    cmd->ended = true;
    return cmd->status;
}
