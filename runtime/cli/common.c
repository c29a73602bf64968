// What several commands share: plugins, installed files, letters in bold, JSON on standard output.

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file/file.h"
#include "cli/cli.h"

// The folders of "a:b:c", behind the program's own.
static struct cli_texts list_folders(struct cli *cli)
{
    struct cli_texts list = {0};
    *arena_push(cli->arena, &list) = path_join(cli->arena, cli->prefix, "lib/emend");
    char *save = NULL, *rest = arena_copy(cli->arena, cli->plugin_path);
    for (char *at = strtok_r(rest, ":", &save); at; at = strtok_r(NULL, ":", &save))
        *arena_push(cli->arena, &list) = at;
    return list;
}

enum em_status cli_plugins(struct cli *cli)
{
    if (cli->registry)
        return EM_OK;
    const struct cli_texts folders = list_folders(cli);
    for (size_t i = 1; i < folders.num; i++) {
        if (!file_is_folder(folders.items[i]))
            return log_fail(cli->log, EM_ERR_CONFIG,
                            "plugin folder %s does not exist (--plugins, EMEND_PLUGIN_PATH)",
                            folders.items[i]);
    }
    cli->registry = registry_create(cli->log, folders.items, (int) folders.num);
    return cli->registry ? EM_OK : log_status(cli->log);
}

char *cli_share_path(struct cli *cli, const char *name)
{
    return arena_print(cli->arena, "%s/share/emend/%s", cli->prefix, name);
}

const char *cli_bold(const struct cli *cli)
{
    return cli->color ? "\033[1m" : "";
}

const char *cli_plain(const struct cli *cli)
{
    return cli->color ? "\033[0m" : "";
}

void cli_print_json(cJSON *json)
{
    char *text = cJSON_Print(json);
    puts(text ? text : "null");
    free(text);
    cJSON_Delete(json);
}
