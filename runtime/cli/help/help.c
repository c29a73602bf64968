// `emend help`: the program, a command, or a plugin, from their tables.

#include <string.h>

#include "cli/help/help.h"
#include "experiment/experiment.h"
#include "plugin/options.h"

char *help_option_text(struct arena *a, const struct cli_option *o)
{
    char *text = arena_copy(a, o->help);
    for (int i = 0; o->kind == CLI_CHOICE && o->choices[i]; i++)
        text = arena_print(a, "%s%s%s", text, i ? ", " : ": ", o->choices[i]);
    if (o->required)
        text = arena_print(a, "%s (needed)", text);
    if (o->kind == CLI_TEXTS)
        text = arena_print(a, "%s (may be repeated)", text);
    if (o->kind == CLI_INT && o->fallback >= o->min)
        text = arena_print(a, "%s (default: %d)", text, o->fallback);
    if (o->kind == CLI_CHOICE)
        text = arena_print(a, "%s (default: %s)", text, o->choices[o->fallback]);
    return text;
}

static void print_option(struct cli *cli, const struct cli_option *o)
{
    const char *left = arena_print(cli->arena, "%c%c --%s %s", o->letter ? '-' : ' ',
                                   o->letter ? o->letter : ' ', o->name, o->value ? o->value : "");
    printf("  %-21s %s\n", left, help_option_text(cli->arena, o));
}

static void print_options(struct cli *cli, const char *title, const struct cli_option *table)
{
    if (!table || !table->name)
        return;
    printf("\n%s%s%s\n", cli_bold(cli), title, cli_plain(cli));
    for (; table->name; table++)
        print_option(cli, table);
}

const char cli_exit_codes[] = "  0 done, 1 the run failed, 2 the command or its input is wrong,\n"
                              "  3 no suitable device, 130 interrupted, 143 terminated";

static void print_program(struct cli *cli)
{
    printf("emend edits what a language model knows, and measures what came of it.\n\n"
           "  emend COMMAND [ARGUMENTS] [OPTIONS]\n\n%sCommands%s\n",
           cli_bold(cli), cli_plain(cli));
    for (int i = 0; cli_commands[i]; i++)
        printf("  %-10s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    print_options(cli, "Options of every command", cli_global_options());
    printf(
        "\n%sExit codes%s\n%s\n\n"
        "\"emend help COMMAND\", \"emend help PLUGIN\" and \"emend help experiment\" say more.\n",
        cli_bold(cli), cli_plain(cli), cli_exit_codes);
}

static void print_needed(const struct cli_option *table)
{
    for (; table && table->name; table++) {
        if (table->required)
            printf(" --%s %s", table->name, table->value);
    }
}

void cli_print_help(struct cli *cli, const struct cli_command *command)
{
    if (!command) {
        print_program(cli);
        return;
    }
    printf("%s.\n\n  emend %s%s%s", command->summary, command->name, command->arguments ? " " : "",
           command->arguments ? command->arguments : "");
    print_needed(command->options);
    printf(" [OPTIONS]\n");
    if (command->about)
        printf("\n%s\n", command->about);
    print_options(cli, "Options", command->options);
    print_options(cli, "Options of every command", cli_global_options());
}

struct plugin_text {
    const char *kind, *name, *summary, *reference, *about; // about: or NULL
    const struct em_option *options;
};

static void print_plugin(struct cli *cli, const struct plugin_text *p)
{
    printf("%s%s%s, %s: %s", cli_bold(cli), p->name, cli_plain(cli), p->kind, p->summary);
    if (*p->reference)
        printf("\n  %s", p->reference);
    if (p->about)
        printf("\n  %s", p->about);
    printf("\n\nOptions, in the experiment's JSON:\n");
    const bool any = p->options && p->options->name;
    fputs(any ? options_help(cli->arena, p->options) : "  none\n", stdout);
}

// What a metric is taken of.
static const char *scope_text(struct cli *cli, const struct em_metric *m)
{
    const char *text = m->scope == EM_PER_STATE ? "Of the model as it stands after edits"
                       : m->scope == EM_DERIVED ? "Made of the means of "
                                                : "Of each case's questions: ";
    for (int i = 0; m->scope != EM_PER_STATE && m->reads && m->reads[i]; i++)
        text = arena_print(cli->arena, "%s%s%s", text, i ? ", " : "", m->reads[i]);
    return m->lower_is_better ? arena_print(cli->arena, "%s; lower is better", text) : text;
}

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
    if (is_algorithm) {
        const struct em_algorithm *a = registry_algorithm(cli->registry, args[0]);
        print_plugin(cli, &(struct plugin_text) {"algorithm", a->name, a->summary, a->reference,
                                                 NULL, a->options});
    }
    if (is_metric) {
        const struct em_metric *m = registry_metric(cli->registry, args[0]);
        print_plugin(cli, &(struct plugin_text) {"metric", m->name, m->summary, m->reference,
                                                 scope_text(cli, m), m->options});
    }
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
