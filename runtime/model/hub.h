// Models that are named and not given: what the cache of Hugging Face's tools has of a repository.
//
// Its folder models--ORG--NAME has the commit of the main branch in refs/main, and the files of
// that commit in snapshots/COMMIT.

#ifndef MODEL_HUB_H
#define MODEL_HUB_H

#include <stdbool.h>

#include "base/arena.h"

bool hub_is_name(const char *model); // such as "meta-llama/Meta-Llama-3-8B"

// The model's folder or file: `model` from `folder`, where there is one; else what the cache at
// `hub` (NULL: none) has of that name; NULL: neither.
const char *hub_find(struct arena *a, const char *folder, const char *model, const char *hub);

// "ORG/NAME" of which `path` is the folder or a snapshot in a cache; NULL: it is none.
const char *hub_name(struct arena *a, const char *path);

#endif
