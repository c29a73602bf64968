// Faults on demand, for a library that is preloaded into the program under test: call number N of
// one function fails, or every call from there on.
//
// The environment says which:
//   FAULT_AT="write:12"   the twelfth write() that the program or a plugin makes
//   FAULT_AT="write:12-"  and all that follow, as on a disk that stays full
//   FAULT_COUNT=FILE      how often each function was called goes to that file
//   FAULT_PATHS=FILE      beside it, to that file: "write:12 WAY" for each call whose nearest
//                         callers no call before it had; WAY names them
//   FAULT_TOLD=FILE       what failed goes to that file, if anything did
//
// Only calls from the program's own code count, and allocations of at least FAULT_LARGE bytes by it
// or by libraries that work for it. What the loader and the drivers do is not ours to answer for.

#ifndef TESTS_FAULTS_FAULT_H
#define TESTS_FAULTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum { FAULT_LARGE = 64 << 10, FAULT_MOST = 80 };

// Whether this call, made from `caller`, has to fail.
bool fault_is_due(const char *function, const void *caller);

// The function that is hidden by the one here of the same name.
void fault_find(const char *function, void *real);

// Defines a function that hides another: `bad` is done where it has to fail.
#define FAULT_WRAP(type, name, params, args, bad)                                                  \
    type name params                                                                               \
    {                                                                                              \
        type(*real) params;                                                                        \
        if (fault_is_due(#name, __builtin_return_address(0)))                                      \
            bad;                                                                                   \
        fault_find(#name, &real);                                                                  \
        return real args;                                                                          \
    }

#endif
