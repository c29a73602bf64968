// `emend completion`: what a shell completes, written in its own language from the commands' tables
// and the names of plugins and models.

#include <string.h>

#include "cli/cli.h"
#include "plugin/options.h"

// --- what may stand where

enum values { VALUE_NONE, VALUE_ANY, VALUE_FILE, VALUE_FOLDER, VALUE_WORDS };

struct values_of {
    enum values kind;
    const char *words; // with spaces between them; of files too: names that stand beside them
};

static char *join(struct arena *a, const char *list, const char *word)
{
    return arena_print(a, "%s%s%s", list, *list ? " " : "", word);
}

static const char *model_names(struct cli *cli)
{
    const char *list = "";
    for (const struct cli_known *m = cli_known_models; m->name; m++)
        list = join(cli->arena, list, m->name);
    return list;
}

static const char *algorithm_names(struct cli *cli)
{
    int num;
    const char *list = "";
    const char *const *names = registry_algorithms(cli->registry, cli->arena, &num);
    for (int i = 0; i < num; i++)
        list = join(cli->arena, list, names[i]);
    return list;
}

static const char *help_names(struct cli *cli)
{
    int num;
    const char *list = join(cli->arena, algorithm_names(cli), "experiment");
    const char *const *names = registry_metrics(cli->registry, cli->arena, &num);
    for (int i = 0; i < num; i++)
        list = join(cli->arena, list, names[i]);
    for (int i = 0; cli_commands[i]; i++)
        list = join(cli->arena, list, cli_commands[i]->name);
    return list;
}

static struct values_of option_values(struct cli *cli, const struct cli_option *o)
{
    if (o->kind == CLI_FLAG)
        return (struct values_of) {VALUE_NONE, ""};
    if (o->kind == CLI_CHOICE) {
        const char *list = "";
        for (int i = 0; o->choices[i]; i++)
            list = join(cli->arena, list, o->choices[i]);
        return (struct values_of) {VALUE_WORDS, list};
    }
    if (o->kind == CLI_INT)
        return (struct values_of) {VALUE_ANY, ""};
    if (strcmp(o->value, "DIR") == 0)
        return (struct values_of) {VALUE_FOLDER, ""};
    if (strcmp(o->value, "FILE") == 0)
        return (struct values_of) {VALUE_FILE, ""};
    if (strcmp(o->value, "M") == 0)
        return (struct values_of) {VALUE_FILE, model_names(cli)};
    if (strcmp(o->name, "algorithm") == 0)
        return (struct values_of) {VALUE_WORDS, algorithm_names(cli)};
    return (struct values_of) {VALUE_ANY, ""};
}

// "devices|models" are words, FILE and RUN... are paths.
static struct values_of argument_values(struct cli *cli, const struct cli_command *c)
{
    if (!c->arguments)
        return (struct values_of) {VALUE_NONE, ""};
    if (strcmp(c->name, "help") == 0)
        return (struct values_of) {VALUE_WORDS, help_names(cli)};
    if (strncmp(c->arguments, "NAME", 4) == 0)
        return (struct values_of) {VALUE_WORDS, model_names(cli)};
    if (!c->arguments[strspn(c->arguments, "abcdefghijklmnopqrstuvwxyz|")]) {
        char *list = arena_copy(cli->arena, c->arguments);
        for (char *at = list; *at; at++)
            *at = *at == '|' ? ' ' : *at;
        return (struct values_of) {VALUE_WORDS, list};
    }
    const bool is_run = strncmp(c->arguments, "RUN", 3) == 0;
    return (struct values_of) {is_run ? VALUE_FOLDER : VALUE_FILE, ""};
}

static const char *command_names(struct cli *cli)
{
    const char *list = "";
    for (int i = 0; cli_commands[i]; i++)
        list = join(cli->arena, list, cli_commands[i]->name);
    return list;
}

static const char *option_names(struct cli *cli, const struct cli_option *table)
{
    const char *list = "";
    for (; table && table->name; table++)
        list = join(cli->arena, list, arena_print(cli->arena, "--%s", table->name));
    return list;
}

// --- bash

static void bash_values(const char *pattern, struct values_of v)
{
    const char *how = v.kind == VALUE_FILE ? "-f " : v.kind == VALUE_FOLDER ? "-d " : "";
    if (v.kind == VALUE_NONE)
        return;
    printf("    %s)", pattern);
    if (*how || *v.words)
        printf(" mapfile -t COMPREPLY < <(compgen %s-W '%s' -- \"$word\");", how, v.words);
    printf(" return ;;\n");
}

static void print_bash(struct cli *cli)
{
    printf("# emend completion bash: source it, or put it into bash-completion's folder\n"
           "_emend() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local command='' words='' i\n"
           "    compopt -o filenames 2>/dev/null\n"
           "    for ((i = 1; i < COMP_CWORD && ${#command} == 0; i++)); do\n"
           "        [[ ' %s ' == *\" ${COMP_WORDS[i]} \"* ]] && command=${COMP_WORDS[i]}\n"
           "    done\n"
           "    case $command:$before in\n",
           command_names(cli));
    for (const struct cli_option *o = cli_global_options(); o->name; o++)
        bash_values(arena_print(cli->arena, "*:--%s", o->name), option_values(cli, o));
    for (int i = 0; cli_commands[i]; i++)
        for (const struct cli_option *o = cli_commands[i]->options; o && o->name; o++)
            bash_values(arena_print(cli->arena, "%s:--%s", cli_commands[i]->name, o->name),
                        option_values(cli, o));
    printf("    esac\n    if [[ $word == -* ]]; then\n        case $command in\n");
    for (int i = 0; cli_commands[i]; i++)
        printf("        %s) words='%s' ;;\n", cli_commands[i]->name,
               option_names(cli, cli_commands[i]->options));
    printf("        esac\n        words+=' %s'\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n        return\n"
           "    fi\n    case $command in\n",
           option_names(cli, cli_global_options()));
    bash_values("''", (struct values_of) {VALUE_WORDS, command_names(cli)});
    for (int i = 0; cli_commands[i]; i++)
        bash_values(cli_commands[i]->name, argument_values(cli, cli_commands[i]));
    printf("    esac\n}\ncomplete -F _emend emend\n");
}

