// One row of an option table: its default, what it allows, its value as text and as JSON.

#ifndef PLUGIN_OPTION_ROW_H
#define PLUGIN_OPTION_ROW_H

#include <cjson/cJSON.h>
#include <emend/option.h>

#include "base/arena.h"

size_t option_row_size(const struct em_option *o);   // bytes of its field, without a group's
int option_row_max_items(const struct em_option *o); // of a list
void option_row_default(const struct em_option *o, void *at);
// What is allowed, in words: "a whole number from 0 to 3", "one of study, original".
const char *option_row_domain(struct arena *a, const struct em_option *o);
cJSON *option_row_json(const struct em_option *o, const void *at);

#endif
