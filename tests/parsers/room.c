// Files made byte by byte, and the exact message that a bad one gets; see room.h.

#include "room.h"

#include <dirent.h>
#include <unistd.h>

int room_begin(void **state)
{
    struct arena *a = arena_create();
    struct room *r = arena_new(a, struct room);
    const char *root = getenv("TMPDIR");
    char *folder = arena_print(a, "%s/emend-parsers-XXXXXX", root ? root : "/tmp");
    r->a = a;
    r->log = log_create(NULL, LOG_QUIET);
    r->folder = mkdtemp(folder);
    *state = r;
    return r->log && r->folder ? 0 : -1;
}

static void remove_folder(struct room *r, const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const char *inside = path_join(r->a, path, entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (file_is_folder(inside))
            remove_folder(r, inside);
        else
            unlink(inside);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

int room_end(void **state)
{
    struct room *r = *state;
    remove_folder(r, r->folder);
    log_destroy(&r->log);
    struct arena *a = r->a;
    arena_destroy(&a);
    return 0;
}

char *room_path(struct room *r, const char *name)
{
    return path_join(r->a, r->folder, name);
}

char *room_file(struct room *r, const char *name, const void *data, size_t size)
{
    char *path = room_path(r, name);
    assert_int_equal(folder_make(r->log, path_folder(r->a, path)), EM_OK);
    FILE *file = fopen(path, "wb"); // file_write would wait for the disk, thousands of times
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

char *room_text(struct room *r, const char *name, const char *text)
{
    return room_file(r, name, text, strlen(text));
}

void expect_error(struct room *r, const char *what, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *expected = arena_vprint(r->a, fmt, args);
    va_end(args);
    if (strcmp(log_error(r->log), expected) != 0)
        fail_msg("%s\n  should be: %s\n  but is:    %s", what, expected, log_error(r->log));
    assert_int_not_equal(log_status(r->log), EM_OK);
    log_clear(r->log);
}

char *replace_text(struct room *r, const char *text, const char *find, const char *by)
{
    const char *at = strstr(text, find);
    if (!at)
        fail_msg("\"%s\" is not in the text", find);
    return arena_print(r->a, "%.*s%s%s", (int) (at - text), text, by, at + strlen(find));
}

void put_bytes(struct bytes *b, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *arena_push(b->a, b) = ((const uint8_t *) data)[i];
}

void put_number(struct bytes *b, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        *arena_push(b->a, b) = (uint8_t) (value >> 8 * i);
}

void put_text(struct bytes *b, const char *text)
{
    put_number(b, strlen(text), 8);
    put_bytes(b, text, strlen(text));
}

static void pad(struct bytes *b, int align)
{
    while (b->num % (size_t) align)
        put_number(b, 0, 1);
}

struct gguf_maker gguf_make(struct room *r)
{
    const struct bytes none = {.a = r->a};
    return (struct gguf_maker) {
        .values = none, .table = none, .data = none, .version = 3, .align = 32};
}

void gguf_key(struct gguf_maker *g, const char *key, enum gguf_kind kind)
{
    g->num_values++;
    put_text(&g->values, key);
    put_number(&g->values, kind, 4);
}

void gguf_put_int(struct gguf_maker *g, const char *key, uint32_t value)
{
    gguf_key(g, key, GGUF_U32);
    put_number(&g->values, value, 4);
}

void gguf_put_float(struct gguf_maker *g, const char *key, float value)
{
    gguf_key(g, key, GGUF_F32);
    put_bytes(&g->values, &value, sizeof(value));
}

void gguf_put_bool(struct gguf_maker *g, const char *key, bool value)
{
    gguf_key(g, key, GGUF_BOOL);
    put_number(&g->values, value, 1);
}

void gguf_put_text(struct gguf_maker *g, const char *key, const char *value)
{
    gguf_key(g, key, GGUF_TEXT);
    put_text(&g->values, value);
}

static void put_list(struct gguf_maker *g, const char *key, enum gguf_kind element, int num)
{
    gguf_key(g, key, GGUF_LIST);
    put_number(&g->values, element, 4);
    put_number(&g->values, (uint64_t) num, 8);
}

void gguf_put_texts(struct gguf_maker *g, const char *key, const char *const *values, int num)
{
    put_list(g, key, GGUF_TEXT, num);
    for (int i = 0; i < num; i++)
        put_text(&g->values, values[i]);
}

void gguf_put_ints(struct gguf_maker *g, const char *key, const int *values, int num)
{
    put_list(g, key, GGUF_I32, num);
    for (int i = 0; i < num; i++)
        put_number(&g->values, (uint32_t) values[i], 4);
}

void gguf_put_tensor(struct gguf_maker *g, const char *name, uint32_t type, uint64_t cols,
                     uint64_t rows, const void *data, size_t size)
{
    g->num_tensors++;
    pad(&g->data, g->align);
    put_text(&g->table, name);
    put_number(&g->table, rows ? 2 : 1, 4);
    put_number(&g->table, cols, 8);
    if (rows)
        put_number(&g->table, rows, 8);
    put_number(&g->table, type, 4);
    put_number(&g->table, g->data.num, 8);
    put_bytes(&g->data, data, size);
}

struct bytes gguf_whole(struct room *r, const struct gguf_maker *g)
{
    struct bytes b = {.a = r->a};
    put_bytes(&b, "GGUF", 4);
    put_number(&b, g->version, 4);
    put_number(&b, g->num_tensors, 8);
    put_number(&b, g->num_values, 8);
    put_bytes(&b, g->values.items, g->values.num);
    put_bytes(&b, g->table.items, g->table.num);
    if (g->num_tensors)
        pad(&b, g->align);
    put_bytes(&b, g->data.items, g->data.num);
    return b;
}

char *gguf_write(struct room *r, const struct gguf_maker *g, const char *name)
{
    const struct bytes b = gguf_whole(r, g);
    return room_file(r, name, b.items, b.num);
}
