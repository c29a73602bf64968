// The command line taken apart: a command, its options by its table, its arguments.

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "plugin/options.h"

static const struct cli_option global_options[] = {
    CLI_FLAG_ROW(struct cli_line, help, "help", 'h', "show what a command does"),
    CLI_FLAG_ROW(struct cli_line, json, "json", 0, "write results as JSON"),
    CLI_TEXTS_ROW(struct cli_line, plugins, "plugins", "DIR", false,
                  "look for plugins in DIR too (also: EMEND_PLUGIN_PATH)"),
    CLI_FLAG_ROW(struct cli_line, quiet, "quiet", 'q', "only results and errors"),
    CLI_FLAG_ROW(struct cli_line, verbose, "verbose", 'v', "say more"),
    CLI_FLAG_ROW(struct cli_line, version, "version", 0, "show the version"),
    {0},
};

const struct cli_option *cli_global_options(void)
{
    return global_options;
}

struct parser {
    struct cli *cli;
    struct cli_line *line;
    char *options; // the command's struct
    char **argv;
    int argc, at;
    struct cli_texts args;
};

static const char *command_word(const struct parser *p)
{
    return p->line->command ? p->line->command->name : "";
}

static const char *help_hint(const struct parser *p)
{
    const char *name = command_word(p);
    return arena_print(p->cli->arena, "(see \"emend help%s%s\")", *name ? " " : "", name);
}

static enum em_status fail_unknown_command(struct parser *p, const char *word)
{
    const char *names[64] = {0};
    for (int i = 0; cli_commands[i] && i < 63; i++)
        names[i] = cli_commands[i]->name;
    const char *near = options_nearest(word, names);
    return log_fail(p->cli->log, EM_ERR_CONFIG, "unknown command \"%s\"%s %s", word,
                    near ? arena_print(p->cli->arena, "; did you mean \"%s\"?", near) : "",
                    help_hint(p));
}

// "-m" and "-model" of other programs as well as "--modle".
static const char *option_meant(const char *word, const char *const *names)
{
    word += strspn(word, "-");
    if (strlen(word) != 1)
        return options_nearest(word, names);
    while (*names && **names != *word)
        names++;
    return *names;
}

static enum em_status fail_unknown_option(struct parser *p, const char *word)
{
    const char *names[64] = {0};
    int num = 0;
    const struct cli_option *own = p->line->command ? p->line->command->options : NULL;
    for (; own && own->name; own++)
        names[num++] = own->name;
    for (const struct cli_option *o = global_options; o->name; o++)
        names[num++] = o->name;
    const char *near = option_meant(word, names);
    return log_fail(p->cli->log, EM_ERR_CONFIG, "unknown option %s%s%s%s %s", word,
                    p->line->command ? " of " : "", command_word(p),
                    near ? arena_print(p->cli->arena, "; did you mean --%s?", near) : "",
                    help_hint(p));
}

static const struct cli_option *find_in(const struct cli_option *table, const char *name,
                                        size_t length, char letter)
{
    for (; table && table->name; table++) {
        if (letter ? table->letter == letter
                   : strlen(table->name) == length && !strncmp(table->name, name, length))
            return table;
    }
    return NULL;
}

static enum em_status store_int(struct parser *p, const struct cli_option *o, const char *value,
                                int *out)
{
    char *end;
    const long number = strtol(value, &end, 10);
    if (end == value || *end)
        return log_fail(p->cli->log, EM_ERR_CONFIG, "--%s: \"%s\" is not a whole number", o->name,
                        value);
    if (number < o->min || number > o->max)
        return log_fail(p->cli->log, EM_ERR_CONFIG, "--%s: %s is outside %d to %d", o->name, value,
                        o->min, o->max);
    *out = (int) number;
    return EM_OK;
}

static enum em_status store_choice(struct parser *p, const struct cli_option *o, const char *value,
                                   int *out)
{
    char *all = arena_copy(p->cli->arena, "");
    for (int i = 0; o->choices[i]; i++) {
        if (!strcmp(o->choices[i], value)) {
            *out = i;
            return EM_OK;
        }
        all = arena_print(p->cli->arena, "%s%s%s", all, i ? ", " : "", o->choices[i]);
    }
    for (const char *const *r = o->refused; r && *r; r += 2)
        if (!strcmp(r[0], value))
            return log_fail(p->cli->log, EM_ERR_CONFIG, "--%s %s %s", o->name, value, r[1]);
    return log_fail(p->cli->log, EM_ERR_CONFIG, "--%s: \"%s\" is none of: %s", o->name, value, all);
}

