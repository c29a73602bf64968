// The small world's model, opened once for all inputs of a target.

#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include <stdlib.h>

#include "base/log.h"
#include "model/files.h"

static inline struct model_files *world_open(void)
{
    static struct model_files *world;
    if (!world)
        world = model_files_open(log_create(stderr, LOG_NORMAL), WORLD);
    if (!world)
        abort();
    return world;
}

#endif
