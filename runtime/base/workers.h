// Threads that do shares of one task at the same time as their caller, and sleep in between.
//
// A task is shared by number: what worker i does depends on i alone, so results do not depend on
// which thread is done first. One task at a time, from one thread.

#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

struct workers;

typedef void workers_share(void *task, int worker);

struct workers *workers_create(int num); // the caller is one of them; NULL: no threads to be had
void workers_destroy(struct workers **w);
int workers_num(const struct workers *w);

// share(task, i) for i in [0, num), each on a thread of its own; share 0 on the caller's. Returns
// when all are done.
void workers_run(struct workers *w, int num, workers_share *share, void *task);

#endif
