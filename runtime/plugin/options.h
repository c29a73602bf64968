// Option tables made use of: JSON to the options struct, defaults written out, help text. One
// table, no list twice. The sections of an experiment are such tables too.
//
// Memory: strings of a filled struct live in the source's arena or are the table's own.
// Errors: EM_ERR_CONFIG in the source's log.

#ifndef PLUGIN_OPTIONS_H
#define PLUGIN_OPTIONS_H

#include <cjson/cJSON.h>
#include <emend/option.h>

#include "base/arena.h"
#include "base/log.h"

// What a message about the member `key` ("" for the object itself) begins with, such as
// "experiments/x.json:14: algorithm.layers".
typedef const char *options_where_fn(void *user, struct arena *a, const char *key);
// The folder that a PATH option is relative to.
typedef const char *options_folder_fn(void *user, struct arena *a, const char *key);
// Told of a PATH option whose file is not there: `path`, written as `written`.
typedef void options_missing_fn(void *user, struct arena *a, const char *key, const char *written,
                                const char *path);

struct options_source {
    struct log *log;
    struct arena *arena;         // strings and paths of the struct live here
    const char *owner;           // "rome", for messages
    options_where_fn *where;     // NULL: messages begin with the key alone
    options_folder_fn *folder;   // NULL: the working folder
    options_missing_fn *missing; // NULL: a file that is not there is an error
    void *user;                  // of the three
    const char *const *skip;     // keys that are not options ("name"), ends with NULL; or NULL
};

// Fill the struct at `out` from the members of `json` (an object; NULL: defaults only). Absent and
// null members get their defaults; paths become absolute.
EM_MUST_CHECK enum em_status options_fill(const struct options_source *source,
                                          const struct em_option *table, const cJSON *json,
                                          void *out);

// An option that names a layer which a model of `num_layers` does not have is an error.
EM_MUST_CHECK enum em_status options_check_layers(const struct options_source *source,
                                                  const struct em_option *table, const void *values,
                                                  int num_layers);
// The layers that the options name, ascending, each once; `num` of them.
int *options_layers(struct arena *a, const struct em_option *table, const void *values, int *num);

// What the options that are true need of the runtime (em_needs).
unsigned options_needs(const struct em_option *table, const void *values);

// Every option with its value, as JSON members of `to`; strings that are not given as null.
void options_write(const struct em_option *table, const void *values, cJSON *to);
// The `prepares` options as "name=value" lines, for the stores' keys; of a path, the content's
// hash.
EM_MUST_CHECK enum em_status options_prepares(struct log *log, struct arena *a,
                                              const struct em_option *table, const void *values,
                                              char **out);
// The options as JSON Schema (draft 2020-12), members of `properties`: any may be null, for its
// default.
void options_schema(const struct em_option *table, cJSON *properties);
// One line an option: name, type, range, default, help.
char *options_help(struct arena *a, const struct em_option *table);

// The names of a table, groups inlined, ends with NULL.
const char *const *options_names(struct arena *a, const struct em_option *table);
bool options_is_name(const char *name); // lower-case letters, digits and _, a letter first
// The nearest of `names` (ends with NULL) to `word` by edit distance, or NULL if none is near.
const char *options_nearest(const char *word, const char *const *names);
// What follows an unknown name: `; did you mean "lambda"?`, or `; allowed: a, b, c`.
const char *options_suggest(struct arena *a, const char *word, const char *const *names);

// What is wrong with a table whose struct has `size` bytes, or NULL: names, types, bounds,
// defaults, help.
const char *options_defect(struct arena *a, const struct em_option *table, size_t size);

#endif
