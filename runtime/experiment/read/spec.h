// What an experiment says, typed: its document checked member by member against option tables, and
// written out again with every default and absolute paths (the resolved experiment.json).
//
// Memory: lives in the arena. Errors: EM_ERR_CONFIG, with the
// place where the value was written.

#ifndef EXPERIMENT_SPEC_H
#define EXPERIMENT_SPEC_H

#include "experiment/read/document.h"
#include "model/config.h"
#include "plugin/options.h"
#include "plugin/registry.h"

enum spec_format {
    SPEC_COUNTERFACT,
    SPEC_JSONL,
    SPEC_INLINE,
    SPEC_ZSRE,
    SPEC_MQUAKE,
    SPEC_CSV,
};
enum spec_target { SPEC_ANSWERS, SPEC_ALT };
enum spec_mode { SPEC_SINGLE, SPEC_BATCH, SPEC_SEQUENTIAL, SPEC_SEQUENTIAL_BATCHED };
enum spec_retained { // when all facts edited so far are asked again
    SPEC_UNSAID,     // until spec_check_run has settled it
    SPEC_NEVER,
    SPEC_AT_END,
    SPEC_EVERY,
};

struct spec_root {
    const char *name, *about, *model, *device;
    int seed;
};

struct spec_tokens {
    int bos; // enum session_bos
};

struct spec_data {
    int format; // enum spec_format
    const char *path, *order, *order_list, *snippets, *separator;
    int target;       // enum spec_target
    int first, count; // count 0: all that follow
};

enum { SPEC_TEMPLATE_SETS = 2 }; // memit, rome

struct spec_templates {
    const char *path;
    struct spec_template_set { // as struct session_templates; where there is no file
        const char *name;
        const char *const *starts;
        int num_starts, per_start, top_k;
        struct em_int_list lengths;
    } sets[SPEC_TEMPLATE_SETS];
};

struct spec_covariance {
    int tokens, documents, max_length;
    bool shuffle;
    const char **corpus; // [num_corpus]
    int num_corpus;
    struct spec_import {
        int layer;
        const char *path;
    } * imports; // [num_imports]
    int num_imports;
};

struct spec_run {
    int mode;       // enum spec_mode
    int batch_size; // 0: all facts, until spec_check_run has settled it
};

struct spec_evaluate {
    bool before, fresh;
    int texts, text_length, generation_length;
    enum spec_retained retained;
    int every; // edits, SPEC_EVERY
};

struct spec_values {
    const char *values;
};

struct spec_export {
    bool values;
};

struct spec_metric {
    const struct em_metric *metric;
    void *options;
};

struct spec {
    struct log *log;
    struct arena *arena;
    const struct document *document;
    struct missing *missing; // files, while the document is read
    struct spec_root root;
    struct spec_tokens tokens;
    struct spec_data data;
    struct spec_templates templates;
    struct spec_covariance covariance;
    struct spec_run run;
    struct spec_evaluate evaluate;
    struct spec_values import;
    struct spec_export export;
    const struct em_algorithm *algorithm;
    void *options; // of the algorithm
    unsigned needs;
    struct spec_metric *metrics; // [num_metrics]
    int num_metrics;
    const cJSON *reference; // a paper's figures, as written; or NULL
};

// Files that are not there are one error, told after all that is wrong with the document itself.
struct spec_params {
    struct log *log;
    struct arena *arena;
    const struct document *document;
    struct registry *registry;
    const char *hub; // as experiment_params has it
};
EM_MUST_CHECK enum em_status spec_read(struct spec *spec, const struct spec_params *params);

// Modes whose edits stay in the model.
bool spec_keeps_edits(const struct spec *spec);
// Whether the model as it stands is looked at behind the batch of facts [first, end): behind each
// batch that is taken back; where edits are kept at the end, and where the count of edits reaches a
// multiple of evaluate.retained.every, rounded up to a batch's end.
bool spec_state_is_due(const struct spec *spec, int num_facts, int first, int end);

// The path of a document's "model", a file or folder or in the cache `hub`. NULL: it is a name that
// the caller may know, or is told to be missing.
const char *spec_find_model(const struct document *d, struct arena *a, const char *model,
                            const char *hub, struct missing *missing);

// What can be told only with the data: whether a batch has as many facts as there are, and as the
// algorithm takes at once. Settles the batch size, which is 1 where facts are edited one at a time,
// and when facts are asked again.
EM_MUST_CHECK enum em_status spec_check_run(struct spec *spec, struct registry *registry,
                                            int num_facts);

// What can be told only with the model: layers that it does not have, a covariance of too few
// tokens or of documents too long for it. Settles defaults that follow from it.
EM_MUST_CHECK enum em_status spec_check_model(struct spec *spec, const struct model_config *config);

// The resolved experiment, the caller's to delete. `facts`: the records of an inline data set.
cJSON *spec_write(const struct spec *spec, const cJSON *facts);

#endif
