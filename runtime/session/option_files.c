// Files that a plugin's options name: texts, NumPy arrays of one row, JSON objects of numbers. See
// <emend/session.h>.

#include "session/internal.h"

#include <string.h>

#include "base/text/json.h"
#include "base/text/read.h"
#include "model/npz.h"

enum em_status em_read_text(struct em_session *s, const char *path, char **text)
{
    return text_read_utf8(s->log, s->call, path, text);
}

// --- NumPy arrays

static enum em_status fail_array(struct em_session *s, const char *what)
{
    return em_fail(s, EM_ERR_CONFIG, "%s; an .npy file of one row of float64 or float32 is needed",
                   what);
}

static enum em_status open_array(struct em_session *s, const char *path, struct npz_file *f,
                                 struct npz_array *x)
{
    struct log *quiet = log_create(NULL, LOG_QUIET);
    enum em_status status = npy_open(quiet, s->call, path, f, x);
    if (status == EM_ERR_CONFIG)
        fail_array(s, log_error(quiet));
    else if (status != EM_OK)
        em_fail(s, status, "%s", log_error(quiet));
    log_destroy(&quiet);
    return status;
}

static enum em_status take_row(struct em_session *s, const char *path, const struct npz_array *x,
                               const double **values, size_t *num)
{
    if (x->kind != 'f' || x->width < 4)
        return fail_array(
            s, arena_print(s->call, "%s: does not hold float64 or float32 numbers", path));
    if (x->num_dims != 1 || x->num == 0)
        return fail_array(s, arena_print(s->call, "%s: its shape is not (N,)", path));
    double *out = em_doubles(s, x->num);
    npz_values(x, out);
    *values = out;
    *num = x->num;
    return EM_OK;
}

enum em_status em_read_array(struct em_session *s, const char *path, const double **values,
                             size_t *num)
{
    struct npz_file f;
    struct npz_array x;
    EM_TRY(open_array(s, path, &f, &x));
    const enum em_status status = take_row(s, path, &x, values, num);
    npz_close(&f);
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
