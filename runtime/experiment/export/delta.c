// The change alone: W += left right for each edited matrix, the factors of all batches side by
// side. A matrix that was written as a whole stands there as a whole.

#include <stdlib.h>
#include <string.h>

#include "experiment/export/parts.h"
#include "model/safetensors.h"

struct tensors {
    struct st_tensor *items;
    size_t num, cap;
};

static void add_tensor(const struct export *e, struct tensors *to, const char *name,
                       const float *data, size_t rows, size_t cols)
{
    *arena_push(e->arena, to) = (struct st_tensor) {.name = name,
                                                    .type = ST_F32,
                                                    .num_dims = 2,
                                                    .dims = {rows, cols},
                                                    .data = (const uint8_t *) data};
}

// The session's left factors are [n, rows]: their columns stand side by side in [rows, rank].
static void add_factors(const struct export *e, struct tensors *to, const struct export_change *c)
{
    const size_t rank = (size_t) c->rank, rows = c->tensor->rows, cols = c->tensor->cols;
    float *left = arena_array(e->arena, float, rows *rank);
    float *right = arena_array(e->arena, float, rank *cols);
    size_t at = 0;
    for (size_t i = 0; i < c->edits.num; i++) {
        const struct session_edit *edit = c->edits.items[i];
        const size_t n = (size_t) edit->n;
        for (size_t k = 0; k < n; k++)
            for (size_t row = 0; row < rows; row++)
                left[row * rank + at + k] = edit->left[k * rows + row];
        memcpy(right + at * cols, edit->right, n * cols * sizeof(float));
        at += n;
    }
    add_tensor(e, to, arena_print(e->arena, "%s.left", c->name), left, rows, rank);
    add_tensor(e, to, arena_print(e->arena, "%s.right", c->name), right, rank, cols);
}

static enum em_status add_whole(const struct export *e, struct tensors *to,
                                const struct export_change *c)
{
    float *w;
    EM_TRY(export_matrix(e, c, &w));
    const size_t rows = c->tensor->rows, cols = c->tensor->cols;
    add_tensor(e, to, c->tensor->name, arena_copy_bytes(e->arena, w, rows * cols * sizeof(*w)),
               rows, cols);
    free(w);
    return EM_OK;
}

enum em_status export_write_delta(struct export *e)
{
    struct tensors tensors = {0};
    for (size_t i = 0; i < e->changes.num; i++) {
        const struct export_change *c = &e->changes.items[i];
        if (c->whole)
            EM_TRY(add_whole(e, &tensors, c));
        else
            add_factors(e, &tensors, c);
    }
    return st_write(e->log, path_join(e->arena, e->folder, "delta.safetensors"), tensors.items,
                    (int) tensors.num, export_metadata(e));
}
