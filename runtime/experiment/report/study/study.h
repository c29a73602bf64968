// What a report is about: runs, and the settings in which they differ.
//
// A point is one run. An axis is a setting that differs between points: a path of the experiment
// that the sweep names or that lies below one it names (where runs are compared that no sweep made:
// any path), with at least two values among the points that have it.
//
// Memory: all lives in the arena, JSON until study_close.

#ifndef EXPERIMENT_STUDY_STUDY_H
#define EXPERIMENT_STUDY_STUDY_H

#include "base/text/json.h"

struct study_metric {
    const char *name;  // "efficacy"
    const char *label; // "ES"
    const char *about; // what is counted, or ""
    const char *unit;  // "percent", "nats a token", or ""
    bool percent;      // that, and every value lies in [0, 100]
    bool of_state;     // of the model's state, not of cases
};

struct study_axis {
    const char *path;   // "run.batch_size"
    const char *title;  // "batch size"
    const char *unit;   // "facts", or ""
    bool numeric;       // every value is a number
    bool log;           // its values grow by factors
    double *numbers;    // [num_values], ascending where numeric
    const char **texts; // [num_values]
    int num_values;
};

struct study_margins { // NLL of the true target less that of the new one: above 0 the edit holds
    double *before, *after; // [num], NAN where unknown
    double *norms;          // [num] z_norm of the fact, NAN
    const char **names;     // [num] the facts' subjects
    int num;
};

struct study_point {
    const char *folder; // as it is reached from the working folder
    const char *link;   // from the report's folder
    const char *name;   // the folder's own
    const char *label;  // its values: "memit, batch size 64"
    struct json summary, timing, experiment;
    int *at; // [num_axes] index of its value, -1: it has none
    struct study_margins margins;
};

struct study {
    struct log *log;
    struct arena *arena;
    const char *folder; // of the report
    const char *name, *about;
    struct json sweep;          // of a report about one sweep
    struct study_point *points; // [num_points] finished ones
    int num_points;
    const char **missing; // names of points that are not finished
    int num_missing;
    struct study_axis *axes;
    int num_axes;
    struct study_metric *metrics; // scores first, then those of the model's state
    int num_metrics;
    const cJSON *reference; // a list, or NULL
};

EM_MUST_CHECK enum em_status study_open(struct study *s, const char *const *folders, int num);
void study_close(struct study *s);

// axes.c: needs the points' JSON.
void study_find_axes(struct study *s);
// margins.c: reads every point's cases.
EM_MUST_CHECK enum em_status study_read_margins(struct study *s);

// --- values

struct study_value {
    double mean, low, high, sd;
    int n;
};

enum study_stage { STUDY_BEFORE, STUDY_FRESH, STUDY_RETAINED, STUDY_STAGES };
extern const char *const study_stage_names[STUDY_STAGES];

// Of the metrics object of a summary or of an entry of a curve; all NAN if it is not there.
struct study_value study_read_value(const cJSON *metrics, const char *name);
const cJSON *study_metrics_of(const struct study_point *p, enum study_stage stage);
bool study_has_stage(const struct study *s, enum study_stage stage);

// The value at a path "algorithm.layers" of a JSON object, or NULL.
const cJSON *study_at_path(struct arena *a, const cJSON *root, const char *path);
const char *study_text(const cJSON *object, const char *key, const char *otherwise);
double study_number(const cJSON *value); // NAN if it is none

// A value as people read it: 64, memit, "3, 4, 5".
char *study_value_text(struct arena *a, const cJSON *value);
// "batch size" of run.batch_size.
const char *study_path_title(struct arena *a, const char *path, const char **unit);

#endif
