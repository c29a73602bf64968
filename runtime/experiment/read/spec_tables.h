// The members of an experiment's sections, as option tables.

#ifndef EXPERIMENT_SPEC_TABLES_H
#define EXPERIMENT_SPEC_TABLES_H

#include "experiment/read/spec.h"

#define SPEC_NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

enum { SPEC_NUM_METRICS = 4 };
extern const char *const spec_formats[];                 // by enum spec_format, ends with NULL
extern const char *const spec_metrics[SPEC_NUM_METRICS]; // where the list is absent
bool spec_mode_keeps_edits(const char *mode);            // by its name

struct spec_member {
    const char *name, *help;
    const char *schema; // JSON Schema of its value, but for the description; NULL: see schema.c
};

// A member of the experiment that is not a single value; the list ends with {0}.
struct spec_section {
    const char *name, *about;
    const struct em_option *table;    // its members; NULL: it is no plain object
    const struct spec_member *others; // members that no table can say, end with {0}; or NULL
    const struct spec_section *parts; // sections within it, end with {0}; or NULL
};

extern const struct spec_section spec_sections[];
extern const struct em_option spec_root_table[];

const struct spec_section *spec_section_find(const char *name);
const char *const *spec_section_skip(struct arena *a,
                                     const struct spec_section *s); // what its table has not
const char *const *spec_section_names(struct arena *a);
const char *const *spec_member_names(struct arena *a); // of the root, sections included
// Whether an experiment may have a member there, such as "run.batch_size".
bool spec_is_path(struct arena *a, const char *path);

#endif
