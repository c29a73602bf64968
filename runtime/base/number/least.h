// The lesser of two numbers.

#ifndef BASE_LEAST_H
#define BASE_LEAST_H

static inline int min_int(int a, int b)
{
    return a < b ? a : b;
}

#endif
