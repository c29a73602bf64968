// SHA-256, by libcrypto: what files, stores and runs are named by.

#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/arena.h"
#include "base/log.h"

enum { HASH_SIZE = 65 }; // 64 hexadecimal digits and a NUL

struct hash;

struct hash *hash_begin(void);
void hash_bytes(struct hash *h, const void *data, size_t size);
void hash_text(struct hash *h, const char *text); // with its NUL, so that "a","bc" is not "ab","c"
void hash_end(struct hash *h, char hex[HASH_SIZE]); // frees it

void hash_of(const void *data, size_t size, char hex[HASH_SIZE]);
EM_MUST_CHECK enum em_status hash_file(struct log *log, const char *path, char hex[HASH_SIZE]);

#endif
