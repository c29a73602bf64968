// `emend help`: what there is to say of the program, a command, a plugin or an experiment, on the
// terminal or as man pages.

#include <string.h>

#include "cli/help/help.h"
#include "experiment/experiment.h"
#include "plugin/options.h"

static bool holds(const char *const *names, int num, const char *name)
{
    for (int i = 0; i < num; i++) {
        if (!strcmp(names[i], name))
            return true;
    }
    return false;
}

static enum em_status fail_unknown(struct cli *cli, const char *word, const char *const *algorithms,
                                   int num_algorithms, const char *const *metrics, int num_metrics)
{
    struct cli_texts names = {0};
    for (int i = 0; cli_commands[i]; i++)
        *arena_push(cli->arena, &names) = cli_commands[i]->name;
    *arena_push(cli->arena, &names) = "experiment";
    for (int i = 0; i < num_algorithms; i++)
        *arena_push(cli->arena, &names) = algorithms[i];
    for (int i = 0; i < num_metrics; i++)
        *arena_push(cli->arena, &names) = metrics[i];
    *arena_push(cli->arena, &names) = NULL;
    const char *near = options_nearest(word, names.items);
    return log_fail(cli->log, EM_ERR_CONFIG,
                    "\"%s\" is no command, algorithm or metric%s (see \"emend help\", \"emend list "
                    "algorithms\", \"emend list metrics\")",
                    word, near ? arena_print(cli->arena, "; did you mean \"%s\"?", near) : "");
}

struct help_options {
    bool man;
    const char *out;
};

static const struct cli_option help_table[] = {
    CLI_FLAG_ROW(struct help_options, man, "man", 0,
                 "as a man page: of emend, COMMAND, experiment"),
    CLI_TEXT_ROW(struct help_options, out, "out", "DIR", false,
                 "with --man: all pages, into DIR/man1 and DIR/man5"),
    {0},
};

static enum em_status print_man(struct cli *cli, const struct help_options *o, const char *name)
{
    const struct cli_command *command = name ? cli_command_find(name) : NULL;
    if (o->out && (name || !o->man))
        return log_fail(cli->log, EM_ERR_CONFIG,
                        "help --out: belongs to --man without a name, and writes every page");
    if (o->out)
        return man_write_all(cli, o->out);
    if (name && strcmp(name, "experiment") == 0)
        man_print_experiment(cli, stdout);
    else if (name && !command)
        return log_fail(
            cli->log, EM_ERR_CONFIG,
            "help --man: there is no page for \"%s\"; commands have one, and experiment", name);
    else
        man_print_command(cli, stdout, command);
    return EM_OK;
}

static enum em_status help_run(struct cli *cli, const void *options, const char *const *args,
                               int num)
{
    const struct help_options *o = options;
    if (o->man || o->out)
        return print_man(cli, o, num ? args[0] : NULL);
    const struct cli_command *command = num ? cli_command_find(args[0]) : NULL;
    if (!num || command) {
        cli_print_help(cli, command);
        return EM_OK;
    }
    if (strcmp(args[0], "experiment") == 0) {
        printf("Members of an experiment, a JSON object:\n%s", experiment_help(cli->arena));
        return EM_OK;
    }
    EM_TRY(cli_plugins(cli));
    int num_algorithms, num_metrics;
    const char *const *algorithms = registry_algorithms(cli->registry, cli->arena, &num_algorithms);
    const char *const *metrics = registry_metrics(cli->registry, cli->arena, &num_metrics);
    const bool is_algorithm = holds(algorithms, num_algorithms, args[0]);
    const bool is_metric = holds(metrics, num_metrics, args[0]);
    if (is_algorithm)
        help_print_algorithm(cli, registry_algorithm(cli->registry, args[0]));
    if (is_metric)
        help_print_metric(cli, registry_metric(cli->registry, args[0]));
    if (!is_algorithm && !is_metric)
        return fail_unknown(cli, args[0], algorithms, num_algorithms, metrics, num_metrics);
    return EM_OK;
}

const struct cli_command cli_help = {
    .name = "help",
    .arguments = "[COMMAND|PLUGIN|experiment]",
    .summary = "Show what a command, an algorithm or a metric does, or what an experiment may say",
    .max_args = 1,
    .options = help_table,
    .options_size = sizeof(struct help_options),
    .run = help_run,
};