// --- zsh

// Text within single quotes, with what _arguments takes for itself escaped.
static void zsh_text(const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        else if (strchr(special, *text))
            putchar('\\');
        putchar(*text);
    }
}

static void zsh_values(const char *what, struct values_of v)
{
    putchar(':');
    zsh_text(what, ":[]()");
    putchar(':');
    if (v.kind == VALUE_FOLDER)
        printf("_files -/");
    else if (v.kind == VALUE_FILE && *v.words)
        printf("{_alternative \"names:name:(%s)\" \"files:file:_files\"}", v.words);
    else if (v.kind == VALUE_FILE)
        printf("_files");
    else if (v.kind == VALUE_WORDS)
        printf("(%s)", v.words);
    else
        putchar(' ');
}

static void zsh_options(struct cli *cli, const struct cli_option *table)
{
    for (const struct cli_option *o = table; o && o->name; o++) {
        printf(" \\\n            '%s--%s[", o->kind == CLI_TEXTS ? "*" : "", o->name);
        zsh_text(o->help, "[]:\\");
        putchar(']');
        if (o->kind != CLI_FLAG)
            zsh_values(o->value, option_values(cli, o));
        putchar('\'');
    }
}

static void print_zsh(struct cli *cli)
{
    printf("#compdef emend\n# emend completion zsh: put it into a folder of $fpath as _emend\n\n"
           "_emend() {\n    local -a commands\n    local context state line\n    commands=(\n");
    for (int i = 0; cli_commands[i]; i++) {
        printf("        '%s:", cli_commands[i]->name);
        zsh_text(cli_commands[i]->summary, ":\\");
        printf("'\n");
    }
    printf("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n"
           "        return\n    fi\n    local command=$words[2]\n"
           "    words=(\"${(@)words[2,-1]}\")\n    (( CURRENT-- ))\n    case $command in\n");
    for (int i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        printf("    %s)\n        _arguments -s", c->name);
        zsh_options(cli, c->options);
        zsh_options(cli, cli_global_options());
        if (c->arguments) {
            printf(" \\\n            '*");
            zsh_values(c->name, argument_values(cli, c));
            putchar('\'');
        }
        printf(" ;;\n");
    }
    printf("    esac\n}\n\n_emend \"$@\"\n");
}

// --- fish

static void fish_text(const char *text)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static void fish_values(struct values_of v)
{
    if (v.kind == VALUE_NONE)
        return;
    if (v.kind == VALUE_FILE)
        printf(" -r -F");
    else if (v.kind == VALUE_FOLDER)
        printf(" -x -a '(__fish_complete_directories)'");
    else
        printf(" -x");
    if (*v.words) {
        printf(" -a ");
        fish_text(v.words);
    }
}

static void fish_options(struct cli *cli, const char *condition, const struct cli_option *table)
{
    for (const struct cli_option *o = table; o && o->name; o++) {
        printf("complete -c emend%s -l %s", condition, o->name);
        if (o->letter)
            printf(" -s %c", o->letter);
        fish_values(option_values(cli, o));
        printf(" -d ");
        fish_text(o->help);
        putchar('\n');
    }
}

static void print_fish(struct cli *cli)
{
    printf("# emend completion fish: put it into ~/.config/fish/completions as emend.fish\n"
           "complete -c emend -f\n");
    fish_options(cli, "", cli_global_options());
    for (int i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        printf("complete -c emend -n __fish_use_subcommand -a %s -d ", c->name);
        fish_text(c->summary);
        const char *within =
            arena_print(cli->arena, " -n '__fish_seen_subcommand_from %s'", c->name);
        putchar('\n');
        fish_options(cli, within, c->options);
        const struct values_of v = argument_values(cli, c);
        if (v.kind == VALUE_NONE)
            continue;
        printf("complete -c emend%s", within);
        if (v.kind == VALUE_WORDS) {
            printf(" -a ");
            fish_text(v.words);
        } else {
            printf(v.kind == VALUE_FOLDER ? " -a '(__fish_complete_directories)'" : " -F");
        }
        putchar('\n');
    }
}

// --- the command

static const struct {
    const char *name;
    void (*print)(struct cli *cli);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

static enum em_status completion_run(struct cli *cli, const void *options, const char *const *args,
                                     int num)
{
    (void) options, (void) num;
    enum { NUM = sizeof(shells) / sizeof(shells[0]) };
    const char *names[NUM + 1] = {0};
    EM_TRY(cli_plugins(cli));
    for (int i = 0; i < NUM; i++) {
        names[i] = shells[i].name;
        if (strcmp(args[0], names[i]) != 0)
            continue;
        shells[i].print(cli);
        return EM_OK;
    }
    return log_fail(cli->log, EM_ERR_CONFIG, "completion: \"%s\" is no shell that it knows%s",
                    args[0], options_suggest(cli->arena, args[0], names));
}

const struct cli_command cli_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "Write what makes a shell complete commands, options and names",
    .about = "  source <(emend completion bash)\n"
             "  emend completion zsh > ~/.zfunc/_emend\n"
             "  emend completion fish > ~/.config/fish/completions/emend.fish\n\n"
             "An installed emend has them in their places.",
    .min_args = 1,
    .max_args = 1,
    .run = completion_run,
};
