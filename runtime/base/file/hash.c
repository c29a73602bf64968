// SHA-256; see hash.h.

#include "base/file/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/file/file.h"

static void check(int fine)
{
    if (!fine) {
        fputs("emend: SHA-256 is not available in this build of libcrypto\n", stderr);
        abort();
    }
}

struct hash *hash_begin(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    check(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
    return (struct hash *) ctx;
}

void hash_bytes(struct hash *h, const void *data, size_t size)
{
    check(EVP_DigestUpdate((EVP_MD_CTX *) h, data, size));
}

void hash_text(struct hash *h, const char *text)
{
    hash_bytes(h, text, strlen(text) + 1);
}

void hash_end(struct hash *h, char hex[HASH_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    check(EVP_DigestFinal_ex((EVP_MD_CTX *) h, raw, NULL));
    EVP_MD_CTX_free((EVP_MD_CTX *) h);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
}

void hash_of(const void *data, size_t size, char hex[HASH_SIZE])
{
    struct hash *h = hash_begin();
    hash_bytes(h, data, size);
    hash_end(h, hex);
}

enum em_status hash_file(struct log *log, const char *path, char hex[HASH_SIZE])
{
    struct file_map map;
    EM_TRY(file_map(log, path, &map));
    hash_of(map.data, map.size, hex);
    file_unmap(&map);
    return EM_OK;
}
