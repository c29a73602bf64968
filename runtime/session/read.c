// Files that a plugin's options name: texts, NumPy arrays of one row, JSON objects of numbers. See
// <emend/session.h>.

#include "session/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/file/file.h"
#include "base/text/json.h"

enum em_status em_read_text(struct em_session *s, const char *path, char **text)
{
    size_t size;
    EM_TRY(file_read(s->log, s->call, path, text, &size));
    if (strlen(*text) != size)
        return em_fail(s, EM_ERR_CONFIG, "%s: holds a NUL byte at %zu, so it is no text", path,
                       strlen(*text));
    return EM_OK;
}

// --- NumPy arrays

struct npy { // a file's header, which is the text of a Python dictionary
    const char *path, *header;
    const uint8_t *data, *end;
    size_t width; // bytes of a number
};

static enum em_status fail_npy(struct em_session *s, const struct npy *n, const char *what)
{
    return em_fail(s, EM_ERR_CONFIG,
                   "%s: %s; an .npy file of one row of float64 or float32 is needed", n->path,
                   what);
}

// The text behind 'key': in the header; "" if there is none.
static const char *header_value(const struct npy *n, const char *key)
{
    const char *at = strstr(n->header, key);
    if (!at)
        return "";
    at += strlen(key);
    return at + strspn(at, " :");
}

// 1, 0 and the header's length in two bytes; 2 or 3, 0 and four bytes.
static enum em_status open_npy(struct em_session *s, const struct file_map *map, struct npy *n)
{
    static const char magic[] = "\x93NUMPY";
    enum { MAGIC = sizeof(magic) - 1, VERSION = 2 };
    const uint8_t *at = map->data;
    if (map->size < MAGIC + VERSION + 4 || memcmp(at, magic, MAGIC) != 0)
        return fail_npy(s, n, "does not begin as one");
    const bool old = at[MAGIC] == 1;
    const uint8_t *length = at + MAGIC + VERSION;
    size_t size = length[0] | (size_t) length[1] << 8;
    if (!old)
        size |= (size_t) length[2] << 16 | (size_t) length[3] << 24;
    const uint8_t *header = length + (old ? 2 : 4);
    n->end = map->data + map->size;
    if (size > (size_t) (n->end - header))
        return fail_npy(s, n, "ends within its header");
    n->header = arena_print(s->call, "%.*s", (int) size, (const char *) header);
    n->data = header + size;
    const char *type = header_value(n, "'descr'"), *order = header_value(n, "'fortran_order'");
    const bool is_double = strncmp(type, "'<f8'", 5) == 0;
    if (!is_double && strncmp(type, "'<f4'", 5) != 0)
        return fail_npy(s, n, "does not hold little-endian floating-point numbers");
    n->width = is_double ? 8 : 4;
    return *order ? EM_OK : fail_npy(s, n, "has no fortran_order");
}

static enum em_status count_npy(struct em_session *s, const struct npy *n, size_t *num)
{
    const char *shape = header_value(n, "'shape'");
    char *end = NULL;
    *num = *shape == '(' ? strtoull(shape + 1, &end, 10) : 0;
    if (!end || end == shape + 1 || strncmp(end, ",)", 2) != 0 || *num == 0)
        return fail_npy(s, n, "its shape is not (N,)");
    if (*num > SIZE_MAX / 8 || *num * n->width != (size_t) (n->end - n->data))
        return fail_npy(s, n, "its size is not that of its shape");
    return EM_OK;
}

static enum em_status read_npy(struct em_session *s, const struct file_map *map, struct npy *n,
                               const double **values, size_t *num)
{
    EM_TRY(open_npy(s, map, n));
    EM_TRY(count_npy(s, n, num));
    double *out = em_doubles(s, *num);
    for (size_t i = 0; i < *num; i++) {
        float single;
        if (n->width == 8)
            memcpy(&out[i], n->data + 8 * i, 8);
        else
            memcpy(&single, n->data + 4 * i, 4);
        if (n->width == 4)
            out[i] = (double) single;
    }
    *values = out;
    return EM_OK;
}

enum em_status em_read_array(struct em_session *s, const char *path, const double **values,
                             size_t *num)
{
    struct file_map map;
    struct npy n = {.path = path};
    EM_TRY(file_map(s->log, path, &map));
    const enum em_status status = read_npy(s, &map, &n, values, num);
    file_unmap(&map);
    return status;
}

// --- JSON objects of numbers

static enum em_status list_entries(struct em_session *s, const struct json *j,
                                   struct em_entry **entries, size_t *num)
{
    if (!cJSON_IsObject(j->root))
        return json_fail(j, j->root, NULL, "is %s; an object of numbers is needed",
                         json_type_name(j->root));
    *entries = em_alloc(s, ((size_t) cJSON_GetArraySize(j->root) + 1) * sizeof(**entries));
    *num = 0;
    for (const cJSON *m = j->root->child; m; m = m->next) {
        if (!cJSON_IsNumber(m))
            return json_fail(j, j->root, m->string, "is %s; a number is needed", json_type_name(m));
        (*entries)[(*num)++] = (struct em_entry) {arena_copy(s->call, m->string), m->valuedouble};
    }
    return EM_OK;
}

enum em_status em_read_entries(struct em_session *s, const char *path, struct em_entry **entries,
                               size_t *num)
{
    struct arena *a = arena_create();
    struct json j;
    enum em_status status = json_read(s->log, a, path, &j);
    if (status == EM_OK) {
        status = list_entries(s, &j, entries, num);
        json_close(&j);
    }
    arena_destroy(&a);
    return status;
}
