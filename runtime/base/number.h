// Arithmetic on whole numbers that C leaves out.

#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

static inline int min_int(int a, int b)
{
    return a < b ? a : b;
}

#endif
