// Putting a dispatch together: aligned bindings, views into them, grids.

#include <assert.h>

#include "op/dispatch.h"

struct op_dispatch op_begin(struct op *op, struct gpu_cmd *cmd, enum gpu_kernel kernel)
{
    return (struct op_dispatch) {.op = op, .cmd = cmd, .d = {.kernel = kernel}};
}

static uint64_t binding_align(const struct op *op) // a quad of floats at least
{
    return op->info->offset_align > 16 ? op->info->offset_align : 16;
}

void op_bind_elements(struct op_dispatch *d, struct tensor t, struct view *view)
{
    const uint64_t slack = t.mem.offset % binding_align(d->op);
    const uint64_t bytes = tensor_size(t.type, 1);
    assert(slack % bytes == 0);
    *view = (struct view) {.offset = (uint32_t) (slack / bytes), .stride = t.stride};
    d->d.bind[d->bound++] = (struct gpu_slice) {
        .buf = t.mem.buf,
        .offset = t.mem.offset - slack,
        .size = (slack + t.mem.size + 3) / 4 * 4, // kernels read 16-bit weights by the word
    };
}

void op_bind(struct op_dispatch *d, struct tensor t, struct view *view)
{
    op_bind_elements(d, t, view);
    if ((view->offset | t.stride | t.cols) % 4 != 0)
        d->d.spec[1] = 1; // RAGGED
}

void op_end_rows(struct op_dispatch *d, const void *push, uint32_t rows, uint32_t lanes)
{
    d->d.push = push;
    d->d.spec[0] = lanes;
    d->d.groups[0] = op_min(rows, d->op->info->max_groups);
    if (rows > 0)
        gpu_cmd_dispatch(d->cmd, &d->d);
}

void op_end_quads(struct op_dispatch *d, const void *push, uint32_t rows, uint32_t quads)
{
    const struct op_tuning *t = &d->op->tuning;
    const uint64_t each = (uint64_t) t->quads * t->quad_lanes;
    d->d.groups[1] = op_min((uint32_t) ((quads + each - 1) / each), d->op->info->max_groups);
    op_end_rows(d, push, rows, t->quad_lanes);
}

uint32_t op_rows_at_once(const struct op *op, const struct tensor *list, int num)
{
    uint64_t rows = UINT32_MAX;
    for (int i = 0; i < num; i++) {
        if (list[i].rows == 0)
            continue;
        const uint64_t bytes = tensor_size(list[i].type, list[i].stride);
        const uint64_t room = op->info->max_range - binding_align(op);
        const uint64_t fit = list[i].rows == 1 ? UINT32_MAX : room / bytes;
        rows = fit < rows ? fit : rows;
    }
    return rows > 0 ? (uint32_t) rows : 1;
}
