// The members of an experiment's sections, as option tables.

#ifndef EXPERIMENT_SPEC_TABLES_H
#define EXPERIMENT_SPEC_TABLES_H

#include "experiment/spec.h"

#define SPEC_NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

enum { SPEC_NUM_METRICS = 4 };
extern const char *const spec_metrics[SPEC_NUM_METRICS]; // where the list is absent
extern const char *const spec_sections[];                // members that are not in the root's table
extern const char *const spec_later_modes[];             // known by name, of a later version

extern const struct em_option spec_root_table[], spec_tokens_table[], spec_data_table[],
    spec_templates_table[], spec_covariance_table[], spec_run_table[], spec_evaluate_table[],
    spec_import_table[];

const char *const *spec_member_names(struct arena *a); // of the root, sections included

#endif
