// Files that should be texts: those that are, and what others are told to be.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file/file.h"
#include "base/text/read.h"

struct bytes {
    const char *text;
    size_t size;
};
#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct room {
    struct log *log;
    struct arena *a;
    char folder[32];
    const char *path;
};

static void open_room(struct room *r)
{
    *r =
        (struct room) {log_create(NULL, LOG_QUIET), arena_create(), "/tmp/emend-read-XXXXXX", NULL};
    assert_non_null(mkdtemp(r->folder));
    r->path = path_join(r->a, r->folder, "file");
}

static void close_room(struct room *r)
{
    folder_remove(r->folder);
    arena_destroy(&r->a);
    log_destroy(&r->log);
}

static void test_texts(void **state)
{
    (void) state;
    static const struct {
        struct bytes bytes;
        const char *text;
    } good[] = {
        {BYTES(""), ""},
        {BYTES("P"), "P"},
        {BYTES("PAR1 is a station"), "PAR1 is a station"},
        {BYTES("Caf\xC3\xA9\r\n"), "Caf\xC3\xA9\r\n"},
        {BYTES("\xEF\xBB\xBFmarked"), "marked"},
    };
    struct room r;
    open_room(&r);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        char *text;
        assert_int_equal(file_write(r.log, r.path, good[i].bytes.text, good[i].bytes.size), EM_OK);
        assert_int_equal(text_read_utf8(r.log, r.a, r.path, &text), EM_OK);
        assert_string_equal(text, good[i].text);
    }
    close_room(&r);
}

static void test_others(void **state)
{
    (void) state;
    static const struct {
        struct bytes bytes;
        const char *message;
    } bad[] = {
        {BYTES("a\nb\0c"), ":2: holds a NUL byte, so it is not a text"},
        {BYTES("a\n\nCaf\xE9\n"), ":3: the byte 0xE9 is not UTF-8; save the file in that encoding"},
        {BYTES("\x1F\x8B\x08\0"), ": is compressed by gzip; unpack it with gunzip"},
        {BYTES("\x28\xB5\x2F\xFDx"), ": is compressed by zstd; unpack it with unzstd"},
        {BYTES("\xFD"
               "7zXZ\0"),
         ": is compressed by xz; unpack it with unxz"},
        {BYTES("PK\x03\x04x"),
         ": is a ZIP archive, as .xlsx files are; unpack it, or save its table as CSV"},
        {BYTES("PAR1\x15\0PAR1"), ": is a Parquet file; write it as JSON lines, with pandas: "
                                  "read_parquet(FROM).to_json(TO, orient=\"records\", lines=True)"},
        {BYTES("\xFF\xFE[\0"), ": is UTF-16; make it UTF-8 with iconv -f UTF-16 -t UTF-8"},
        {BYTES("\xFE\xFF\0["), ": is UTF-16; make it UTF-8 with iconv -f UTF-16 -t UTF-8"},
    };
    struct room r;
    open_room(&r);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char *text;
        assert_int_equal(file_write(r.log, r.path, bad[i].bytes.text, bad[i].bytes.size), EM_OK);
        assert_int_equal(text_read_utf8(r.log, r.a, r.path, &text), EM_ERR_CONFIG);
        assert_string_equal(log_error(r.log), arena_print(r.a, "%s%s", r.path, bad[i].message));
        log_clear(r.log);
    }
    close_room(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
