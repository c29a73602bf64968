// What a finished run made of its model, for other programs: the low-rank change alone, or the
// edited model as a Hugging Face folder.
//
// Errors: EM_ERR_CONFIG about the run; the folder appears whole or not at all.

#ifndef EXPERIMENT_EXPORT_H
#define EXPERIMENT_EXPORT_H

#include "base/arena.h"
#include "base/file/cache.h"
#include "base/log.h"

enum export_format {
    EXPORT_DELTA, // delta.safetensors: NAME.left [rows, n] and NAME.right [n, cols], whose product
                  // is added to NAME.weight; NAME.weight itself where it was written as a whole
    EXPORT_HF,    // the model's folder with the edited matrices in the place of the old ones
};

struct export_params {
    struct log *log;
    struct arena *arena; // the result's strings live here
    const char *run;     // its folder
    const char *model;   // its path, if it is no longer where the run found it; or NULL
    const char *out;     // a folder, not there yet or empty
    enum export_format format;
    bool f32;            // EXPORT_HF: edited matrices in float32, else in the type they had
    int batch;           // from 1: of this batch alone; 0: of all, which are kept in the model
    struct cache *cache; // of the model's hash
    // The path of a model that is known by name.
    enum em_status (*fetch)(void *user, const char *name, struct arena *a, const char **path);
    void *fetch_user;
};

struct export_matrix {
    const char *name; // "model.layers.5.mlp.down_proj"
    int rank;         // of the factors; 0: written as a whole
    // Frobenius norms: of the change, and of what rounding to the file's type takes from the edited
    // matrix; EXPORT_HF
    double change, rounding;
};

struct export_result {
    const char *path; // of the file or the folder
    const struct export_matrix *matrices;
    int num_matrices;
    int num_batches, num_facts;
    const char *base; // SHA-256 of the weights that the change belongs to
};

EM_MUST_CHECK enum em_status experiment_export(const struct export_params *params,
                                               struct export_result *out);

#endif
