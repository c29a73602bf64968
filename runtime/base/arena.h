// Arenas: memory with a lifetime instead of an owner. Everything allocated from an arena lives
// until the arena is cleared or destroyed; nothing is freed one by one.
//
// Memory: zeroed, aligned to 64 bytes. An allocation never fails: when the system has no memory
// left the program says so and ends (arrays that scale with a model live in device buffers or
// mapped files, which report failure). Threads: one thread at a time per arena.

#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include <emend/types.h>

struct arena;

struct arena *arena_create(void);
void arena_destroy(struct arena **a); // accepts a pointer to NULL
void arena_clear(struct arena *a);    // frees everything in it

void *arena_alloc(struct arena *a, size_t size);
void *arena_array_bytes(struct arena *a, size_t count, size_t size); // checks count * size
char *arena_print(struct arena *a, const char *fmt, ...) EM_PRINTF(2, 3);
char *arena_vprint(struct arena *a, const char *fmt, va_list args);
char *arena_copy(struct arena *a, const char *text);
void *arena_copy_bytes(struct arena *a, const void *bytes, size_t size);

#define arena_new(a, T) ((T *) arena_alloc((a), sizeof(T)))
#define arena_array(a, T, count) ((T *) arena_array_bytes((a), (count), sizeof(T)))

// A growing array. `items` moves when it grows; old places stay in the arena.
//   struct { int *items; size_t num, cap; } list = {0};
//   *arena_push(a, &list) = 7;
#define arena_push(a, list)                                                                        \
    ((list)->items =                                                                               \
         arena_grow((a), (list)->items, &(list)->cap, (list)->num, sizeof(*(list)->items)),        \
     &(list)->items[(list)->num++])
void *arena_grow(struct arena *a, void *items, size_t *cap, size_t num, size_t size);

#endif
