// A text in memory that is written as a stream. (The C library's own, open_memstream, cuts a text
// short where memory ends, and does not say so.)
//
// Memory: the text is malloc's. Without any left the program ends; see base/memory.h.

#ifndef BASE_SHEET_H
#define BASE_SHEET_H

#include <stddef.h>
#include <stdio.h>

struct sheet {
    FILE *to;   // until sheet_end
    char *text; // from then on, with a NUL that `size` does not count; the caller frees it
    size_t size, cap;
};

void sheet_begin(struct sheet *s); // at *s until sheet_end
void sheet_end(struct sheet *s);

#endif
