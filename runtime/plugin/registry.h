// The plugins: found by name in folders, loaded with dlopen, checked (ABI block, name, options),
// never unloaded.
//
// Folders: lib/emend beside the program (algorithms/, metrics/), then those of --plugins and
// EMEND_PLUGIN_PATH. Errors: a plugin that cannot be loaded is refused by name with the reason and
// the cure.

#ifndef PLUGIN_REGISTRY_H
#define PLUGIN_REGISTRY_H

#include <emend/plugin.h>

#include "base/arena.h"
#include "base/log.h"

struct registry;

struct registry *registry_create(struct log *log, const char *const *folders, int num_folders);
void registry_destroy(struct registry **r);

// NULL with a message that lists the names there are and suggests the nearest.
const struct em_algorithm *registry_algorithm(struct registry *r, const char *name);
const struct em_metric *registry_metric(struct registry *r, const char *name);

// Names, sorted; of all that load.
const char *const *registry_algorithms(struct registry *r, struct arena *a, int *num);
const char *const *registry_metrics(struct registry *r, struct arena *a, int *num);
const char *registry_path(struct registry *r, const void *descriptor); // the .so it came from

#endif
