// The parts of a model in GGUF: one file, or those that llama-gguf-split made of it, NAME-00001-of-
// 00003.gguf and so on in one folder. The first has the metadata, each a table of its own tensors.

#include <string.h>

#include "model/files/parts.h"

enum { MOST_PARTS = UINT16_MAX, MOST_NAMED = 8 };

const struct gguf_file *files_gguf_part(const struct model_files *m, int i)
{
    return i ? &m->gguf_rest[i - 1] : &m->gguf;
}

static enum em_status read_numbers(const struct gguf_file *g, int *number, int *count)
{
    *number = *count = 0;
    EM_TRY(gguf_get_int(g, "split.no", 0, MOST_PARTS, number));
    return gguf_get_int(g, "split.count", 0, MOST_PARTS, count);
}

// The paths of all parts, from that of one of them, which is as its metadata says.
static enum em_status list_parts(struct model_files *m, int number, int count)
{
    const char *ending = arena_print(m->a, "-%05d-of-%05d.gguf", number + 1, count);
    const size_t length = strlen(m->path), end = strlen(ending);
    if (length <= end || strcmp(m->path + length - end, ending) != 0)
        return log_fail(m->log, EM_ERR_CONFIG,
                        "%s: is part %d of the %d parts of a model, but its name does not end in "
                        "%s, so the others cannot be found; give all of them their names back",
                        m->path, number + 1, count, ending);
    char *stem = arena_copy(m->a, m->path);
    stem[length - end] = 0;
    m->weight_files = arena_array(m->a, const char *, (size_t) count);
    for (int i = 0; i < count; i++)
        m->weight_files[i] = arena_print(m->a, "%s-%05d-of-%05d.gguf", stem, i + 1, count);
    m->num_weight_files = count;
    m->name = path_name(stem);
    return EM_OK;
}

static enum em_status check_all_are_there(const struct model_files *m)
{
    const char *names = "";
    int missing = 0;
    for (int i = 0; i < m->num_weight_files; i++) {
        if (file_exists(m->weight_files[i]))
            continue;
        if (missing++ < MOST_NAMED)
            names = arena_print(m->a, "%s%s%s", names, missing > 1 ? ", " : "",
                                path_name(m->weight_files[i]));
    }
    if (!missing)
        return EM_OK;
    if (missing > MOST_NAMED)
        names = arena_print(m->a, "%s and %d more", names, missing - MOST_NAMED);
    return log_fail(m->log, EM_ERR_CONFIG,
                    "%s: is one of the %d parts of a model, and %d of them %s not beside it: %s",
                    m->path, m->num_weight_files, missing, missing > 1 ? "are" : "is", names);
}

static enum em_status check_part(const struct model_files *m, int i)
{
    const struct gguf_file *g = files_gguf_part(m, i);
    int number, count;
    EM_TRY(read_numbers(g, &number, &count));
    if (number == i && count == m->num_weight_files)
        return EM_OK;
    return log_fail(m->log, EM_ERR_CONFIG,
                    "%s: says that it is part %d of %d (split.no, split.count); its name says %d "
                    "of %d",
                    g->path, number + 1, count, i + 1, m->num_weight_files);
}

static enum em_status check_total(const struct model_files *m)
{
    int total = -1;
    int64_t found = 0;
    EM_TRY(gguf_get_int(&m->gguf, "split.tensors.count", 0, INT32_MAX, &total));
    for (int i = 0; i < m->num_weight_files; i++)
        found += files_gguf_part(m, i)->num_tensors;
    if (total < 0 || total == found)
        return EM_OK;
    return log_fail(m->log, EM_ERR_CONFIG,
                    "%s: split.tensors.count is %d, but its %d parts have %lld tensors; are they "
                    "of one model?",
                    m->path, total, m->num_weight_files, (long long) found);
}

enum em_status files_open_gguf(struct model_files *m)
{
    int number, count;
    EM_TRY(gguf_open(m->log, m->a, m->path, &m->gguf));
    EM_TRY(read_numbers(&m->gguf, &number, &count));
    if (count <= 1) {
        m->weight_files = arena_new(m->a, const char *);
        m->weight_files[m->num_weight_files++] = m->path;
        return EM_OK;
    }
    EM_TRY(list_parts(m, number, count));
    EM_TRY(check_all_are_there(m));
    gguf_close(&m->gguf);
    m->path = m->weight_files[0]; // what its metadata lacks is said of the first
    m->gguf_rest = arena_array(m->a, struct gguf_file, (size_t) count - 1);
    for (int i = 0; i < count; i++) {
        struct gguf_file *part = i ? &m->gguf_rest[i - 1] : &m->gguf;
        EM_TRY(gguf_open(m->log, m->a, m->weight_files[i], part));
        EM_TRY(check_part(m, i));
    }
    return check_total(m);
}
