// Small questions about short texts; see words.h.

#include "base/text/words.h"

#include <string.h>

bool text_ends_with(const char *text, const char *ending)
{
    const size_t length = strlen(text), end = strlen(ending);
    return length > end && strcmp(text + length - end, ending) == 0;
}

bool text_is_one_of(const char *text, const char *const *list)
{
    while (*list && strcmp(*list, text) != 0)
        list++;
    return *list;
}

char *text_trim(struct arena *a, const char *text, size_t length)
{
    static const char blanks[] = " \t\r\n";
    for (; length && strchr(blanks, *text); length--)
        text++;
    while (length && strchr(blanks, text[length - 1]))
        length--;
    char *copy = arena_alloc(a, length + 1);
    memcpy(copy, text, length);
    return copy;
}
