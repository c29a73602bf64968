// A house of runs: one experiment on the small world, a finished run of it, and others that are cut
// off, resumed and held against the finished one.

#ifndef TESTS_EXPERIMENT_HOUSE_H
#define TESTS_EXPERIMENT_HOUSE_H

#include "room.h"

struct house { // of a whole group of tests
    struct room room;
    const char *finished; // folder
};

struct attempt {
    const char *out, *set;
    const char *also;  // another "path=value"
    const char *cache; // folder; NULL: nothing is kept between runs
    enum op_matmul matmul;
    bool fresh;
    int befalls;       // after so many edits something befalls the run:
    bool stops;        // it is interrupted
    const char *fills; // this disk is full
    void (*watch)(void *user, struct experiment *e, const char *what); // at each sign of progress
    void *user;
};

struct cut {
    const char *file; // of the run folder
    size_t size;      // that is left of it; 0: the file is not there
};

void house_open(struct house *h, const char *experiment); // and runs it
void house_close(struct house *h);

// A house for a whole group of tests.
int house_set_up(void **state, const char *experiment);
int house_tear_down(void **state);

enum em_status house_run(struct house *h, const struct attempt *a);
char *house_read(struct house *h, const char *folder, const char *name);
// The lines of a journal, parsed into a list, which is the caller's to delete.
cJSON *house_lines(struct house *h, const char *folder, const char *name);
// The folder holds what the finished run's does, by byte; times and the log aside.
void house_check_same(struct house *h, const char *folder);

// A copy of the finished run's folder as a run that was cut off has it: without results, and of
// each journal that is named only the first bytes.
const char *house_cut_off(struct house *h, const char *name, const struct cut *cuts, int num);

#endif
