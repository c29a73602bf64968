// What several commands share: plugins, installed files, letters in bold, JSON on standard output.

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "cli/cli.h"

// The folders of "a:b:c".
static int split_path(struct arena *a, const char *path, const char ***folders)
{
    struct cli_texts list = {0};
    char *save = NULL;
    for (char *at = strtok_r(arena_copy(a, path), ":", &save); at; at = strtok_r(NULL, ":", &save))
        *arena_push(a, &list) = at;
    *folders = list.items;
    return (int) list.num;
}

enum em_status cli_plugins(struct cli *cli)
{
    if (cli->registry)
        return EM_OK;
    const char **folders;
    const int num = split_path(cli->arena, cli->plugin_path, &folders);
    for (int i = 0; i < num; i++) {
        if (!file_is_folder(folders[i]))
            return log_fail(cli->log, EM_ERR_CONFIG,
                            "plugin folder %s does not exist (--plugins, EMEND_PLUGIN_PATH)",
                            folders[i]);
    }
    cli->registry = registry_create(cli->log, folders, num);
    return cli->registry ? EM_OK : log_status(cli->log);
}

char *cli_share_path(struct cli *cli, const char *name)
{
    return path_join(cli->arena, cli->share_folder, name);
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
