// Arenas: a list of blocks, each at least 64 KiB; see arena.h.

#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BLOCK_SIZE = 64 * 1024, ALIGN = 64 };

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char bytes[];
};

struct arena {
    struct block *blocks;
};

struct arena *arena_create(void)
{
    struct arena *a = calloc(1, sizeof(*a));
    if (!a)
        memory_exhausted(sizeof(*a));
    return a;
}

void arena_clear(struct arena *a)
{
    while (a->blocks) {
        struct block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
}

void arena_destroy(struct arena **a)
{
    if (!*a)
        return;
    arena_clear(*a);
    free(*a);
    *a = NULL;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        memory_exhausted(size);
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    struct block *b = a->blocks;
    if (!b || b->size - b->used < size) {
        const size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        b = aligned_alloc(ALIGN, sizeof(*b) + room);
        if (!b)
            memory_exhausted(sizeof(*b) + room);
        *b = (struct block) {.next = a->blocks, .size = room};
        a->blocks = b;
    }
    void *at = b->bytes + b->used;
    b->used += size;
    return memset(at, 0, size);
}

void *arena_array_bytes(struct arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        memory_exhausted(SIZE_MAX);
    return arena_alloc(a, count * size);
}

char *arena_vprint(struct arena *a, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *text = arena_alloc(a, (size_t) length + 1);
    vsnprintf(text, (size_t) length + 1, fmt, args);
    return text;
}

char *arena_print(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprint(a, fmt, args);
    va_end(args);
    return text;
}

void *arena_copy_bytes(struct arena *a, const void *bytes, size_t size)
{
    void *copy = arena_alloc(a, size);
    return size ? memcpy(copy, bytes, size) : copy;
}

char *arena_copy(struct arena *a, const char *text)
{
    return arena_copy_bytes(a, text, strlen(text) + 1);
}

void *arena_grow(struct arena *a, void *items, size_t *cap, size_t num, size_t size)
{
    if (num < *cap)
        return items;
    *cap = *cap ? 2 * *cap : 16;
    void *grown = arena_array_bytes(a, *cap, size);
    return num ? memcpy(grown, items, num * size) : grown;
}
