// The changes made to a session's model, noted in order; shared by the files of this folder only.

#ifndef SESSION_EDIT_EDIT_H
#define SESSION_EDIT_EDIT_H

#include "base/file/hash.h"
#include "session/internal.h"

struct edit {
    struct session_edit e;
    char state[HASH_SIZE]; // behind it
    struct edit *next;
};

struct kept_rows { // of em_keep
    const char *name;
    float *rows;
    int num, width;
    size_t cap; // of `rows`, in floats
    struct kept_rows *next;
};

// The hash of a state behind one more change.
void edit_hash(const struct session_edit *e, char state[HASH_SIZE]);
// Notes a change that has been made; copies what it points to, except rows that are kept.
void edit_note(struct em_session *s, const struct session_edit *e);

#endif
