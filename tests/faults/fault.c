// Which call fails; see fault.h.

#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *name;
    atomic_int calls;
} counts[FAULT_MOST];
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

// Which call of the function this is, from 1.
static int count(const char *function)
{
    int i = 0;
    while (atomic_flag_test_and_set(&busy)) {
        // another thread adds a name
    }
    while (i < FAULT_MOST - 1 && counts[i].name && strcmp(counts[i].name, function) != 0)
        i++;
    counts[i].name = function;
    atomic_flag_clear(&busy);
    return atomic_fetch_add(&counts[i].calls, 1) + 1;
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
}
