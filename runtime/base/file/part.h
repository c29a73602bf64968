// What is not whole yet lies beside its place, as NAME.part-PID, until it is renamed into it.

#ifndef BASE_PART_H
#define BASE_PART_H

#define PART_MARK ".part-"

// Takes away what processes that are gone left of a file or folder that they did not finish. Only
// what the next writer of `path` calls: nothing is taken from a process that is alive.
void part_sweep(const char *path);

#endif
