// Help on a terminal: the program, a command, or a plugin, from their tables.

#include <string.h>

#include "cli/help/help.h"
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

void help_print_algorithm(struct cli *cli, const struct em_algorithm *a)
{
    print_plugin(cli, &(struct plugin_text) {"algorithm", a->name, a->summary, a->reference, NULL,
                                             a->options});
}

void help_print_metric(struct cli *cli, const struct em_metric *m)
{
    print_plugin(cli, &(struct plugin_text) {"metric", m->name, m->summary, m->reference,
                                             scope_text(cli, m), m->options});
}
