// Experiments as JSON Schema (draft 2020-12), made from the tables that they are read by, for
// editors and other programs.
//
// A member that a file leaves out may be in the file that it extends: nothing is needed but the
// name in an algorithm or metric that has options.

#ifndef EXPERIMENT_SCHEMA_H
#define EXPERIMENT_SCHEMA_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "plugin/registry.h"

cJSON *experiment_schema(struct arena *a, struct registry *registry); // the caller's to delete

#endif
