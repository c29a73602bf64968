// Parts of a spec that have files of their own, read and written; see spec.h.

#ifndef EXPERIMENT_SPEC_PARTS_H
#define EXPERIMENT_SPEC_PARTS_H

#include "experiment/read/spec.h"
#include "experiment/read/spec_tables.h"

// --- spec.c: the members of the object at `path` ("templates.memit") as a source of options
struct options_source spec_source(const struct spec *spec, const char *path, const char *owner,
                                  const char *const *skip);

// --- spec_templates.c: how each set of context templates is written
extern const struct spec_section spec_template_sections[]; // one a set
EM_MUST_CHECK enum em_status spec_read_template_sets(struct spec *spec);
void spec_write_template_sets(const struct spec *spec, cJSON *to);

// --- spec_reference.c
extern const struct spec_member spec_reference_members[]; // of each of its entries
EM_MUST_CHECK enum em_status spec_read_reference(struct spec *spec, struct registry *registry);

#endif
