// CRC-32 as zip archives use it, eight bytes at a time: table[k][b] is the remainder of byte b with
// k zero bytes after it.

#include "model/npz/parts.h"

enum { STEP = 8 };

static void make_tables(uint32_t table[STEP][256])
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t rest = b;
        for (int i = 0; i < 8; i++)
            rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320u : 0);
        table[0][b] = rest;
    }
    for (int k = 1; k < STEP; k++)
        for (int b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
}

uint32_t crc32_more(uint32_t crc, const void *data, size_t size)
{
    uint32_t table[STEP][256];
    const uint8_t *at = data;
    make_tables(table);
    crc = ~crc;
    for (; size >= STEP; size -= STEP, at += STEP) {
        const uint64_t next = load_number(at, STEP) ^ crc;
        crc = 0;
        for (int k = 0; k < STEP; k++)
            crc ^= table[STEP - 1 - k][next >> 8 * k & 255];
    }
    for (; size; size--, at++)
        crc = crc >> 8 ^ table[0][(crc ^ *at) & 255];
    return ~crc;
}
