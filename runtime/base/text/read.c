// Files of users that should be texts; see read.h.

#include "base/text/read.h"

#include <string.h>

#include "base/file/file.h"
#include "base/text/escape.h"

// What people give in a text's place, by its first bytes and, where not 0, its last.
static const struct kind {
    const char *first, *last, *what;
} kinds[] = {
    {"\x1F\x8B", NULL, "is compressed by gzip; unpack it with gunzip"},
    {"\x28\xB5\x2F\xFD", NULL, "is compressed by zstd; unpack it with unzstd"},
    {"\xFD"
     "7zXZ",
     NULL, "is compressed by xz; unpack it with unxz"},
    {"PK\x03\x04", NULL,
     "is a ZIP archive, as .xlsx files are; unpack it, or save its table as CSV"},
    {"PAR1", "PAR1",
     "is a Parquet file; write it as JSON lines, with pandas: "
     "read_parquet(FROM).to_json(TO, orient=\"records\", lines=True)"},
    {"\xFF\xFE", NULL, "is UTF-16; make it UTF-8 with iconv -f UTF-16 -t UTF-8"},
    {"\xFE\xFF", NULL, "is UTF-16; make it UTF-8 with iconv -f UTF-16 -t UTF-8"},
};

static const char *find_kind(const char *text, size_t size)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        const struct kind *k = &kinds[i];
        const size_t length = strlen(k->first);
        if (size >= length && memcmp(text, k->first, length) == 0 &&
            (!k->last || memcmp(text + size - strlen(k->last), k->last, strlen(k->last)) == 0))
            return k->what;
    }
    return NULL;
}

static int line_at(const char *text, size_t place)
{
    int line = 1;
    for (size_t i = 0; i < place; i++)
        line += text[i] == '\n';
    return line;
}

enum em_status text_read(struct log *log, struct arena *a, const char *path, char **text)
{
    size_t size;
    EM_TRY(file_read(log, a, path, text, &size));
    const char *other = find_kind(*text, size);
    if (other)
        return log_fail(log, EM_ERR_CONFIG, "%s: %s", path, other);
    const size_t whole = strlen(*text);
    if (whole != size)
        return log_fail(log, EM_ERR_CONFIG, "%s:%d: holds a NUL byte, so it is not a text", path,
                        line_at(*text, whole));
    return EM_OK;
}

enum em_status text_read_utf8(struct log *log, struct arena *a, const char *path, char **text)
{
    static const char mark[] = "\xEF\xBB\xBF";
    EM_TRY(text_read(log, a, path, text));
    const size_t good = escape_valid_length(*text);
    if ((*text)[good])
        return log_fail(log, EM_ERR_CONFIG,
                        "%s:%d: the byte 0x%02X is not UTF-8; save the file in that encoding", path,
                        line_at(*text, good), (unsigned char) (*text)[good]);
    if (strncmp(*text, mark, strlen(mark)) == 0)
        *text += strlen(mark);
    return EM_OK;
}
