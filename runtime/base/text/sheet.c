// Texts in memory; see sheet.h.

#include "base/text/sheet.h"

#include <string.h>

#include "base/memory.h"

static ssize_t take(void *sheet, const char *bytes, size_t size)
{
    struct sheet *s = sheet;
    if (s->cap - s->size <= size) {
        s->cap = 2 * (s->size + size) + 1;
        s->text = memory_grow(s->text, s->cap);
    }
    memcpy(s->text + s->size, bytes, size);
    s->size += size;
    return (ssize_t) size;
}

void sheet_begin(struct sheet *s)
{
    *s = (struct sheet) {.text = memory_alloc(1), .cap = 1};
    s->to = fopencookie(s, "w", (cookie_io_functions_t) {.write = take});
    if (!s->to)
        memory_exhausted(sizeof(*s->to));
}

void sheet_end(struct sheet *s)
{
    fclose(s->to);
    s->to = NULL;
    s->text[s->size] = 0;
}
