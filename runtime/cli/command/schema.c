// `emend schema`: experiments as JSON Schema, for editors.

#include "cli/cli.h"
#include "experiment/read/schema.h"

static enum em_status schema_run(struct cli *cli, const void *options, const char *const *args,
                                 int num)
{
    (void) options, (void) args, (void) num;
    EM_TRY(cli_plugins(cli));
    cli_print_json(experiment_schema(cli->arena, cli->registry));
    return EM_OK;
}

const struct cli_command cli_schema = {
    .name = "schema",
    .summary = "Write the JSON Schema of experiments, with every plugin's options",
    .about =
        "  emend schema > experiment.schema.json\n\n"
        "Editors that know JSON Schema (draft 2020-12) then complete and check experiments that\n"
        "begin with { \"$schema\": \"experiment.schema.json\", ... }.",
    .run = schema_run,
};
