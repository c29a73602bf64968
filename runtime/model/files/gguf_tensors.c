// The tensors of a model in GGUF, part by part: each of a type that is read, in the file's data,
// and none over another.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/parts.h"

static enum em_status fail(const struct gguf_file *g, enum em_status status, const char *fmt, ...)
    EM_PRINTF(3, 4);

static enum em_status fail(const struct gguf_file *g, enum em_status status, const char *fmt, ...)
{
    char what[3000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return log_fail(g->log, status, "%s: %s", g->path, what);
}

// "F32, F16 and BF16"
static const char *list_types(struct arena *a)
{
    const char *text = file_type_name(0);
    for (int i = 1; i < FILE_TYPES; i++)
        text = arena_print(a, "%s%s%s", text, i < FILE_TYPES - 1 ? ", " : " and ",
                           file_type_name((enum file_type) i));
    return text;
}

// A tensor with its type, shape and bytes, which are in the file.
static enum em_status read_tensor(const struct model_files *m, const struct gguf_file *g,
                                  const struct gguf_tensor *from, struct file_tensor *t)
{
    *t = (struct file_tensor) {.name = from->name, .rows = 1};
    if (!file_type_of_gguf(from->type, &t->type))
        return fail(g, EM_ERR_UNSUPPORTED, "tensor \"%s\" is of type %s (%u); %s are supported",
                    from->name, gguf_type_name(from->type), from->type, list_types(m->a));
    if (from->num_dims > 2 || from->dims[0] > UINT32_MAX ||
        (from->num_dims == 2 && from->dims[1] > UINT32_MAX))
        return fail(g, EM_ERR_CONFIG, "tensor \"%s\" has more than 2 dimensions, or one above 2^32",
                    from->name);
    t->cols = (uint32_t) from->dims[0];
    if (from->num_dims == 2)
        t->rows = (uint32_t) from->dims[1];
    if (t->cols % (uint32_t) file_type_block(t->type))
        return fail(g, EM_ERR_CONFIG,
                    "tensor \"%s\": its rows have %u values, which are no whole blocks of %s (%d)",
                    from->name, t->cols, file_type_name(t->type), file_type_block(t->type));
    const uint64_t values = (uint64_t) t->rows * t->cols;
    if (values > INT64_MAX / 4)
        return fail(g, EM_ERR_CONFIG, "tensor \"%s\" has 2^61 values or more", from->name);
    t->size = file_type_bytes(t->type, values);
    if (from->offset > g->data_size || t->size > g->data_size - from->offset)
        return fail(g, EM_ERR_CONFIG,
                    "tensor \"%s\" needs %llu bytes at %llu, but the file has %llu bytes of data; "
                    "is the download complete?",
                    from->name, (unsigned long long) t->size, (unsigned long long) from->offset,
                    (unsigned long long) g->data_size);
    t->data = g->data + from->offset;
    return EM_OK;
}

enum em_status files_read_tensors(struct model_files *m, const struct gguf_file *g,
                                  struct file_tensor **out)
{
    struct file_tensor *all = arena_array(m->a, struct file_tensor, (size_t) g->num_tensors);
    for (int i = 0; i < g->num_tensors; i++)
        EM_TRY(read_tensor(m, g, &g->tensors[i], &all[i]));
    *out = all;
    return EM_OK;
}

static int compare_data(const void *left, const void *right)
{
    const struct file_tensor *const *l = left, *const *r = right;
    return (*l)->data < (*r)->data ? -1 : (*l)->data > (*r)->data;
}

enum em_status files_check_overlap(struct model_files *m, const struct gguf_file *g,
                                   const struct file_tensor *all)
{
    const struct file_tensor **order =
        arena_array(m->a, const struct file_tensor *, (size_t) g->num_tensors);
    for (int i = 0; i < g->num_tensors; i++)
        order[i] = &all[i];
    if (g->num_tensors)
        qsort(order, (size_t) g->num_tensors, sizeof(*order), compare_data);
    for (int i = 1; i < g->num_tensors; i++)
        if (order[i]->data < order[i - 1]->data + order[i - 1]->size)
            return fail(g, EM_ERR_CONFIG, "tensor \"%s\" overlaps tensor \"%s\"", order[i]->name,
                        order[i - 1]->name);
    return EM_OK;
}
