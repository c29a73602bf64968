// `emend run` and `emend check`: an experiment from a JSON file.

#include <stdlib.h>

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "experiment/report/report.h"
#include "experiment/sweep/sweep.h"

struct run_options {
    struct cli_place place;
    struct cli_texts sets;
    const char *out, *point, *chip;
    bool fresh, dry;
};

static const struct cli_option run_table[] = {
    CLI_TEXTS_ROW(struct run_options, sets, "set", "PATH=VALUE", false,
                  "override a value of the experiment"),
    CLI_TEXT_ROW(struct run_options, out, "out", "DIR", false, "run folder, else runs/NAME"),
    CLI_TEXT_ROW(struct run_options, point, "point", "I/N", false,
                 "of the sweep's N points run the I-th alone"),
    CLI_FLAG_ROW(struct run_options, dry, "dry-run", 0,
                 "show the points, the time and the memory they take; run nothing"),
    CLI_FLAG_ROW(struct run_options, fresh, "fresh", 0, "begin anew: an old run is moved aside"),
    CLI_DEVICE_ROW(struct run_options),
    CLI_MATMUL_ROW(struct run_options),
    {0},
};

static const struct cli_option check_table[] = {
    CLI_TEXTS_ROW(struct run_options, sets, "set", "PATH=VALUE", false,
                  "override a value of the experiment"),
    CLI_FLAG_ROW(struct run_options, dry, "estimate", 0,
                 "measure a few cases and tell the time and the memory that a run takes"),
    CLI_TEXT_ROW(struct run_options, chip, "chip", "CHIP", false,
                 "count the operations, and the time they take at least on a chip: h100"),
    CLI_DEVICE_ROW(struct run_options),
    CLI_MATMUL_ROW(struct run_options),
    {0},
};

static struct sweep *open_sweep(struct cli *cli, const struct run_options *o, const char *path)
{
    if (cli_plugins(cli) != EM_OK)
        return NULL;
    return sweep_open(&(struct experiment_params) {
        .log = cli->log,
        .registry = cli->registry,
        .path = path,
        .sets = o->sets.items,
        .num_sets = (int) o->sets.num,
        .out = o->out,
        .device = o->place.device,
        .matmul = (enum op_matmul) o->place.matmul,
        .cache_folder = cli->cache_folder,
        .hub = cli->hub,
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

// "3/10" as the third of the sweep's ten points; *only is -1 for all.
static enum em_status read_point(struct cli *cli, const struct sweep *s, const char *text,
                                 int *only)
{
    const int num = sweep_num_points(s);
    *only = -1;
    if (!text)
        return EM_OK;
    if (!num)
        return log_fail(cli->log, EM_ERR_CONFIG,
                        "--point %s: this experiment has no sweep; leave --point out", text);
    char *slash, *end = NULL;
    const long i = strtol(text, &slash, 10);
    const long n = *slash == '/' ? strtol(slash + 1, &end, 10) : 0;
    if (slash == text || !end || end == slash + 1 || *end || n != num || i < 1 || i > num)
        return log_fail(cli->log, EM_ERR_CONFIG, "--point %s: the sweep has %s", text,
                        num == 1 ? "1 point, so that 1/1 is allowed"
                                 : arena_print(cli->arena,
                                               "%d points, so that 1/%d to %d/%d are allowed", num,
                                               num, num, num));
    *only = (int) i - 1;
    return EM_OK;
}

static enum em_status run_sweep(struct cli *cli, struct sweep *s, const struct run_options *o)
{
    int only;
    EM_TRY(read_point(cli, s, o->point, &only));
    if (o->dry)
        return sweep_plan(s, only, stdout, cli->json);
    cli->running = true;
    const enum em_status status = sweep_run(s, only);
    if (status == EM_STOPPED)
        log_say(cli->log, "stopped; the same command goes on from here (%s)", sweep_folder(s));
    if (status == EM_STOPPED || (status != EM_OK && !sweep_num_points(s)))
        return status;
    if (sweep_print(s, stdout, cli->json) != EM_OK)
        return log_status(cli->log);
    if (only < 0 || sweep_is_finished(s)) // points apart: the last one reports
        report_run(cli, sweep_folder(s));
    return status;
}

static enum em_status run_run(struct cli *cli, const void *options, const char *const *args,
                              int num)
{
    (void) num;
    struct sweep *s = open_sweep(cli, options, args[0]);
    if (!s)
        return log_status(cli->log);
    const enum em_status status = run_sweep(cli, s, options);
    sweep_destroy(&s);
    return status;
}

static enum em_status check_run(struct cli *cli, const void *options, const char *const *args,
                                int num)
{
    (void) num;
    const struct run_options *o = options;
    struct sweep *s = open_sweep(cli, o, args[0]);
    enum em_status status = EM_OK;
    if (!s)
        return log_status(cli->log);
    const int points = sweep_num_points(s);
    if (o->chip)
        status = sweep_floor(s, o->chip, stdout, cli->json);
    else if (o->dry)
        status = sweep_plan(s, -1, stdout, cli->json);
    else if (cli->json)
        cli_print_json(cJSON_Duplicate(sweep_json(s), true));
    else
        printf("%s is fine%s; results go to %s\n--estimate tells the time and the memory\n",
               args[0],
               points ? arena_print(cli->arena, ": a sweep of %d point%s", points,
                                    points == 1 ? "" : "s")
                      : "",
               sweep_folder(s));
    sweep_destroy(&s);
    return status;
}

const struct cli_command cli_run = {
    .name = "run",
    .arguments = "FILE",
    .summary = "Run an experiment, or go on with it where it was stopped",
    .about = "FILE is an experiment in JSON, such as experiments/quickstart.json. Results go to a\n"
             "run folder: summary.json, cases.jsonl, timing.json, log.txt and the experiment with\n"
             "every default written out. --set algorithm.layers=[7] overrides a value. An\n"
             "experiment with a \"sweep\" has a run folder for each of its points; finished ones\n"
             "are skipped.",
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
    .about =
        "With --json the experiment is written out with every default. With --estimate the model\n"
        "is loaded and a few cases are measured, as emend run --dry-run does. --chip counts for\n"
        "a chip that need not be here, from the peaks of its data sheet; \"--chip 20:500\" is one\n"
        "of 20 TFLOP/s and 500 GB/s.",
    .min_args = 1,
    .max_args = 1,
    .options = check_table,
    .options_size = sizeof(struct run_options),
    .run = check_run,
};
