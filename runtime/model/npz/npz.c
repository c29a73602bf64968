// The arrays of an .npz archive, by name; see npz.h.

#include <string.h>

#include "model/npz/parts.h"

enum em_status npz_open(struct log *log, struct arena *a, const char *path, struct npz_file *out)
{
    *out = (struct npz_file) {.log = log, .a = a, .path = path};
    EM_TRY(file_map(log, path, &out->map));
    const enum em_status status = zip_list(out);
    if (status != EM_OK)
        npz_close(out);
    return status;
}

enum em_status npy_open(struct log *log, struct arena *a, const char *path, struct npz_file *file,
                        struct npz_array *out)
{
    *file = (struct npz_file) {.log = log, .a = a, .path = path};
    *out = (struct npz_array) {.name = NULL};
    EM_TRY(file_map(log, path, &file->map));
    const enum em_status status = npy_parse(file, file->map.data, file->map.size, out);
    if (status != EM_OK)
        npz_close(file);
    return status;
}

void npz_close(struct npz_file *f)
{
    file_unmap(&f->map);
    f->num = 0;
}

// Member NAME.npy; the first, if there are several.
static const struct zip_member *find_member(const struct npz_file *f, const char *name)
{
    const size_t length = strlen(name);
    for (int i = 0; i < f->num; i++)
        if (strncmp(f->members[i].name, name, length) == 0 &&
            strcmp(f->members[i].name + length, ".npy") == 0)
            return &f->members[i];
    return NULL;
}

enum em_status npz_read(const struct npz_file *f, const char *name, struct npz_array *out)
{
    const uint8_t *data;
    const struct zip_member *member = find_member(f, name);
    *out = (struct npz_array) {.name = name};
    if (!member)
        return log_fail(f->log, EM_ERR_CONFIG, "%s: there is no array \"%s\" in it", f->path, name);
    EM_TRY(zip_data(f, member, &data));
    return npy_parse(f, data, member->size, out);
}
