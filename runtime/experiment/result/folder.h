// A run folder: whose it is, how far it got, and the lock that keeps two processes apart.
//
// It holds experiment.json (resolved), identity.json (hashes of what the run was made from, and the
// numeric profile), templates.json; the journals before.jsonl, cases.jsonl, retained.jsonl and
// states.jsonl, and edits/, a file a batch; values.safetensors where it is asked for; timing.json,
// summary.json, which is written last, and log.txt, which has the lock.

#ifndef EXPERIMENT_FOLDER_H
#define EXPERIMENT_FOLDER_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/log.h"

enum folder_state {
    FOLDER_NEW,        // not there, empty, or to be moved aside
    FOLDER_UNFINISHED, // of this experiment
    FOLDER_FINISHED,   // of this experiment, with its summary
};

struct folder {
    struct log *log;
    struct arena *arena;
    const char *path;
    bool fresh; // an old folder is moved aside, never taken up
    FILE *log_file;
};

// Looks, and changes nothing. A folder that belongs to another experiment, or holds something else,
// is an error unless `fresh`; so is one that another process works in, or that cannot be written
// or has no room for `bytes`.
EM_MUST_CHECK enum em_status folder_look(const struct folder *f, const cJSON *experiment,
                                         const cJSON *identity, uint64_t bytes,
                                         enum folder_state *state);

bool folder_is_busy(const struct folder *f); // another process works in it
// Moves a folder that is to begin anew aside, if there is anything in it.
EM_MUST_CHECK enum em_status folder_renew(const struct folder *f);

// Makes the folder, or takes up the unfinished one, whose profile must be that of `identity`; from
// here on the log goes into it too.
EM_MUST_CHECK enum em_status folder_begin(struct folder *f, const cJSON *experiment,
                                          const cJSON *identity);
void folder_end(struct folder *f); // gives the lock back; accepts one that was not begun

char *folder_file(const struct folder *f, const char *name);
EM_MUST_CHECK enum em_status folder_write_json(const struct folder *f, const char *name,
                                               const cJSON *json);

#endif
