// `emend run` and `emend check`: an experiment from a JSON file.

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "experiment/experiment.h"
#include "experiment/report/report.h"

struct run_options {
    struct cli_place place;
    struct cli_texts sets;
    const char *out;
    bool fresh;
};

static const struct cli_option run_table[] = {
    CLI_TEXTS_ROW(struct run_options, sets, "set", "PATH=VALUE", false,
                  "override a value of the experiment"),
    CLI_TEXT_ROW(struct run_options, out, "out", "DIR", false, "run folder, else runs/NAME"),
    CLI_FLAG_ROW(struct run_options, fresh, "fresh", 0, "begin anew: an old run is moved aside"),
    CLI_DEVICE_ROW(struct run_options),
    CLI_MATMUL_ROW(struct run_options),
    {0},
};

static const struct cli_option check_table[] = {
    CLI_TEXTS_ROW(struct run_options, sets, "set", "PATH=VALUE", false,
                  "override a value of the experiment"),
    {0},
};

static struct experiment *open_experiment(struct cli *cli, const struct run_options *o,
                                          const char *path)
{
    if (cli_plugins(cli) != EM_OK)
        return NULL;
    return experiment_open(&(struct experiment_params) {
        .log = cli->log,
        .registry = cli->registry,
        .path = path,
        .sets = o->sets.items,
        .num_sets = (int) o->sets.num,
        .out = o->out,
        .device = o->place.device,
        .matmul = (enum op_matmul) o->place.matmul,
        .cache_folder = cli->cache_folder,
        .fresh = o->fresh,
        .fetch = cli_fetch_model,
        .fetch_user = cli,
        .progress = cli_progress_show,
        .progress_user = cli_progress_create(cli),
    });
}

// What was run stands without its report: one that cannot be written is said, and no failure.
static void report_run(struct cli *cli, const char *folder)
{
    struct log *aside = log_create(NULL, LOG_QUIET);
    struct report report;
    const enum em_status status = experiment_report(
        &(struct report_params) {
            .log = aside, .arena = cli->arena, .folders = &folder, .num_folders = 1},
        &report);
    if (status != EM_OK)
        log_say(cli->log, "there is no report: %s", log_error(aside));
    else if (report.undrawn)
        log_say(cli->log, "the report has no figures: %s", report.undrawn);
    if (status == EM_OK && !cli->json)
        printf("  report  %s\n", report.page);
    log_destroy(&aside);
}

static enum em_status run_experiment(struct cli *cli, struct experiment *e)
{
    const enum em_status status = experiment_run(e);
    if (status == EM_STOPPED)
        log_say(cli->log, "stopped; the same command goes on from here (%s)", experiment_folder(e));
    EM_TRY(status);
    EM_TRY(experiment_print(cli->log, experiment_folder(e), stdout, cli->json));
    report_run(cli, experiment_folder(e));
    return EM_OK;
}

static enum em_status run_run(struct cli *cli, const void *options, const char *const *args,
                              int num)
{
    (void) num;
    struct experiment *e = open_experiment(cli, options, args[0]);
    if (!e)
        return log_status(cli->log);
    const enum em_status status = run_experiment(cli, e);
    experiment_destroy(&e);
    return status;
}

static enum em_status check_run(struct cli *cli, const void *options, const char *const *args,
                                int num)
{
    (void) num;
    struct experiment *e = open_experiment(cli, options, args[0]);
    if (!e)
        return log_status(cli->log);
    if (cli->json)
        cli_print_json(cJSON_Duplicate(experiment_json(e), true));
    else
        printf("%s is fine; its results go to %s\n", args[0], experiment_folder(e));
    experiment_destroy(&e);
    return EM_OK;
}

const struct cli_command cli_run = {
    .name = "run",
    .arguments = "FILE",
    .summary = "Run an experiment, or go on with it where it was stopped",
    .about =
        "FILE is an experiment in JSON, such as experiments/quickstart.json. Results go to a\n"
        "run folder: summary.json, cases.jsonl, timing.json, log.txt, the experiment with every\n"
        "default written out, and the report (see emend help report). --set algorithm.layer=7 "
        "overrides a value.",
    .min_args = 1,
    .max_args = 1,
    .options = run_table,
    .options_size = sizeof(struct run_options),
    .run = run_run,
};

const struct cli_command cli_check = {
    .name = "check",
    .arguments = "FILE",
    .summary = "Check an experiment without running it",
    .about = "With --json the experiment is written out with every default.",
    .min_args = 1,
    .max_args = 1,
    .options = check_table,
    .options_size = sizeof(struct run_options),
    .run = check_run,
};
