// The inside of a command: steps in order, each a submission or a host call; recorded by command.c
// and run by run.c.

#ifndef GPU_RECORDING_H
#define GPU_RECORDING_H

#include "gpu/command/hazard.h"
#include "gpu/internal.h"

enum { QUERIES_PER_POOL = 1024 };

struct gpu_step {
    VkCommandBuffer commands; // NULL: a host call
    gpu_host_fn *run;
    void *at[GPU_MAX_BINDINGS];
    const void *args;
    const char *label; // of the work at its beginning
    size_t timed;      // a host call's place in gpu_cmd.timed
};

struct gpu_timed { // one dispatch, copy, fill or host call
    const char *name;
    double flop, seconds;
    VkQueryPool pool; // NULL: not timed, or by the host's clock
    uint32_t query;   // and the one after it
};

struct gpu_cmd {
    struct gpu *gpu;
    struct arena *arena;
    const char *name, *label;
    enum em_status status; // of the recording
    bool timing, ended;
    double flop;

    VkCommandPool pool;
    VkFence fence;
    VkCommandBuffer open; // the submission being recorded, NULL between two
    const char *open_label;
    double open_cost;
    bool label_is_open;
    struct hazards hazards;

    struct {
        struct gpu_step *items;
        size_t num, cap;
    } steps;
    struct {
        struct gpu_timed *items;
        size_t num, cap;
    } timed;
    struct {
        VkDescriptorPool *items;
        size_t num, cap;
    } descriptor_pools;
    struct {
        VkQueryPool *items;
        size_t num, cap;
    } query_pools;
    uint32_t sets_left, queries_left; // in the last pool of each
};

#endif
