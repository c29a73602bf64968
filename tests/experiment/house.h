// A house of runs: one experiment on the small world, a finished run of it, and others that are cut
// off, resumed and held against the finished one.

#ifndef TESTS_EXPERIMENT_HOUSE_H
#define TESTS_EXPERIMENT_HOUSE_H

#include "room.h"

enum { RESULT_FILES = 6 };
extern const char *const result_files[RESULT_FILES]; // the same bytes in each run

struct house { // of a whole group of tests
    struct room room;
    const char *finished; // folder
};

struct attempt {
    const char *out, *set;
    enum op_matmul matmul;
    bool fresh;
    int befalls;       // after so many edits something befalls the run:
    bool stops;        // it is interrupted
    const char *fills; // this disk is full
    void (*watch)(void *user, struct experiment *e, const char *what); // at each sign of progress
    void *user;
};

void house_open(struct house *h, const char *experiment); // and runs it
void house_close(struct house *h);

enum em_status house_run(struct house *h, const struct attempt *a);
char *house_read(struct house *h, const char *folder, const char *name);
void house_check_same(struct house *h, const char *folder); // as the finished run, by byte

// A folder as a run that was cut off has it: `bytes` of each journal, no results.
const char *house_cut_off(struct house *h, const char *name, size_t before, size_t cases);

#endif
