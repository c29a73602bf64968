// What is dear to compute, kept on disk by content: FOLDER/KIND/KEY/SHA256 holds the bytes that KEY
// stands for, under a name that tells whether they are whole. A blob is written once (temporary
// file, sync, rename), by one of the processes that want it; the others wait and read.
//
// A damaged blob is said, removed, and not there. A folder that cannot be written is said once, and
// nothing is kept from then on.
//
// Memory: an entry's data is mapped until cache_close. Threads: one at a time.

#ifndef BASE_CACHE_H
#define BASE_CACHE_H

#include "base/file/file.h"
#include "base/file/hash.h"

struct cache;

// folder NULL: nothing is found and nothing is kept.
struct cache *cache_create(struct log *log, const char *folder);
void cache_destroy(struct cache **c); // accepts a pointer to NULL

struct cache_entry {
    const uint8_t *data; // what is kept; NULL: nothing, and it is for this process to compute it
    size_t size;
    struct file_map map;
    struct cache *cache;
    struct arena *a;
    const char *folder; // of the key
    int lock;           // a descriptor, -1: not held
};

// Looks for a key (hexadecimal digits); in a cache that is NULL there is nothing. Where there is
// nothing the key is locked until cache_close; where another process has the lock, waits for it.
// Fails only with EM_STOPPED.
EM_MUST_CHECK enum em_status cache_open(struct cache *c, const char *kind, const char *key,
                                        struct cache_entry *out);

// Whether something is kept under the key, unread: a look that waits for nobody.
bool cache_has(const struct cache *c, const char *kind, const char *key);

// Keeps the bytes of an entry without data and unlocks its key. They are mapped as its data, which
// stays NULL where nothing can be kept. Without effect on an entry that is all zero.
void cache_put(struct cache_entry *e, const struct file_part *parts, int num);
void cache_close(struct cache_entry *e); // accepts one that is all zero

#endif
