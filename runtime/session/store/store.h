// The values of facts that a session holds, for the files of this folder.
//
// Values are computed for a chunk of facts together, and with host BLAS their last bits depend on
// that company. So they belong to the chunk: under a key of its facts, in order, and of its
// context, which is all that its values depend on beside them.

#ifndef SESSION_STORE_H
#define SESSION_STORE_H

#include "model/safetensors.h"
#include "session/internal.h"

struct value {
    const char *name;
    const float *at; // [count]
    size_t count;
    struct value *next;
};

struct known_fact {
    char key[HASH_SIZE]; // of its texts
    struct value *values;
};

struct chunk {
    char context[HASH_SIZE];
    struct arena *a;          // the facts, and values that are not on disk
    struct cache_entry entry; // its file; values on disk are read where it is mapped
    struct {
        struct known_fact *items;
        size_t num, cap;
    } facts;
    struct chunk *next;
};

struct store_import {
    struct st_file file;
    char hash[HASH_SIZE];
};

struct store {
    struct arena *a; // of the imports
    struct {
        struct store_import *items;
        size_t num, cap;
    } imports;
    struct chunk *chunks; // the newest first
    struct chunk *open;   // the first, between session_chunk_begin and session_chunk_end
    struct chunk *strays; // values that were put outside any chunk
};

struct store *store_of(struct em_session *s); // made on first use
void store_context(struct em_session *s, char context[HASH_SIZE]);

struct chunk *chunk_create(const char context[HASH_SIZE]);
void chunk_destroy(struct chunk **chunk); // accepts a pointer to NULL
void chunk_add_fact(struct chunk *chunk, const char key[HASH_SIZE]);
void chunk_fact_key(const struct em_fact *fact, char key[HASH_SIZE]);
struct known_fact *chunk_find(const struct chunk *chunk, const char key[HASH_SIZE]);

// The value of a fact, or NULL; and one put in its place, copied.
const struct value *chunk_get(const struct known_fact *fact, const char *name);
void chunk_put(struct chunk *chunk, struct known_fact *fact, const struct value *value);

#endif
