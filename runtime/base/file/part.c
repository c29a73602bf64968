// Leftovers; see part.h.

#include "base/file/part.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/file/file.h"

// "report.html.part-123" as a part of "report.html" whose process is gone.
static bool is_left(const char *entry, const char *name)
{
    const size_t length = strlen(name), mark = strlen(PART_MARK);
    if (strncmp(entry, name, length) != 0 || strncmp(entry + length, PART_MARK, mark) != 0)
        return false;
    char *end;
    const long pid = strtol(entry + length + mark, &end, 10);
    return pid > 0 && pid == (pid_t) pid && !*end && kill((pid_t) pid, 0) != 0 && errno == ESRCH;
}

void part_sweep(const char *path)
{
    struct arena *a = arena_create();
    const char *folder = path_folder(a, path), *name = path_name(path);
    DIR *dir = opendir(folder);
    for (const struct dirent *e; dir && (e = readdir(dir));)
        if (is_left(e->d_name, name))
            folder_remove(path_join(a, folder, e->d_name));
    if (dir)
        closedir(dir);
    arena_destroy(&a);
}
