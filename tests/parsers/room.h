// What the parser tests share: a log, memory and a temporary folder for each test; files made byte
// by byte; and the one thing to say of a bad file, its exact message.

#ifndef TESTS_PARSERS_ROOM_H
#define TESTS_PARSERS_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file/file.h"
#include "model/files/gguf.h"

struct room {
    struct log *log;
    struct arena *a;
    const char *folder;
};

int room_begin(void **state); // a test's setup
int room_end(void **state);   // its teardown: the folder is removed

char *room_path(struct room *r, const char *name);
char *room_file(struct room *r, const char *name, const void *data, size_t size); // its path
char *room_text(struct room *r, const char *name, const char *text);

// The log's error is `fmt`, word for word; it is forgotten.
void expect_error(struct room *r, const char *what, const char *fmt, ...) EM_PRINTF(3, 4);
// `text` with the first `find` replaced.
char *replace_text(struct room *r, const char *text, const char *find, const char *by);

struct bytes {
    struct arena *a;
    uint8_t *items;
    size_t num, cap;
};

void put_number(struct bytes *b, uint64_t value, int size); // little endian
void put_bytes(struct bytes *b, const void *data, size_t size);
void put_text(struct bytes *b, const char *text); // as GGUF does: 8 bytes of length before it

// A GGUF file in the making: its metadata and tensors are counted as they are put.
struct gguf_maker {
    struct bytes values, table, data;
    uint64_t num_values, num_tensors;
    uint32_t version;
    int align;
};

struct gguf_maker gguf_make(struct room *r);
void gguf_key(struct gguf_maker *g, const char *key, enum gguf_kind kind); // its value: put_...
void gguf_put_int(struct gguf_maker *g, const char *key, uint32_t value);
void gguf_put_float(struct gguf_maker *g, const char *key, float value);
void gguf_put_bool(struct gguf_maker *g, const char *key, bool value);
void gguf_put_text(struct gguf_maker *g, const char *key, const char *value);
void gguf_put_texts(struct gguf_maker *g, const char *key, const char *const *values, int num);
void gguf_put_ints(struct gguf_maker *g, const char *key, const int *values, int num);
// rows 0: a vector. Its data is put at the next aligned place.
void gguf_put_tensor(struct gguf_maker *g, const char *name, uint32_t type, uint64_t cols,
                     uint64_t rows, const void *data, size_t size);
struct bytes gguf_whole(struct room *r, const struct gguf_maker *g);
char *gguf_write(struct room *r, const struct gguf_maker *g, const char *name);

#endif