static enum em_status store(struct parser *p, const struct cli_option *o, char *base,
                            const char *value)
{
    void *to = base + o->offset;
    switch (o->kind) {
    case CLI_FLAG:
        *(bool *) to = true;
        return EM_OK;
    case CLI_TEXT:
        *(const char **) to = value;
        return EM_OK;
    case CLI_TEXTS:
        *arena_push(p->cli->arena, (struct cli_texts *) to) = value;
        return EM_OK;
    case CLI_INT:
        return store_int(p, o, value, to);
    case CLI_CHOICE:
        return store_choice(p, o, value, to);
    case CLI_END:
        break;
    }
    return EM_OK;
}

static enum em_status parse_option(struct parser *p, const char *word)
{
    const bool is_long = word[1] == '-';
    const char *name = is_long ? word + 2 : word + 1;
    const char *equals = is_long ? strchr(name, '=') : NULL;
    const size_t length = equals ? (size_t) (equals - name) : strlen(name);
    const char letter = is_long ? '\0' : *name;
    if (!is_long && length != 1)
        return fail_unknown_option(p, word);

    const struct cli_option *own = p->line->command ? p->line->command->options : NULL;
    const struct cli_option *option = find_in(own, name, length, letter);
    char *base = p->options;
    if (!option) {
        option = find_in(global_options, name, length, letter);
        base = (char *) p->line;
    }
    if (!option)
        return fail_unknown_option(
            p, arena_print(p->cli->arena, "%.*s", (int) (name - word + (int) length), word));
    if (option->kind == CLI_FLAG) {
        if (equals)
            return log_fail(p->cli->log, EM_ERR_CONFIG, "--%s takes no value", option->name);
        return store(p, option, base, NULL);
    }
    const char *value = equals ? equals + 1 : p->at < p->argc ? p->argv[p->at++] : NULL;
    if (!value)
        return log_fail(p->cli->log, EM_ERR_CONFIG, "--%s needs a value: %s", option->name,
                        option->help);
    return store(p, option, base, value);
}

static enum em_status parse_command(struct parser *p, const char *word)
{
    const struct cli_command *command = cli_command_find(word);
    if (!command)
        return fail_unknown_command(p, word);
    p->line->command = command;
    p->options = arena_alloc(p->cli->arena, command->options_size + 1);
    p->line->options = p->options;
    for (const struct cli_option *o = command->options; o && o->name; o++) {
        if (o->kind == CLI_INT || o->kind == CLI_CHOICE)
            *(int *) (p->options + o->offset) = o->fallback;
    }
    return EM_OK;
}

static enum em_status check_given(struct parser *p)
{
    const struct cli_command *c = p->line->command;
    for (const struct cli_option *o = c->options; o && o->name; o++) {
        const char *at = p->options + o->offset;
        if (!o->required)
            continue;
        if (o->kind == CLI_TEXT ? *(const char *const *) at != NULL
                                : ((const struct cli_texts *) at)->num > 0)
            continue;
        return log_fail(p->cli->log, EM_ERR_CONFIG, "%s needs --%s %s: %s", c->name, o->name,
                        o->value, o->help);
    }
    if ((int) p->args.num < c->min_args)
        return log_fail(p->cli->log, EM_ERR_CONFIG, "%s needs %s %s", c->name, c->arguments,
                        help_hint(p));
    if ((int) p->args.num > c->max_args)
        return log_fail(p->cli->log, EM_ERR_CONFIG, "%s: \"%s\" is one argument too many %s",
                        c->name, p->args.items[c->max_args], help_hint(p));
    return EM_OK;
}

enum em_status cli_parse(struct cli *cli, int argc, char **argv, struct cli_line *line)
{
    struct parser p = {.cli = cli, .line = line, .argv = argv, .argc = argc, .at = 1};
    bool options_end = false;
    while (p.at < argc) {
        const char *word = argv[p.at++];
        if (!options_end && !strcmp(word, "--")) {
            options_end = true;
        } else if (!options_end && word[0] == '-' && word[1]) {
            EM_TRY(parse_option(&p, word));
        } else if (!line->command) {
            EM_TRY(parse_command(&p, word));
        } else {
            *arena_push(cli->arena, &p.args) = word;
        }
    }
    line->args = p.args.items;
    line->num_args = (int) p.args.num;
    if (!line->command || line->help || line->version)
        return EM_OK;
    return check_given(&p);
}
