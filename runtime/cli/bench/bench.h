// What a benchmark reports: first that the numbers are right, then how fast they came.

#ifndef CLI_BENCH_BENCH_H
#define CLI_BENCH_BENCH_H

#include "cli/cli.h"
#include "experiment/experiment.h"

struct bench_options {
    const char *model, *experiment;
    struct cli_place place;
    int tokens, prompt, layer, repeat;
};

struct bench_check { // a number of ours beside the same one by another way
    const char *what;
    double here, there, tolerance; // relative
};

struct bench_result {
    const char *name, *work; // "forward", "1024 tokens in 8 prompts"
    const char *model, *device;
    struct bench_check checks[2];
    int num_checks;
    const char *unit; // of `amount`: "tokens"
    double amount, seconds, flop;
    double blas_flops;  // what sgemm reaches on the same shapes, flop/s; 0: not asked
    const char *phases; // seconds of each, or NULL
    // where the time of one more run went, which the timing itself slows
    const struct session_time *times;
    int num_times;
    double timed_seconds;
};

// --- timing: bench.c
// The work once more; `time` is another number each time, 0 first.
typedef enum em_status bench_work(struct em_session *s, int time, void *user);
// Once for what is made once, then o->repeat times, of which the best counts; once more with times.
EM_MUST_CHECK enum em_status bench_time(const struct bench_options *o, struct em_session *s,
                                        bench_work *work, void *user, struct bench_result *out);

// --- the work: forward.c
EM_MUST_CHECK enum em_status bench_forward(struct cli *cli, const struct bench_options *o,
                                           struct bench_result *out);
EM_MUST_CHECK enum em_status bench_covariance(struct cli *cli, const struct bench_options *o,
                                              struct bench_result *out);
EM_MUST_CHECK enum em_status bench_value(struct cli *cli, const struct bench_options *o,
                                         struct bench_result *out); // value.c
EM_MUST_CHECK enum em_status bench_whole(struct cli *cli, const struct bench_options *o,
                                         struct bench_result *out); // whole.c

// --- the ceiling: blas.c
struct bench_shapes { // the products of a block, for `rows` rows
    const struct em_model *model;
    int rows;
    bool backward; // dX = dY W too
};
// flop/s of sgemm over these products, the best of three.
double bench_blas_flops(struct arena *a, const struct bench_shapes *shapes);

// Our NLL of a few tokens beside the plain C reference's.
EM_MUST_CHECK enum em_status bench_check_nll(struct cli *cli, struct em_session *s,
                                             const struct model_files *files,
                                             struct bench_check *out);
// The same of the model that an experiment has set up.
EM_MUST_CHECK enum em_status bench_check_experiment(struct cli *cli, struct experiment *e,
                                                    struct bench_result *out);
void bench_describe(struct cli *cli, struct em_session *s, struct bench_result *out);

#endif
