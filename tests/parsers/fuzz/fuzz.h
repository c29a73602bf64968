// What the fuzz targets share: the input as a file, and a log that says nothing.

#ifndef TESTS_PARSERS_FUZZ_H
#define TESTS_PARSERS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A file in memory with these bytes; its path is good until fuzz_file_end.
static inline int fuzz_file_begin(const uint8_t *data, size_t size, char path[64])
{
    const int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t) size)
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static inline void fuzz_file_end(int fd)
{
    close(fd);
}

// Reading bytes so that a sanitizer sees the read.
static inline void fuzz_touch(const uint8_t *data, size_t size)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum ^= data[i];
}

#endif
