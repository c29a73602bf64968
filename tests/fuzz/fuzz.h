// What the fuzz targets share: the input as a file or as several, and a log that says nothing.

#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file/file.h"
#include "base/log.h"

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

// A folder of this process's own, which fuzz.sh takes away: for readers that look at names.
static inline const char *fuzz_folder(void)
{
    static char folder[128];
    const char *place = getenv("TMPDIR");
    if (!folder[0]) {
        snprintf(folder, sizeof(folder), "%s/fuzz-%ld", place ? place : "/tmp", (long) getpid());
        if (mkdir(folder, 0700) != 0 && !file_is_folder(folder))
            abort();
    }
    return folder;
}

// Writes a file in it, or takes it away where there are no bytes; its path.
static inline char *fuzz_write(struct arena *a, const char *name, struct file_part bytes)
{
    char *path = path_join(a, fuzz_folder(), name);
    FILE *to = bytes.size ? fopen(path, "w") : NULL;
    if (to) {
        fwrite(bytes.data, 1, bytes.size, to);
        fclose(to);
    } else {
        unlink(path);
    }
    return path;
}

// Several files in one input, one behind another with this between them.
#define FUZZ_BETWEEN "\n====\n"
static inline void fuzz_split(const uint8_t *data, size_t size, struct file_part *parts, int num)
{
    for (int i = 0; i < num; i++) {
        const uint8_t *end = memmem(data, size, FUZZ_BETWEEN, strlen(FUZZ_BETWEEN));
        const size_t length = end && i < num - 1 ? (size_t) (end - data) : size;
        const size_t skip = length < size ? length + strlen(FUZZ_BETWEEN) : size;
        parts[i] = (struct file_part) {data, length};
        data += skip;
        size -= skip;
    }
}

static inline char *fuzz_text(struct arena *a, struct file_part part)
{
    char *text = arena_alloc(a, part.size + 1);
    if (part.size)
        memcpy(text, part.data, part.size);
    return text;
}

// Reading bytes so that a sanitizer sees the read.
static inline void fuzz_touch(const uint8_t *data, size_t size)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum ^= data[i];
    *(volatile uint8_t *) &sum = sum;
}

// A refusal has a message.
static inline void fuzz_end(struct log **log, struct arena **a, enum em_status status)
{
    if (status != EM_OK && !log_error(*log)[0])
        abort();
    arena_destroy(a);
    log_destroy(log);
}

#endif
