// Writing an .npz archive: every member stored, with 64-bit sizes, dated 1 January 1980, so that
// the same arrays are the same bytes.

#include <string.h>

#include "model/npz/parts.h"

enum { EXTRA_LOCAL = 4 + 16, EXTRA_ENTRY = 4 + 24 }; // with 64-bit sizes, place
enum { VERSION = 45, UNIX = 3 << 8, NEW_YEAR_1980 = 1 << 5 | 1, SEE_64 = 0xFFFF };

struct member {
    const char *name; // with .npy
    uint32_t crc;
    uint64_t size, at; // of header and data; of the local header in the file
};

struct out {
    uint8_t *bytes;
    size_t num;
};

static void put(struct out *o, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        o->bytes[o->num++] = (uint8_t) (value >> 8 * i);
}

static void put_text(struct out *o, const char *text)
{
    memcpy(o->bytes + o->num, text, strlen(text));
    o->num += strlen(text);
}

static void put_mark(struct out *o, char first, char second)
{
    put(o, 'P' | 'K' << 8 | (uint64_t) first << 16 | (uint64_t) second << 24, 4);
}

// What the local header and the directory say alike, from the version to the sizes.
static void put_common(struct out *o, const struct member *m)
{
    put(o, VERSION, 2);
    put(o, 0, 2 + 2 + 2); // flags; stored; midnight
    put(o, NEW_YEAR_1980, 2);
    put(o, m->crc, 4);
    put(o, UINT32_MAX, 4); // the sizes are in the extra field
    put(o, UINT32_MAX, 4);
    put(o, strlen(m->name), 2);
}

static void put_local(struct out *o, const struct member *m)
{
    put_mark(o, 3, 4);
    put_common(o, m);
    put(o, EXTRA_LOCAL, 2);
    put_text(o, m->name);
    put(o, 1, 2);
    put(o, EXTRA_LOCAL - 4, 2);
    put(o, m->size, 8);
    put(o, m->size, 8);
}

static void put_entry(struct out *o, const struct member *m)
{
    put_mark(o, 1, 2);
    put(o, VERSION | UNIX, 2);
    put_common(o, m);
    put(o, EXTRA_ENTRY, 2);
    put(o, 0, 2 + 2 + 2);                // comment; disk; binary
    put(o, (uint64_t) 0100644 << 16, 4); // who may read it
    put(o, UINT32_MAX, 4);
    put_text(o, m->name);
    put(o, 1, 2);
    put(o, EXTRA_ENTRY - 4, 2);
    put(o, m->size, 8);
    put(o, m->size, 8);
    put(o, m->at, 8);
}

static void put_end(struct out *o, int num, uint64_t at, uint64_t size)
{
    put_mark(o, 6, 6);
    put(o, ZIP_END_64 - 12, 8);
    put(o, VERSION | UNIX, 2);
    put(o, VERSION, 2);
    put(o, 0, 4 + 4); // disks
    put(o, (uint64_t) num, 8);
    put(o, (uint64_t) num, 8);
    put(o, size, 8);
    put(o, at, 8);
    put_mark(o, 6, 7);
    put(o, 0, 4);
    put(o, at + size, 8);
    put(o, 1, 4);
    put_mark(o, 5, 6);
    put(o, 0, 2 + 2);
    put(o, SEE_64, 2);
    put(o, SEE_64, 2);
    put(o, UINT32_MAX, 4);
    put(o, UINT32_MAX, 4);
    put(o, 0, 2);
}

static struct out make_out(struct arena *a, size_t size)
{
    return (struct out) {.bytes = arena_alloc(a, size)};
}

static uint64_t bytes_of(const struct npz_array *x)
{
    uint64_t bytes = (uint64_t) x->width;
    for (int i = 0; i < x->num_dims; i++)
        bytes *= x->dims[i];
    return bytes;
}

// An array as three parts of the file: local header, .npy header, data. Returns where they end.
static uint64_t add_array(struct arena *a, const struct npz_array *x, uint64_t at, struct member *m,
                          struct file_part parts[3])
{
    parts[1].data = npy_header(a, x, &parts[1].size);
    parts[2] = (struct file_part) {x->data, bytes_of(x)};
    *m = (struct member) {
        .name = arena_print(a, "%s.npy", x->name),
        .crc = crc32_more(crc32_more(0, parts[1].data, parts[1].size), x->data, parts[2].size),
        .size = parts[1].size + parts[2].size,
        .at = at};
    struct out local = make_out(a, ZIP_LOCAL + strlen(m->name) + EXTRA_LOCAL);
    put_local(&local, m);
    parts[0] = (struct file_part) {local.bytes, local.num};
    return at + local.num + m->size;
}

enum em_status npz_write(struct log *log, const char *path, const struct npz_array *arrays, int num)
{
    struct arena *a = arena_create();
    struct file_part *parts = arena_array(a, struct file_part, 3 * (size_t) num + 1);
    struct member *members = arena_array(a, struct member, (size_t) num);
    uint64_t at = 0;
    size_t size = ZIP_END_64 + ZIP_LOCATOR + ZIP_END;
    for (int i = 0; i < num; i++) {
        at = add_array(a, &arrays[i], at, &members[i], parts + 3 * i);
        size += ZIP_ENTRY + strlen(members[i].name) + EXTRA_ENTRY;
    }
    struct out directory = make_out(a, size);
    for (int i = 0; i < num; i++)
        put_entry(&directory, &members[i]);
    put_end(&directory, num, at, directory.num);
    parts[3 * num] = (struct file_part) {directory.bytes, directory.num};
    const enum em_status status = file_write_parts(log, path, parts, 3 * num + 1);
    arena_destroy(&a);
    return status;
}
