// Small questions about short texts: how they end, whether a list has them, what they are without
// the blanks around them.

#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/arena.h"

bool text_ends_with(const char *text,
                    const char *ending); // behind something: ".gguf" alone does not
bool text_is_one_of(const char *text, const char *const *list); // which ends with NULL

// A copy of `length` bytes without the spaces, tabs and line ends around them.
char *text_trim(struct arena *a, const char *text, size_t length);

#endif
