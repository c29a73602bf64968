// The plugins: found by name in folders, loaded with dlopen, checked (ABI block, name, options),
// never unloaded.
//
// Folders: lib/emend beside the program, then those of --plugins and EMEND_PLUGIN_PATH. In each,
// algorithms/NAME.so and metrics/NAME.so, or NAME.so itself. A name that is found in two places is
// refused. Errors: a plugin that cannot be loaded is refused by name with the reason and the cure.

#ifndef PLUGIN_REGISTRY_H
#define PLUGIN_REGISTRY_H

#include <emend/plugin.h>

#include "base/arena.h"
#include "base/log.h"

struct registry;

struct registry *registry_create(struct log *log, const char *const *folders, int num_folders);
void registry_destroy(struct registry **r);

// NULL with a message that says why, or lists the names there are and suggests the nearest.
const struct em_algorithm *registry_algorithm(struct registry *r, const char *name);
const struct em_metric *registry_metric(struct registry *r, const char *name);

// Names, sorted, ending with NULL; of all that load. Those that do not are said, with the reason.
const char *const *registry_algorithms(struct registry *r, struct arena *a, int *num);
const char *const *registry_metrics(struct registry *r, struct arena *a, int *num);

const char *registry_path(struct registry *r, const void *descriptor); // the .so it came from

#endif
