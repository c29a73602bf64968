// The list of commands, in the order in which the help shows them.

#include <string.h>

#include "cli/cli.h"

const struct cli_command *const cli_commands[] = {
    &cli_run,    &cli_check,      &cli_report,     &cli_export, &cli_edit,  &cli_generate,
    &cli_score,  &cli_covariance, &cli_list,       &cli_fetch,  &cli_cache, &cli_schema,
    &cli_device, &cli_bench,      &cli_completion, &cli_help,   NULL,
};

const struct cli_command *cli_command_find(const char *name)
{
    for (int i = 0; cli_commands[i]; i++) {
        if (!strcmp(cli_commands[i]->name, name))
            return cli_commands[i];
    }
    return NULL;
}
