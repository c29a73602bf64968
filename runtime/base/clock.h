// Seconds on a clock that only moves forward, for phases and rates.

#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

static inline double time_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

// "41 s", "3 min 20 s", "2 h 5 min"
void time_print(char *out, size_t size, double seconds);

#endif
