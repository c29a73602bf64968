// The system's calls for files and memory, each of which may be told to fail; see fault.h.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fault.h"

#define FAIL(number, result)                                                                       \
    do {                                                                                           \
        errno = (number);                                                                          \
        return (result);                                                                           \
    } while (0)

// --- opened

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...);
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (fault_is_due("open", __builtin_return_address(0)))
        FAIL(flags & O_CREAT ? ENOSPC : EIO, -1);
    fault_find("open", &real);
    return real(path, flags, mode);
}

FAULT_WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), FAIL(ENOSPC, NULL))
FAULT_WRAP(FILE *, tmpfile, (void), (), FAIL(ENOSPC, NULL))
FAULT_WRAP(FILE *, open_memstream, (char **text, size_t *size), (text, size), FAIL(ENOMEM, NULL))
FAULT_WRAP(DIR *, opendir, (const char *path), (path), FAIL(EMFILE, NULL))
FAULT_WRAP(struct dirent *, readdir, (DIR * dir), (dir), FAIL(EIO, NULL))
FAULT_WRAP(int, scandir,
           (const char *path, struct dirent ***names, int (*choose)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **)),
           (path, names, choose, compare), FAIL(ENOMEM, -1))

// --- looked at

FAULT_WRAP(int, access, (const char *path, int mode), (path, mode), FAIL(EIO, -1))
FAULT_WRAP(int, stat, (const char *path, struct stat *st), (path, st), FAIL(EIO, -1))
FAULT_WRAP(int, lstat, (const char *path, struct stat *st), (path, st), FAIL(EIO, -1))
FAULT_WRAP(int, fstat, (int fd, struct stat *st), (fd, st), FAIL(EIO, -1))
FAULT_WRAP(int, statvfs, (const char *path, struct statvfs *disk), (path, disk), FAIL(EIO, -1))
FAULT_WRAP(char *, realpath, (const char *path, char *out), (path, out), FAIL(ENOMEM, NULL))
FAULT_WRAP(ssize_t, readlink, (const char *path, char *out, size_t size), (path, out, size),
           FAIL(EIO, -1))

// --- read, written

FAULT_WRAP(off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence), FAIL(EIO, -1))
FAULT_WRAP(int, fsync, (int fd), (fd), FAIL(EIO, -1))
FAULT_WRAP(int, ftruncate, (int fd, off_t size), (fd, size), FAIL(EIO, -1))
FAULT_WRAP(int, truncate, (const char *path, off_t size), (path, size), FAIL(EIO, -1))
FAULT_WRAP(void *, mmap, (void *at, size_t size, int access, int flags, int fd, off_t from),
           (at, size, access, flags, fd, from), FAIL(ENOMEM, MAP_FAILED))
FAULT_WRAP(int, madvise, (void *at, size_t size, int advice), (at, size, advice), FAIL(EIO, -1))

// Half of it fits on the disk.
ssize_t write(int fd, const void *data, size_t size)
{
    ssize_t (*real)(int, const void *, size_t);
    fault_find("write", &real);
    if (!fault_is_due("write", __builtin_return_address(0)))
        return real(fd, data, size);
    if (real(fd, data, size / 2) < 0)
        return -1;
    FAIL(ENOSPC, -1);
}

// The descriptor is gone, as it is after a real failure.
int close(int fd)
{
    int (*real)(int);
    fault_find("close", &real);
    const bool due = fault_is_due("close", __builtin_return_address(0));
    const int result = real(fd);
    if (due)
        FAIL(EIO, -1);
    return result;
}

int fclose(FILE *file)
{
    int (*real)(FILE *);
    fault_find("fclose", &real);
    const bool due = fault_is_due("fclose", __builtin_return_address(0));
    const int result = real(file);
    if (due)
        FAIL(ENOSPC, EOF);
    return result;
}

// Locks only; what else is asked is done.
int fcntl(int fd, int command, ...)
{
    int (*real)(int, int, ...);
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    if (command == F_SETLK && fault_is_due("fcntl", __builtin_return_address(0)))
        FAIL(ENOLCK, -1);
    fault_find("fcntl", &real);
    return real(fd, command, argument);
}

// --- made, moved, taken away

FAULT_WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), FAIL(ENOSPC, -1))
FAULT_WRAP(int, rename, (const char *from, const char *to), (from, to), FAIL(EIO, -1))
FAULT_WRAP(int, unlink, (const char *path), (path), FAIL(EACCES, -1))
FAULT_WRAP(int, rmdir, (const char *path), (path), FAIL(EACCES, -1))
FAULT_WRAP(int, nftw,
           (const char *path, int (*visit)(const char *, const struct stat *, int, struct FTW *),
            int most, int flags),
           (path, visit, most, flags), FAIL(EACCES, -1))
FAULT_WRAP(int, posix_spawnp,
           (pid_t *restrict pid, const char *restrict file,
            const posix_spawn_file_actions_t *restrict actions,
            const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
            char *const envp[restrict]),
           (pid, file, actions, attributes, argv, envp), return ENOENT)

// --- large allocations

void *malloc(size_t size)
{
    void *(*real)(size_t);
    if (size >= FAULT_LARGE && fault_is_due("malloc", __builtin_return_address(0)))
        FAIL(ENOMEM, NULL);
    fault_find("malloc", &real);
    return real(size);
}

void *calloc(size_t count, size_t size)
{
    void *(*real)(size_t, size_t);
    if (count >= FAULT_LARGE / (size ? size : 1) &&
        fault_is_due("calloc", __builtin_return_address(0)))
        FAIL(ENOMEM, NULL);
    fault_find("calloc", &real);
    return real(count, size);
}

void *realloc(void *old, size_t size)
{
    void *(*real)(void *, size_t);
    if (size >= FAULT_LARGE && fault_is_due("realloc", __builtin_return_address(0)))
        FAIL(ENOMEM, NULL);
    fault_find("realloc", &real);
    return real(old, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    void *(*real)(size_t, size_t);
    if (size >= FAULT_LARGE && fault_is_due("aligned_alloc", __builtin_return_address(0)))
        FAIL(ENOMEM, NULL);
    fault_find("aligned_alloc", &real);
    return real(align, size);
}
