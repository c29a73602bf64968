// Man pages, in roff's man macros, from the commands' tables; see help.h.

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file/file.h"
#include "base/text/sheet.h"
#include "cli/help/help.h"
#include "experiment/experiment.h"

// `length` bytes of text that roff takes as they are.
static void put(FILE *to, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const bool begins = i == 0 || text[i - 1] == '\n';
        if (begins && (text[i] == '.' || text[i] == '\''))
            fputs("\\&", to);
        if (text[i] == '\\')
            fputs("\\e", to);
        else if (text[i] == '-')
            fputs("\\-", to);
        else if (text[i] == '\'')
            fputs("\\(aq", to);
        else
            putc(text[i], to);
    }
}

static void put_text(FILE *to, const char *text)
{
    put(to, text, strlen(text));
}

static void put_title(FILE *to, const char *name, int section, const char *summary)
{
    fputs(".TH ", to);
    for (const char *c = name; *c; c++)
        putc(toupper((unsigned char) *c), to);
    fprintf(to, " %d \"\" \"emend %s\" \"emend\"\n.SH NAME\n", section, EMEND_VERSION);
    put_text(to, name);
    fputs(" \\- ", to);
    putc(tolower((unsigned char) *summary), to);
    put_text(to, summary + 1);
    putc('\n', to);
}

// Indented lines are examples, empty ones part paragraphs.
static void put_paragraphs(FILE *to, const char *text)
{
    bool example = false;
    for (const char *first = text; *text;) {
        const size_t length = strcspn(text, "\n");
        const bool indented = strncmp(text, "  ", 2) == 0;
        if (indented != example && length)
            fputs(!indented ? ".EE\n.PP\n" : text == first ? ".EX\n" : ".PP\n.EX\n", to);
        example = length ? indented : example;
        if (!length && !example)
            fputs(".PP", to);
        put(to, text, length);
        putc('\n', to);
        text += length + (text[length] == '\n');
    }
    if (example)
        fputs(".EE\n", to);
}

static void put_options(struct cli *cli, FILE *to, const char *title,
                        const struct cli_option *table)
{
    if (!table || !table->name)
        return;
    fprintf(to, ".SH %s\n", title);
    for (const struct cli_option *o = table; o->name; o++) {
        fputs(".TP\n", to);
        if (o->letter)
            fprintf(to, "\\fB\\-%c\\fR, ", o->letter);
        fputs("\\fB\\-\\-", to);
        put_text(to, o->name);
        fputs("\\fR", to);
        if (o->value) {
            fputs(" \\fI", to);
            put_text(to, o->value);
            fputs("\\fR", to);
        }
        putc('\n', to);
        put_text(to, help_option_text(cli->arena, o));
        putc('\n', to);
    }
}

static void put_end(struct cli *cli, FILE *to)
{
    put_options(cli, to, "OPTIONS OF EVERY COMMAND", cli_global_options());
    fputs(".SH EXIT STATUS\n", to);
    put_text(to, cli_exit_codes);
    fputs("\n.SH ENVIRONMENT\n.TP\n.B EMEND_PLUGIN_PATH\nfolders of plugins, with colons between "
          "them\n.TP\n.B XDG_CACHE_HOME\nwhere emend/ keeps what is dear to compute, else "
          "\\(ti/.cache\n.TP\n.B NO_COLOR\nif set, no bold letters\n.SH SEE ALSO\n",
          to);
    fputs(".BR emend (1)", to);
    for (int i = 0; cli_commands[i]; i++)
        fprintf(to, ",\n.BR emend\\-%s (1)", cli_commands[i]->name);
    fputs(",\n.BR emend\\-experiment (5)\n", to);
}

static void print_program(struct cli *cli, FILE *to)
{
    put_title(to, "emend", 1, "Edits what a language model knows, and measures what came of it");
    fputs(".SH SYNOPSIS\n.B emend\n.I COMMAND\n[ARGUMENTS] [OPTIONS]\n.SH COMMANDS\n", to);
    for (int i = 0; cli_commands[i]; i++) {
        fprintf(to, ".TP\n.B %s\n", cli_commands[i]->name);
        put_text(to, cli_commands[i]->summary);
        putc('\n', to);
    }
    put_end(cli, to);
}

void man_print_command(struct cli *cli, FILE *to, const struct cli_command *command)
{
    if (!command) {
        print_program(cli, to);
        return;
    }
    put_title(to, arena_print(cli->arena, "emend-%s", command->name), 1, command->summary);
    fprintf(to, ".SH SYNOPSIS\n.B emend %s\n", command->name);
    if (command->arguments) {
        fputs(".I ", to);
        put_text(to, command->arguments);
        putc('\n', to);
    }
    for (const struct cli_option *o = command->options; o && o->name; o++)
        if (o->required)
            fprintf(to, ".B \\-\\-%s\n.I %s\n", o->name, o->value);
    fputs("[OPTIONS]\n", to);
    if (command->about) {
        fputs(".SH DESCRIPTION\n", to);
        put_paragraphs(to, command->about);
    }
    put_options(cli, to, "OPTIONS", command->options);
    put_end(cli, to);
}

void man_print_experiment(struct cli *cli, FILE *to)
{
    put_title(to, "emend-experiment", 5, "The members of an experiment's JSON file");
    fputs(".SH DESCRIPTION\nAn experiment is a JSON object; ", to);
    put_text(to, "`emend run` runs it, `emend check` says what is wrong with it, `emend schema` "
                 "writes its JSON Schema, and `emend help NAME` lists the options of an algorithm "
                 "or a metric.\n");
    fputs(".PP\n.EX\n", to);
    put_text(to, experiment_help(cli->arena));
    fputs(".EE\n.SH SEE ALSO\n.BR emend (1),\n.BR emend\\-run (1),\n.BR emend\\-check (1)\n", to);
}

enum { THE_PROGRAM = -1, EXPERIMENTS = -2 };

static enum em_status write_page(struct cli *cli, const char *path, int which)
{
    struct sheet sheet;
    sheet_begin(&sheet);
    if (which == EXPERIMENTS)
        man_print_experiment(cli, sheet.to);
    else
        man_print_command(cli, sheet.to, which == THE_PROGRAM ? NULL : cli_commands[which]);
    sheet_end(&sheet);
    const enum em_status status = file_write(cli->log, path, sheet.text, sheet.size);
    free(sheet.text);
    return status;
}

enum em_status man_write_all(struct cli *cli, const char *folder)
{
    const char *one = path_join(cli->arena, folder, "man1");
    const char *five = path_join(cli->arena, folder, "man5");
    cli->running = true;
    EM_TRY(folder_make(cli->log, one));
    EM_TRY(folder_make(cli->log, five));
    EM_TRY(write_page(cli, path_join(cli->arena, one, "emend.1"), THE_PROGRAM));
    EM_TRY(write_page(cli, path_join(cli->arena, five, "emend-experiment.5"), EXPERIMENTS));
    for (int i = 0; cli_commands[i]; i++)
        EM_TRY(write_page(cli, arena_print(cli->arena, "%s/emend-%s.1", one, cli_commands[i]->name),
                          i));
    return EM_OK;
}
