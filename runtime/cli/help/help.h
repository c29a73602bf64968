// Help and man pages, made from the commands' tables and the plugins' descriptors.

#ifndef CLI_HELP_HELP_H
#define CLI_HELP_HELP_H

#include <stdio.h>

#include "cli/cli.h"

// What is said of an option: its help, choices, default, whether it is needed or may be repeated.
char *help_option_text(struct arena *a, const struct cli_option *o);

void help_print_algorithm(struct cli *cli, const struct em_algorithm *a);
void help_print_metric(struct cli *cli, const struct em_metric *m);

// The man page of a command, NULL: of the program; and that of experiments' files, section 5.
void man_print_command(struct cli *cli, FILE *to, const struct cli_command *command);
void man_print_experiment(struct cli *cli, FILE *to);
// All of them, as man1/emend-run.1 and so on.
EM_MUST_CHECK enum em_status man_write_all(struct cli *cli, const char *folder);

#endif
