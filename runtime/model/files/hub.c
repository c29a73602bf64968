// Models in the cache of Hugging Face's tools; see hub.h.

#include "model/hub.h"

#include <string.h>

#include "base/file/file.h"

#define FOLDER "models--"

static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "._-";

static size_t span(const char *part) // 0: it is no part of a name
{
    return *part == '.' ? 0 : strspn(part, characters);
}

bool hub_is_name(const char *model)
{
    const size_t org = span(model);
    if (!org || model[org] != '/')
        return false;
    const char *name = model + org + 1;
    return span(name) && !name[span(name)];
}

// The commit that the main branch of a repository's folder is at; NULL: it is not said.
static const char *read_commit(struct arena *a, const char *folder)
{
    const char *path = path_join(a, folder, "refs/main");
    struct log *aside = log_create(NULL, LOG_QUIET); // who has no main branch has no such model
    char *text;
    const bool read = file_read(aside, a, path, &text, NULL) == EM_OK;
    log_destroy(&aside);
    if (!read)
        return NULL;
    text[strcspn(text, "\r\n")] = 0;
    return *text && strspn(text, "0123456789abcdef") == strlen(text) ? text : NULL;
}

static const char *find_snapshot(struct arena *a, const char *hub, const char *model)
{
    const char *slash = strchr(model, '/');
    const char *folder =
        arena_print(a, "%s/" FOLDER "%.*s--%s", hub, (int) (slash - model), model, slash + 1);
    const char *commit = read_commit(a, folder);
    const char *snapshot = commit ? arena_print(a, "%s/snapshots/%s", folder, commit) : NULL;
    return snapshot && file_is_folder(snapshot) ? snapshot : NULL;
}

const char *hub_find(struct arena *a, const char *folder, const char *model, const char *hub)
{
    const char *path = path_join(a, folder, model);
    if (file_exists(path))
        return path;
    return hub && hub_is_name(model) ? find_snapshot(a, hub, model) : NULL;
}

const char *hub_name(struct arena *a, const char *path)
{
    const char *above = path_folder(a, path);
    const bool is_snapshot = strcmp(path_name(above), "snapshots") == 0;
    const char *folder = path_name(is_snapshot ? path_folder(a, above) : path);
    const size_t begin = strlen(FOLDER);
    const char *org = strncmp(folder, FOLDER, begin) == 0 ? folder + begin : "";
    const char *name = strstr(org, "--");
    return name ? arena_print(a, "%.*s/%s", (int) (name - org), org, name + 2) : NULL;
}
