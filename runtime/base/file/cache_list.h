// What lies in a cache's folder, and taking it away: entries of any version of the program, by kind
// and last use.
//
// Links are never followed, and never removed. Errors: a folder that cannot be read is EM_ERR_IO.

#ifndef BASE_CACHE_LIST_H
#define BASE_CACHE_LIST_H

#include "base/arena.h"
#include "base/log.h"

struct cache_item {
    const char *kind; // "covariance"; of a file in no kind's folder: what its name begins with
    const char *path; // of a key's folder, or of a file
    bool is_key;
    uint64_t size; // bytes
    int64_t used;  // seconds since 1970, when it was last written or read
};

// Sorted by kind, within it the oldest first. No folder: nothing.
EM_MUST_CHECK enum em_status cache_list(struct log *log, struct arena *a, const char *folder,
                                        struct cache_item **items, int *num);

enum cache_removal { CACHE_REMOVED, CACHE_IN_USE, CACHE_KEPT };
// Takes an entry away unless a process computes it; CACHE_KEPT: the system refuses, see errno.
enum cache_removal cache_item_remove(const struct cache_item *item);

#endif
