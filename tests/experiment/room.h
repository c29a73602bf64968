// What the experiment tier's tests share: a log, an arena, the shipped plugins, a folder that is
// removed at the end.

#ifndef TESTS_EXPERIMENT_ROOM_H
#define TESTS_EXPERIMENT_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file/file.h"
#include "experiment/experiment.h"
#include "plugin/registry.h"

struct room {
    struct log *log;
    struct arena *arena;
    struct registry *registry;
    const char *folder;
};

void room_open(struct room *r);
void room_close(struct room *r);
void room_new_log(struct room *r); // forgets failures and interruptions

const char *room_path(struct room *r, const char *name); // in the room's folder
const char *room_write(struct room *r, const char *name, const char *text);
char *room_read(struct room *r, const char *path);
// Fails the test unless the log's error is `expected`, in which @ stands for the room's folder.
void room_check_error(struct room *r, const char *expected);
void room_ok(struct room *r, enum em_status status); // fails the test with the log's message

#endif
