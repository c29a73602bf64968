// What the runs of one process share, so that it is made once: model files, data sets, hashes of
// files, and the device with a session on it.
//
// Memory: all lives until workshop_destroy, the session until one for another model is asked for.
// Errors: in the log of the params.

#ifndef EXPERIMENT_WORKSHOP_H
#define EXPERIMENT_WORKSHOP_H

#include "base/file/cache.h"
#include "experiment/data/data.h"
#include "experiment/experiment.h"
#include "experiment/read/spec.h"

struct workshop {
    struct experiment_params params;
    struct log *log;
    struct arena *arena;
    struct cache *cache;
    struct workshop_model *models;
    struct workshop_data *data;
    struct workshop_hash *hashes;
    struct workshop_corpus *corpora; // with the layers that runs will need
    struct gpu *gpu;
    struct em_session *session;
    const char *label; // of the run at work, "3/10 memit-64", before each progress; NULL: none
    // What was made for the session that stands, as text; NULL: nothing yet.
    const char *device, *session_key, *corpus_key, *templates_key;
    const struct em_fact *checked; // of the data set whose prompts the session has seen
};

struct workshop *workshop_create(const struct experiment_params *params);
void workshop_destroy(struct workshop **w);

// The files of a document's "model": a path as the author wrote it, the name of a model in the
// cache of Hugging Face's tools, or a name that is fetched.
EM_MUST_CHECK enum em_status workshop_files(struct workshop *w, const struct document *d,
                                            const char *model, struct model_files **files,
                                            const char **path);
// The data set that `spec` describes.
EM_MUST_CHECK enum em_status workshop_read_data(struct workshop *w, const struct spec *spec,
                                                const struct data_set **out);
EM_MUST_CHECK enum em_status workshop_hash_file(struct workshop *w, const char *path,
                                                char hex[HASH_SIZE]);
// A session on the files with the spec's settings, unedited: the one that stands if it is of the
// same kind, else a new one.
EM_MUST_CHECK enum em_status workshop_session(struct workshop *w, const struct spec *spec,
                                              struct model_files *files);
// Says that a run will need its layers' covariances, which are measured with those of others.
void workshop_expect(struct workshop *w, const struct spec *spec, const struct model_files *files);
// Gives the session the spec's corpus, with all layers expected of it, and imports.
EM_MUST_CHECK enum em_status workshop_give_corpus(struct workshop *w, const struct spec *spec,
                                                  const struct model_files *files);
// Forgets the session, which a failure may have left in any state.
void workshop_drop_session(struct workshop *w);
// And the device, which may be lost for good: the next run makes it anew.
void workshop_drop_device(struct workshop *w);

#endif
