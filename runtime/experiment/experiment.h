// Experiments: a JSON file is resolved (extends, --set, every default written out), checked, and
// run into a run folder, whose files result/folder.h lists.
//
// Errors: EM_ERR_CONFIG with "FILE:LINE: PATH: what was found; what is allowed" before anything is
// computed or written.

#ifndef EXPERIMENT_EXPERIMENT_H
#define EXPERIMENT_EXPERIMENT_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/text/json.h"
#include "op/op.h"
#include "plugin/registry.h"
#include "session/session.h"

struct experiment_params {
    struct log *log;
    struct registry *registry;
    const char *path; // the JSON file; or
    const char *text; // JSON text (of `emend edit`), with paths relative to the working folder
    const struct json_name *names; // of its values; NULL: none
    const char *const *sets;       // "path=value"
    int num_sets;
    const char *out;          // run folder; NULL: runs/NAME under the working folder
    const char *device;       // of --device; NULL: the experiment's, else the best
    enum op_matmul matmul;    // of --matmul
    const char *cache_folder; // per user
    const char *hub;          // the cache of Hugging Face's tools; NULL: not looked into
    bool fresh;               // move an old run folder aside
    // A model given by name that is not there: fetch it (says so, checks its hash). NULL: an error
    // instead.
    enum em_status (*fetch)(void *user, const char *name, struct arena *a, const char **path);
    void *fetch_user;
    session_progress_fn *progress; // given to the session when it is made; NULL: none
    void *progress_user;
};

struct experiment;

// Resolves and validates everything that can be known without the model's weights.
struct experiment *experiment_open(const struct experiment_params *params);
void experiment_destroy(struct experiment **e);
const cJSON *experiment_json(const struct experiment *e); // resolved

// The bench an experiment works at: device, model, session, algorithm with its options, as the JSON
// says. Made on first use; `emend edit`, `generate` and `score` use it without running the
// experiment.
EM_MUST_CHECK enum em_status experiment_setup(struct experiment *e);
struct em_session *experiment_session(struct experiment *e);
const struct em_algorithm *experiment_algorithm(const struct experiment *e, const void **options);
const struct em_fact *experiment_facts(const struct experiment *e, int *num);

EM_MUST_CHECK enum em_status experiment_run(struct experiment *e);
// Every member that an experiment may have, a line each, by section.
char *experiment_help(struct arena *a);
// The table of a finished run folder, for people or as JSON.
EM_MUST_CHECK enum em_status experiment_print(struct log *log, const char *folder, FILE *to,
                                              bool json);

#endif
