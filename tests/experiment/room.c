// The experiment tests' room; see room.h.

#include "room.h"

#include <unistd.h>

void room_open(struct room *r)
{
    static const char *const folders[] = {PLUGINS};
    char name[] = "/tmp/emend-experiment-XXXXXX";
    r->arena = arena_create();
    r->log = log_create(NULL, LOG_QUIET);
    r->registry = registry_create(r->log, folders, 1);
    assert_non_null(mkdtemp(name));
    r->folder = arena_copy(r->arena, name);
}

void room_close(struct room *r)
{
    folder_remove(r->folder);
    registry_destroy(&r->registry);
    log_destroy(&r->log);
    arena_destroy(&r->arena);
}

void room_new_log(struct room *r)
{
    static const char *const folders[] = {PLUGINS};
    registry_destroy(&r->registry);
    log_destroy(&r->log);
    r->log = log_create(NULL, LOG_QUIET);
    r->registry = registry_create(r->log, folders, 1);
}

const char *room_path(struct room *r, const char *name)
{
    return path_join(r->arena, r->folder, name);
}

const char *room_write(struct room *r, const char *name, const char *text)
{
    const char *path = room_path(r, name);
    room_ok(r, file_write(r->log, path, text, strlen(text)));
    return path;
}

char *room_read(struct room *r, const char *path)
{
    char *text = NULL;
    room_ok(r, file_read(r->log, r->arena, path, &text, NULL));
    return text;
}

void room_check_error(struct room *r, const char *expected)
{
    char *whole = arena_copy(r->arena, "");
    for (const char *at; (at = strchr(expected, '@')); expected = at + 1)
        whole =
            arena_print(r->arena, "%s%.*s%s", whole, (int) (at - expected), expected, r->folder);
    whole = arena_print(r->arena, "%s%s", whole, expected);
    assert_string_equal(log_error(r->log), whole);
}

void room_ok(struct room *r, enum em_status status)
{
    if (status != EM_OK)
        fail_msg("status %d: %s", (int) status, log_error(r->log));
}
