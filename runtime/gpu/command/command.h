// Recorded work: dispatches, copies and host calls, in order, recorded once and run many times.
//
// Barriers are derived: each binding's access is declared in kernels.def, each host call declares
// its own, and hazards are tracked by byte interval of the underlying buffer. Nobody writes a
// barrier. Submissions are bounded: recorded work is cut where a submission would exceed about 100
// GFLOP, and a host call always ends one. Interruption (log_stopped) is looked at between
// submissions: EM_STOPPED.
//
// Memory: what is passed to a recording call is copied. Errors: recording calls note the first
// failure; gpu_cmd_end and gpu_cmd_run return it.

#ifndef GPU_COMMAND_H
#define GPU_COMMAND_H

#include "gpu/buffer.h"
#include "gpu/kernel.h"

struct gpu_cmd;

struct gpu_dispatch {
    enum gpu_kernel kernel;
    struct gpu_slice bind[GPU_MAX_BINDINGS]; // in the order of kernels.def; all must be given
    const void *push;                        // the kernel's push struct
    uint32_t spec[GPU_MAX_SPEC]; // specialisation constants 0..; 0: the shader's default
    uint32_t groups[3];          // 0 counts as 1
    double flop;                 // for cutting submissions and for rates
};

// `at[i]` is the host address of binding i.
typedef void gpu_host_fn(void *const *at, const void *args);

struct gpu_host_call {
    const char *name; // a literal
    gpu_host_fn *run;
    struct gpu_slice bind[GPU_MAX_BINDINGS]; // all mapped
    const char *access;                      // as kernels.def's bindings: "rrw"
    const void *args;
    size_t args_size;
    double flop;
};

struct gpu_cmd *gpu_cmd_create(struct gpu *gpu, const char *name);
void gpu_cmd_destroy(struct gpu_cmd **cmd);

void gpu_cmd_dispatch(struct gpu_cmd *cmd, const struct gpu_dispatch *d);
void gpu_cmd_copy(struct gpu_cmd *cmd, struct gpu_slice to,
                  struct gpu_slice from); // equal sizes, multiples of 4
void gpu_cmd_fill(struct gpu_cmd *cmd, struct gpu_slice to, uint32_t word);
void gpu_cmd_host(struct gpu_cmd *cmd, const struct gpu_host_call *call);
void gpu_cmd_label(struct gpu_cmd *cmd,
                   const char *label); // names what follows, for validation and timing

EM_MUST_CHECK enum em_status gpu_cmd_end(struct gpu_cmd *cmd); // nothing is recorded after it
EM_MUST_CHECK enum em_status gpu_cmd_run(struct gpu_cmd *cmd); // returns when all of it is done

struct gpu_time { // of one kernel or host call, summed over the last run
    const char *name;
    double seconds, flop;
    int count;
};

// Where the time of the last run went; seconds of kernels are 0 where the device has no timestamps.
EM_MUST_CHECK enum em_status gpu_cmd_times(struct gpu_cmd *cmd, struct arena *a,
                                           struct gpu_time **list, int *num);
void gpu_cmd_timing(struct gpu_cmd *cmd,
                    bool on); // before recording; off by default, since it costs
double gpu_cmd_flop(const struct gpu_cmd *cmd);

#endif
