// Which call fails; see fault.h.

#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATHS = 8192, CALLERS = 4 };

static struct {
    const char *name;
    atomic_int calls;
} counts[FAULT_MOST];
static struct { // the first call that came this way
    const char *name;
    uint64_t way;
    int number;
} paths[PATHS];
static int num_paths;
static atomic_flag busy = ATOMIC_FLAG_INIT;

void fault_find(const char *function, void *real)
{
    void *at = dlsym(RTLD_NEXT, function);
    memcpy(real, &at, sizeof(at));
}

// A plugin's code counts as the program's, and so does a library's that allocates for it.
static bool is_ours(const char *function, const void *caller)
{
    static const char *const helpers[] = {"/libc.so", "/libcjson.", "/libpcre2-", "/libutf8proc."};
    Dl_info at;
    if (!dladdr(caller, &at) || !at.dli_fname)
        return false;
    if (!strstr(at.dli_fname, ".so") || strstr(at.dli_fname, "/lib/emend/"))
        return true;
    const size_t length = strlen(function);
    for (size_t i = 0; i < sizeof(helpers) / sizeof(*helpers); i++)
        if (length > 4 && strcmp(function + length - 4, "lloc") == 0 &&
            strstr(at.dli_fname, helpers[i]))
            return true;
    return false;
}

static void enter(void)
{
    while (atomic_flag_test_and_set(&busy)) {
        // another thread adds a name
    }
}

static void leave(void)
{
    atomic_flag_clear(&busy);
}

// Which call of the function this is, from 1.
static int count(const char *function)
{
    int i = 0;
    enter();
    while (i < FAULT_MOST - 1 && counts[i].name && strcmp(counts[i].name, function) != 0)
        i++;
    counts[i].name = function;
    leave();
    return atomic_fetch_add(&counts[i].calls, 1) + 1;
}

// The nearest callers, as places in the files that they were loaded from: the same in every
// process.
static uint64_t find_way(void)
{
    void *frames[CALLERS + 3]; // behind this function and the two that lead to it
    const int depth = backtrace(frames, CALLERS + 3);
    uint64_t way = 14695981039346656037u; // FNV-1a
    for (int i = 3; i < depth; i++) {
        Dl_info at = {0};
        dladdr(frames[i], &at);
        const uint64_t place = (uint64_t) ((char *) frames[i] - (char *) at.dli_fbase);
        way = (way ^ place) * 1099511628211u;
    }
    return way;
}

// Notes a call that came a way through the program that no call before it came.
static void note_path(const char *function, int number)
{
    const uint64_t way = find_way();
    int i = 0;
    enter();
    while (i < num_paths && (paths[i].way != way || strcmp(paths[i].name, function) != 0))
        i++;
    if (i == num_paths && i < PATHS) {
        paths[i].name = function;
        paths[i].way = way;
        paths[i].number = number;
        num_paths++;
    }
    leave();
}

static void tell(const char *function, int number, const void *caller)
{
    static atomic_bool told;
    const char *path = getenv("FAULT_TOLD");
    Dl_info at = {0};
    if (!path || atomic_exchange(&told, true))
        return;
    FILE *to = fopen(path, "w");
    if (!to)
        return;
    dladdr(caller, &at);
    fprintf(to, "%s %d, called at %s+%#tx\n", function, number, at.dli_fname ? at.dli_fname : "?",
            (const char *) caller - (const char *) at.dli_fbase);
    fclose(to);
}

bool fault_is_due(const char *function, const void *caller)
{
    const char *wanted = getenv("FAULT_AT");
    const size_t length = strlen(function);
    const bool is_it = wanted && strncmp(wanted, function, length) == 0 && wanted[length] == ':';
    if ((!is_it && !getenv("FAULT_COUNT")) || !is_ours(function, caller))
        return false;
    const int number = count(function);
    if (getenv("FAULT_PATHS"))
        note_path(function, number);
    if (!is_it)
        return false;
    char *end;
    const long at = strtol(wanted + length + 1, &end, 10);
    if (number != at && !(*end == '-' && number > at))
        return false;
    tell(function, number, caller);
    return true;
}

// What the program starts runs without faults.
__attribute__((constructor)) static void begin(void)
{
    unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void write_counts(void)
{
    const char *path = getenv("FAULT_COUNT");
    FILE *to = path ? fopen(path, "w") : NULL;
    for (int i = 0; to && i < FAULT_MOST && counts[i].name; i++)
        fprintf(to, "%s %d\n", counts[i].name, atomic_load(&counts[i].calls));
    if (to)
        fclose(to);
    path = getenv("FAULT_PATHS");
    to = path ? fopen(path, "w") : NULL;
    for (int i = 0; to && i < num_paths; i++)
        fprintf(to, "%s:%d %016" PRIx64 "\n", paths[i].name, paths[i].number, paths[i].way);
    if (to)
        fclose(to);
}
