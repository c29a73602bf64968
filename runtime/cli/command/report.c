// `emend report`: tables, figures and a page of runs and sweeps.

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "experiment/report/report.h"

struct report_options {
    const char *out;
};

static const struct cli_option report_table[] = {
    CLI_TEXT_ROW(struct report_options, out, "out", "DIR", false,
                 "where the report goes, else the folder it is about"),
    {0},
};

static void print_json(const struct report *r)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "page", r->page);
    cJSON_AddNumberToObject(json, "points", r->points);
    cJSON_AddNumberToObject(json, "missing", r->missing);
    cJSON_AddNumberToObject(json, "figures", r->figures);
    cli_print_json(json);
}

static enum em_status report_run(struct cli *cli, const void *options, const char *const *args,
                                 int num)
{
    const struct report_options *o = options;
    const struct report_params params = {
        .log = cli->log, .arena = cli->arena, .folders = args, .num_folders = num, .out = o->out};
    struct report r;
    cli->running = true; // what is wrong with the input is no EM_ERR_IO
    EM_TRY(experiment_report(&params, &r));
    if (cli->json)
        print_json(&r);
    else
        printf("%s\n  report  %s\n", r.table, r.page);
    return r.undrawn ? log_fail(cli->log, EM_ERR_IO, "%s; the tables are written", r.undrawn)
                     : EM_OK;
}

const struct cli_command cli_report = {
    .name = "report",
    .arguments = "RUN...",
    .summary = "Make tables, figures and a page of runs",
    .about =
        "RUN is a run folder or the folder of a sweep, such as runs/quickstart; of several the\n"
        "report is a comparison, and --out says where it goes. It writes report.html, one file\n"
        "that needs no network, sweep.csv, table.txt, table.tex and figures/*.svg. The figures\n"
        "are drawn by gnuplot (package gnuplot-nox). `emend run` makes this report at its end.",
    .min_args = 1,
    .max_args = 1000,
    .options = report_table,
    .options_size = sizeof(struct report_options),
    .run = report_run,
};
