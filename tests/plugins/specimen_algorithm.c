// An algorithm plugin that is right except for what -DDEFECT_... breaks.

#include "specimen.h"

#ifndef NAME
#define NAME "gentle"
#endif

static const struct em_option options[] = {{0}};

static enum em_status apply(struct em_session *s, const void *values, const struct em_fact *facts,
                            int num_facts)
{
    (void) s, (void) values, (void) facts, (void) num_facts;
    return EM_OK;
}

const struct em_algorithm em_algorithm = {
    .abi = EM_ABI(struct em_algorithm),
    .name = NAME,
    .summary = "changes nothing",
    .reference = "",
#ifdef DEFECT_NEEDS
    .needs = 1u << 30,
#endif
#ifdef DEFECT_MAX_FACTS
    .max_facts = -1,
#endif
    .options = options,
#ifdef DEFECT_APPLY
    .prepare = apply,
#else
    .apply = apply,
#endif
};
