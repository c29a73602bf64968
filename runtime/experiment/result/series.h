// What algorithms recorded while they wrote (em_record), over a whole run: {"NAME": {"mean", "sd",
// "n"}, ...}.

#ifndef EXPERIMENT_SERIES_H
#define EXPERIMENT_SERIES_H

#include <cjson/cJSON.h>

#include "base/arena.h"

struct series;

// Adds the numbers of a line's "series" ({"NAME": [...]}, or NULL) to the list, NULL at first.
void series_add(struct arena *a, struct series **list, const cJSON *numbers);
cJSON *series_write(const struct series *list);

#endif
