// Weights that are no numbers: NaN and infinity, of which one makes every answer of the model NaN.

#include <string.h>

#include "model/files/parts.h"

enum { AT_ONCE = 1 << 16 }; // values

// The place of the first value that is not finite, or `num`. Without a branch until one is met.
static size_t find_bad(const float *x, size_t num)
{
    const uint32_t infinity = 0x7f800000;
    uint32_t most = 0;
    for (size_t i = 0; i < num; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof(bits));
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    size_t at = most < infinity ? num : 0;
    while (at < num && x[at] - x[at] == 0)
        at++;
    return at;
}

static enum em_status check_tensor(const struct model_files *m, const struct file_tensor *t,
                                   float *rows)
{
    const uint32_t step = t->cols < AT_ONCE ? AT_ONCE / t->cols : 1;
    for (uint32_t first = 0; first < t->rows; first += step) {
        const uint32_t num = t->rows - first < step ? t->rows - first : step;
        const size_t values = (size_t) num * t->cols;
        file_tensor_rows_f32(t, first, num, rows);
        const size_t at = find_bad(rows, values);
        if (at < values)
            return log_fail(m->log, EM_ERR_CONFIG,
                            "%s: the tensor %s holds %s in row %u, column %u: the file is damaged, "
                            "or its training diverged; fetch it again, or take another",
                            m->path, t->name, rows[at] != rows[at] ? "NaN" : "infinity",
                            first + (uint32_t) (at / t->cols), (uint32_t) (at % t->cols));
    }
    return EM_OK;
}

enum em_status files_check_finite(const struct model_files *m)
{
    size_t most = AT_ONCE;
    for (int i = 0; i < m->num_tensors; i++)
        most = m->tensors[i].cols > most ? m->tensors[i].cols : most;
    struct arena *a = arena_create();
    float *rows = arena_array(a, float, most);
    enum em_status status = EM_OK;
    for (int i = 0; i < m->num_tensors && status == EM_OK; i++)
        status = check_tensor(m, &m->tensors[i], rows);
    arena_destroy(&a);
    return status;
}
