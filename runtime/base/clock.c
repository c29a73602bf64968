// A time in words; see clock.h.

#include "base/clock.h"

#include <stdio.h>

void time_print(char *out, size_t size, double seconds)
{
    const long s = (long) (seconds + 0.5);
    if (s < 100)
        snprintf(out, size, "%ld s", s);
    else if (s < 6000)
        snprintf(out, size, "%ld min %ld s", s / 60, s % 60);
    else
        snprintf(out, size, "%ld h %ld min", s / 3600, s / 60 % 60);
}
