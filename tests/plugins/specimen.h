// The metric `good`, as the registry accepts it. Each broken specimen changes one member of it.

#ifndef TESTS_SPECIMEN_H
#define TESTS_SPECIMEN_H

#include <emend/plugin.h>

#define OTHER_SIZE 4096u // no struct has it

struct specimen_options {
    int count;
    struct em_int_list layers;
};

#endif
