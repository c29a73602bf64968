// Option tables made use of: JSON to the options struct, defaults written out, help text. One
// table, no list twice.

#ifndef PLUGIN_OPTIONS_H
#define PLUGIN_OPTIONS_H

#include <cjson/cJSON.h>
#include <emend/option.h>

#include "base/arena.h"
#include "base/log.h"

// Where a message points: "FILE:LINE: PATH.KEY: ..." (the caller knows lines; NULL `where`: no
// prefix).
typedef const char *options_where_fn(void *user, struct arena *a, const char *key);

struct options_source {
    struct log *log;
    struct arena *arena; // strings and paths of the struct live here
    const char *owner;   // "rome", for messages
    const char *folder;  // PATH options are relative to it
    options_where_fn *where;
    void *where_user;
    const char *const *skip; // keys that are not options ("name"), ends with NULL
};

// Fill the struct at `out` from the members of `json` (an object; NULL: defaults only).
EM_MUST_CHECK enum em_status options_fill(const struct options_source *source,
                                          const struct em_option *table, const cJSON *json,
                                          void *out);
// Every option with its value, as JSON members of `to`.
void options_write(const struct em_option *table, const void *values, cJSON *to);
// The `prepares` options as "name=value" lines, for the stores' keys.
char *options_prepares(struct arena *a, const struct em_option *table, const void *values);
// One line an option: name, type, default, range, help.
char *options_help(struct arena *a, const struct em_option *table);
// The nearest of `names` (ends with NULL) to `word` by edit distance, or NULL if none is near.
const char *options_nearest(const char *word, const char *const *names);

#endif
