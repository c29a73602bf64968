// The values z of an experiment's facts, all in one plan, timed.

#include <string.h>

#include "cli/bench/bench.h"

struct work {
    struct cli *cli;
    struct em_session *session;
    const struct em_algorithm *algorithm;
    const void *options;
    const struct em_fact *facts;
    int num_facts;
};

static enum em_status prepare(struct em_session *s, int time, void *user)
{
    const struct work *w = user;
    // under another key nothing is found in the store
    session_store_key(s, arena_print(w->cli->arena, "bench: %d", time), NULL);
    session_call_begin(s);
    const enum em_status status = w->algorithm->prepare(s, w->options, w->facts, w->num_facts);
    session_call_end(s);
    return status;
}

// Tokens from each subject's last one on, in every prompt of the facts: the rows that a step
// computes anew.
static enum em_status count_live_rows(const struct work *w, int *rows)
{
    *rows = 0;
    int num = 0;
    const char *set = w->algorithm->contexts ? w->algorithm->contexts(w->options) : NULL;
    const char *const *contexts = set ? em_contexts(w->session, set, &num) : NULL;
    for (int i = 0; i < w->num_facts; i++) {
        for (int j = 0; j < num; j++) {
            const struct em_fact *f = &w->facts[i];
            struct em_prompt prompt;
            EM_TRY(em_prompt_make(
                w->session, &(struct em_text) {contexts[j], f->prompt, f->subject, f->target_new},
                &prompt));
            *rows += prompt.num_tokens - prompt.subject_last;
        }
    }
    return EM_OK;
}

static enum em_status time_value(struct cli *cli, const struct bench_options *o, struct work *w,
                                 struct bench_result *out)
{
    struct em_session *s = w->session;
    EM_TRY(bench_time(o, s, prepare, w, out));
    int rows;
    session_call_begin(s);
    const enum em_status status = count_live_rows(w, &rows);
    session_call_end(s);
    EM_TRY(status);
    out->amount = w->num_facts;
    out->unit = "facts";
    out->work = arena_print(cli->arena, "%d facts, %s, %d live rows", w->num_facts,
                            w->algorithm->name, rows);
    bench_describe(cli, s, out);
    out->blas_flops = bench_blas_flops(
        cli->arena, &(struct bench_shapes) {.model = em_model(s), .rows = rows, .backward = true});
    return EM_OK;
}

enum em_status bench_check_experiment(struct cli *cli, struct experiment *e,
                                      struct bench_result *out)
{
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(experiment_json(e), "model");
    const char *path;
    EM_TRY(cli_model_path(cli, cJSON_GetStringValue(model), &path));
    struct model_files *files = model_files_open(cli->log, path);
    if (!files)
        return log_status(cli->log);
    const enum em_status status =
        bench_check_nll(cli, experiment_session(e), files, &out->checks[0]);
    out->num_checks = 1;
    model_files_close(&files);
    return status;
}

static enum em_status time_experiment(struct cli *cli, const struct bench_options *o,
                                      struct experiment *e, struct bench_result *out)
{
    EM_TRY(experiment_setup(e));
    cli->running = true;
    struct work work = {.cli = cli, .session = experiment_session(e)};
    work.algorithm = experiment_algorithm(e, &work.options);
    work.facts = experiment_facts(e, &work.num_facts);
    if (!work.algorithm->prepare)
        return log_fail(cli->log, EM_ERR_CONFIG, "bench value: %s prepares no values",
                        work.algorithm->name);
    EM_TRY(bench_check_experiment(cli, e, out));
    return time_value(cli, o, &work, out);
}

enum em_status bench_value(struct cli *cli, const struct bench_options *o, struct bench_result *out)
{
    EM_TRY(cli_plugins(cli));
    struct experiment *e = experiment_open(&(struct experiment_params) {
        .log = cli->log,
        .registry = cli->registry,
        .path = o->experiment ? o->experiment : cli_share_path(cli, "experiments/quickstart.json"),
        .device = o->place.device,
        .matmul = (enum op_matmul) o->place.matmul,
        .fetch = cli_fetch_model,
        .fetch_user = cli,
    });
    if (!e)
        return log_status(cli->log);
    const enum em_status status = time_experiment(cli, o, e, out);
    experiment_destroy(&e);
    return status;
}
