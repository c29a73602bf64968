// A plugin's descriptor checked: its ABI block before anything else in it is read, then its name,
// functions and options.

#ifndef PLUGIN_DESCRIPTOR_H
#define PLUGIN_DESCRIPTOR_H

#include <emend/plugin.h>

#include "base/arena.h"

enum plugin_kind { PLUGIN_ALGORITHM, PLUGIN_METRIC };

const char *plugin_kind_name(enum plugin_kind kind);   // "an algorithm"
const char *plugin_kind_folder(enum plugin_kind kind); // "algorithms"
const char *plugin_kind_symbol(enum plugin_kind kind); // "em_algorithm"
enum plugin_kind plugin_kind_other(enum plugin_kind kind);

// What is wrong with the descriptor that the file at `path` exports, with the cure; or NULL.
const char *descriptor_defect(struct arena *a, enum plugin_kind kind, const void *descriptor,
                              const char *path);

#endif
