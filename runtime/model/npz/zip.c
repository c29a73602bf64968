// A zip archive's directory, at its end, with the 64-bit sizes that archives of 4 GiB need, and the
// data of its members (APPNOTE.TXT 4.3, 4.5.3).

#include <limits.h>
#include <string.h>

#include "model/npz/parts.h"

enum { MAX_COMMENT = UINT16_MAX, ENCRYPTED = 1, ZIP64 = 1 };

static enum em_status fail(const struct npz_file *f, const char *fmt, ...) EM_PRINTF(2, 3);

static enum em_status fail(const struct npz_file *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *what = arena_vprint(f->a, fmt, args);
    va_end(args);
    return log_fail(f->log, EM_ERR_CONFIG, "%s: %s", f->path, what);
}

// Record `mark` of `size` bytes at `at`; NULL: it is not there.
static const uint8_t *find_record(const struct npz_file *f, uint64_t at, uint64_t size,
                                  const char mark[2])
{
    if (at > f->map.size || size > f->map.size - at)
        return NULL;
    const uint8_t *record = f->map.data + at;
    const uint8_t expected[4] = {'P', 'K', (uint8_t) mark[0], (uint8_t) mark[1]};
    return memcmp(record, expected, 4) == 0 ? record : NULL;
}

struct directory {
    uint64_t at, size, num; // bytes, bytes, members
};

static enum em_status find_directory(const struct npz_file *f, struct directory *out)
{
    const uint8_t *end = NULL;
    for (uint64_t back = ZIP_END; !end && back <= f->map.size && back <= ZIP_END + MAX_COMMENT;
         back++) {
        end = find_record(f, f->map.size - back, ZIP_END, "\5\6");
        if (end && load_number(end + 20, 2) != back - ZIP_END)
            end = NULL;
    }
    if (!end)
        return fail(f, "does not end as a zip archive does, so it is not an .npz file; is the "
                       "download complete?");
    *out = (struct directory) {load_number(end + 16, 4), load_number(end + 12, 4),
                               load_number(end + 10, 2)};
    const uint64_t at = (uint64_t) (end - f->map.data);
    const uint8_t *locator =
        at < ZIP_LOCATOR ? NULL : find_record(f, at - ZIP_LOCATOR, ZIP_LOCATOR, "\6\7");
    if (!locator)
        return EM_OK;
    const uint8_t *end_64 = find_record(f, load_number(locator + 8, 8), ZIP_END_64, "\6\6");
    if (!end_64)
        return fail(f, "its 64-bit end record is not where the archive says");
    *out = (struct directory) {load_number(end_64 + 48, 8), load_number(end_64 + 40, 8),
                               load_number(end_64 + 32, 8)};
    return EM_OK;
}

// The 64-bit values that stand in for those of all ones, in the order size, packed, place.
static enum em_status read_zip64(const struct npz_file *f, const uint8_t *extra, uint64_t size,
                                 struct zip_member *m)
{
    uint64_t *const wide[] = {&m->size, &m->packed, &m->at};
    while (size >= 4 && load_number(extra, 2) != ZIP64) {
        const uint64_t field = 4 + load_number(extra + 2, 2);
        if (field > size)
            break;
        extra += field;
        size -= field;
    }
    const uint8_t *at = extra + 4;
    uint64_t left = 0;
    if (size >= 4 && load_number(extra, 2) == ZIP64)
        left = load_number(extra + 2, 2);
    if (left + 4 > size)
        left = 0;
    for (int i = 0; i < 3; i++) {
        if (*wide[i] != UINT32_MAX)
            continue;
        if (left < 8)
            return fail(f, "member \"%s\": its 64-bit sizes are missing", m->name);
        *wide[i] = load_number(at, 8);
        at += 8;
        left -= 8;
    }
    return EM_OK;
}

// The entry at *at of the directory; *at becomes the next one's place.
static enum em_status read_entry(struct npz_file *f, uint64_t *at, uint64_t end, int i)
{
    const uint8_t *entry = find_record(f, *at, ZIP_ENTRY, "\1\2");
    if (!entry)
        return fail(f, "entry %d of its directory is damaged", i);
    const uint64_t name = load_number(entry + 28, 2), extra = load_number(entry + 30, 2);
    const uint64_t size = ZIP_ENTRY + name + extra + load_number(entry + 32, 2);
    if (size > end - *at)
        return fail(f, "entry %d of its directory runs past the directory's end", i);
    if (!name || memchr(entry + ZIP_ENTRY, 0, name))
        return fail(f, "entry %d of its directory has no name, or one with a NUL byte", i);
    char *text = arena_alloc(f->a, name + 1);
    memcpy(text, entry + ZIP_ENTRY, name);
    struct zip_member *m = &f->members[i];
    *m = (struct zip_member) {.name = text,
                              .flags = (int) load_number(entry + 8, 2),
                              .method = (int) load_number(entry + 10, 2),
                              .crc = (uint32_t) load_number(entry + 16, 4),
                              .packed = load_number(entry + 20, 4),
                              .size = load_number(entry + 24, 4),
                              .at = load_number(entry + 42, 4)};
    *at += size;
    return read_zip64(f, entry + ZIP_ENTRY + name, extra, m);
}

enum em_status zip_list(struct npz_file *f)
{
    struct directory d = {0};
    EM_TRY(find_directory(f, &d));
    if (d.at > f->map.size || d.size > f->map.size - d.at)
        return fail(f, "its directory of %llu bytes at %llu is beyond the file's %zu bytes",
                    (unsigned long long) d.size, (unsigned long long) d.at, f->map.size);
    if (d.num > d.size / ZIP_ENTRY || d.num > INT_MAX)
        return fail(f, "says that it has %llu members, but its directory has %llu bytes",
                    (unsigned long long) d.num, (unsigned long long) d.size);
    f->members = arena_array(f->a, struct zip_member, (size_t) d.num);
    uint64_t at = d.at;
    for (; f->num < (int) d.num; f->num++)
        EM_TRY(read_entry(f, &at, d.at + d.size, f->num));
    return EM_OK;
}

enum em_status zip_data(const struct npz_file *f, const struct zip_member *m, const uint8_t **data)
{
    if (m->flags & ENCRYPTED)
        return fail(f, "member \"%s\" is encrypted", m->name);
    if (m->method)
        return fail(f,
                    "member \"%s\" is compressed (method %d); numpy.savez(OUT, "
                    "**numpy.load(IN)) stores it as it is, which is what is read",
                    m->name, m->method);
    if (m->packed != m->size)
        return fail(f, "member \"%s\" is stored in %llu bytes, but has %llu", m->name,
                    (unsigned long long) m->packed, (unsigned long long) m->size);
    const uint8_t *local = find_record(f, m->at, ZIP_LOCAL, "\3\4");
    if (!local)
        return fail(f, "member \"%s\" does not begin at %llu, where the directory says", m->name,
                    (unsigned long long) m->at);
    const uint64_t start =
        m->at + ZIP_LOCAL + load_number(local + 26, 2) + load_number(local + 28, 2);
    if (start > f->map.size || m->size > f->map.size - start)
        return fail(f, "member \"%s\" needs %llu bytes at %llu, but the file has %zu", m->name,
                    (unsigned long long) m->size, (unsigned long long) start, f->map.size);
    *data = f->map.data + start;
    if (crc32_more(0, *data, m->size) != m->crc)
        return fail(f, "member \"%s\" is damaged: its CRC-32 is another; fetch the file again",
                    m->name);
    return EM_OK;
}
