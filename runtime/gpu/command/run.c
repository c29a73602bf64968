// Running a recorded command, and where its time went.

#include "gpu/command/recording.h"

#include <string.h>

#include "base/clock.h"

// Nothing is allocated here: a plan has hundreds of steps and runs them again and again.
enum em_status gpu_cmd_run(struct gpu_cmd *cmd)
{
    struct log *log = cmd->gpu->log;
    if (cmd->status != EM_OK)
        return cmd->status;
    if (!cmd->ended)
        return log_fail(log, EM_ERR_DEVICE, "\"%s\" was run before its end", cmd->name);
    for (size_t i = 0; i < cmd->steps.num; i++) {
        const struct gpu_step *step = &cmd->steps.items[i];
        if (log_stopped(log))
            return log_fail(log, EM_STOPPED, "interrupted");
        if (step->commands) {
            EM_TRY(gpu_submit(cmd->gpu, step->commands, cmd->fence, cmd->name, step->label));
            continue;
        }
        const double start = time_now();
        step->run(step->at, step->args);
        cmd->timed.items[step->timed].seconds = time_now() - start;
    }
    return EM_OK;
}

// Seconds between a pair of timestamps; 0 where the driver has none to give. Never waits: some
// drivers never deliver.
static double read_timestamps(const struct gpu *gpu, const struct gpu_timed *timed)
{
    uint64_t ticks[2][2] = {{0}}; // the value, and whether it is there
    const VkResult result = vkGetQueryPoolResults(
        gpu->device, timed->pool, timed->query, 2, sizeof(ticks), ticks, sizeof(ticks[0]),
        VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
    if (result != VK_SUCCESS || !ticks[0][1] || !ticks[1][1])
        return 0;
    return (double) ((ticks[1][0] - ticks[0][0]) & gpu->timestamp_mask) * gpu->timestamp_seconds;
}

static struct gpu_time *find_time(struct gpu_time *list, int *num, const char *name)
{
    for (int i = 0; i < *num; i++) {
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    }
    list[*num] = (struct gpu_time) {.name = name};
    return &list[(*num)++];
}

enum em_status gpu_cmd_times(struct gpu_cmd *cmd, struct arena *a, struct gpu_time **list, int *num)
{
    *num = 0;
    *list = arena_array(a, struct gpu_time, cmd->timed.num);
    for (size_t i = 0; i < cmd->timed.num; i++) {
        const struct gpu_timed *timed = &cmd->timed.items[i];
        struct gpu_time *sum = find_time(*list, num, timed->name);
        sum->seconds += timed->pool ? read_timestamps(cmd->gpu, timed) : timed->seconds;
        sum->flop += timed->flop;
        sum->count++;
    }
    return cmd->status;
}
