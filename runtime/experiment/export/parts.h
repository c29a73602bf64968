// An export in the making, shared by the files of this folder only.

#ifndef EXPERIMENT_EXPORT_PARTS_H
#define EXPERIMENT_EXPORT_PARTS_H

#include "base/text/json.h"
#include "experiment/export/export.h"
#include "session/session.h"

struct export_change { // of one matrix, by all batches
    const struct file_tensor *tensor;
    struct {
        const struct session_edit **items; // in order
        size_t num, cap;
    } edits;
    const char *name; // without ".weight"
    int rank;
    bool whole; // written as a whole somewhere
};

struct export
{
    const struct export_params *params;
    struct log *log;
    struct arena *arena;
    struct json experiment; // resolved
    struct model_files *model;
    const char *model_path;
    char base[HASH_SIZE];
    const char *state;  // hash behind the last change
    const char *folder; // where it is made
    int first, last;    // batches, from 0
    int num_facts;
    struct {
        struct export_change *items;
        size_t num, cap;
    } changes;
    struct export_matrix *matrices; // [changes.num]
};

// --- changes.c

// A text of the run's experiment; "" if there is none.
const char *export_run_text(const struct export *e, const char *section, const char *member);
bool export_keeps_edits(const struct export *e);

// Fills `changes` and `state` from the batches' files, which go on from one another.
EM_MUST_CHECK enum em_status export_read_changes(struct export *e);
// `path` was made on another model.
enum em_status export_fail_base(const struct export *e, const char *path);

// The edited matrix as the run had it, [rows, cols]; free() it.
EM_MUST_CHECK enum em_status export_matrix(const struct export *e, const struct export_change *c,
                                           float **out);
// What a file says of itself, as JSON text.
const char *export_metadata(const struct export *e);

// --- delta.c, folder.c

EM_MUST_CHECK enum em_status export_write_delta(struct export *e);
EM_MUST_CHECK enum em_status export_write_folder(struct export *e);

#endif
