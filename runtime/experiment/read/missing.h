// Files that an experiment names and that are not there: collected while it is read, and told all
// at once, with what to fetch for those that are known.

#ifndef EXPERIMENT_MISSING_H
#define EXPERIMENT_MISSING_H

#include "base/arena.h"
#include "base/log.h"

struct missing;

struct missing *missing_create(struct log *log, struct arena *a); // lives in the arena

// `where`: the place in the experiment; `written`: the path there; `path`: where it was looked for;
// `what`: "file" or the like.
void missing_add(struct missing *m, const char *where, const char *written, const char *path,
                 const char *what);
// EM_OK where nothing is missing.
EM_MUST_CHECK enum em_status missing_fail(const struct missing *m);

#endif
