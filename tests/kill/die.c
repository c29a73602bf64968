// Preloaded into the program under test: kills it with SIGKILL before its DIE_AT-th change of a
// file under DIE_UNDER, a write being done half first. With DIE_COUNT the number of changes goes to
// that file.

#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int changes;

// The function that is hidden by the one here of the same name.
static void find(const char *name, void *function)
{
    void *at = dlsym(RTLD_NEXT, name);
    memcpy(function, &at, sizeof(at));
}

static bool is_last(const char *path)
{
    const char *under = getenv("DIE_UNDER"), *at = getenv("DIE_AT");
    if (!under || !strstr(path, under))
        return false;
    return atomic_fetch_add(&changes, 1) + 1 == (at ? atoi(at) : 0);
}

static bool is_last_of(int fd)
{
    char link[64], path[PATH_MAX] = "";
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof(path) - 1) > 0 && is_last(path);
}

ssize_t write(int fd, const void *data, size_t size)
{
    ssize_t (*real)(int, const void *, size_t);
    find("write", &real);
    if (!is_last_of(fd))
        return real(fd, data, size);
    const ssize_t half = real(fd, data, size / 2);
    raise(SIGKILL);
    return half;
}

int fsync(int fd)
{
    int (*real)(int);
    find("fsync", &real);
    if (is_last_of(fd))
        raise(SIGKILL);
    return real(fd);
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *);
    find("rename", &real);
    if (is_last(from))
        raise(SIGKILL);
    return real(from, to);
}

int truncate(const char *path, off_t size)
{
    int (*real)(const char *, off_t);
    find("truncate", &real);
    if (is_last(path))
        raise(SIGKILL);
    return real(path, size);
}

int unlink(const char *path)
{
    int (*real)(const char *);
    find("unlink", &real);
    if (is_last(path))
        raise(SIGKILL);
    return real(path);
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("DIE_COUNT");
    FILE *to = path ? fopen(path, "w") : NULL;
    if (to) {
        fprintf(to, "%d\n", atomic_load(&changes));
        fclose(to);
    }
}
