// Whole numbers as files hold them, in little-endian order.

#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdint.h>

// Of `size` bytes, at most eight, wherever they stand.
static inline uint64_t load_number(const uint8_t *at, int size)
{
    uint64_t value = 0;
    for (int i = size - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

#endif
