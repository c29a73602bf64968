// Changes of a model saved and made again, to the bit; see session.h.

#include <stdlib.h>
#include <string.h>

#include "base/text/json.h"
#include "model/safetensors.h"
#include "session/edit/edit.h"

static const char *const matrix_names[EM_MATRIX_COUNT] = {
    [EM_MATRIX_Q] = "q",       [EM_MATRIX_K] = "k",       [EM_MATRIX_V] = "v",
    [EM_MATRIX_O] = "o",       [EM_MATRIX_GATE] = "gate", [EM_MATRIX_UP] = "up",
    [EM_MATRIX_DOWN] = "down",
};

struct tensors {
    struct st_tensor *items;
    size_t num, cap;
};

// --- written

static void add_tensor(struct arena *a, struct tensors *to, const char *name, const float *data,
                       int rows, int cols)
{
    *arena_push(a, to) = (struct st_tensor) {.name = name,
                                             .type = ST_F32,
                                             .num_dims = 2,
                                             .dims = {(uint64_t) rows, (uint64_t) cols},
                                             .data = (const uint8_t *) data};
}

static void add_change(struct arena *a, struct tensors *to, int number,
                       const struct session_edit *e)
{
    const char *matrix = arena_print(a, "%d.%s.%d", number, matrix_names[e->matrix], e->layer);
    switch (e->kind) {
    case SESSION_ADD:
        add_tensor(a, to, arena_print(a, "%s.left", matrix), e->left, e->n, e->rows);
        add_tensor(a, to, arena_print(a, "%s.right", matrix), e->right, e->n, e->cols);
        break;
    case SESSION_WRITE:
        add_tensor(a, to, arena_print(a, "%s.weight", matrix), e->right, e->n, e->cols);
        break;
    case SESSION_KEEP:
        add_tensor(a, to, arena_print(a, "%d.kept.%s", number, e->name), e->right, e->n, e->cols);
        break;
    }
}

enum em_status session_edits_save(struct em_session *s, const char *path, int since)
{
    struct arena *a = arena_create();
    struct tensors tensors = {0};
    const char *before = s->model_hash;
    int number = 0;
    for (const struct edit *e = s->edits; e; e = e->next, number++)
        if (number < since)
            before = e->state;
        else
            add_change(a, &tensors, number - since, &e->e);
    const char *metadata =
        arena_print(a, "{\"before\":\"%s\",\"after\":\"%s\"}", before, s->state_hash);
    const enum em_status status =
        st_write(s->log, path, tensors.items, (int) tensors.num, metadata);
    arena_destroy(&a);
    return status;
}

// --- read

struct changes {
    struct log *log;
    struct arena *arena;
    const struct model_files *model;
    const char *path;
    struct st_file file;
    struct {
        struct session_edit *items;
        size_t num, cap;
    } list;
};

static enum em_status fail_tensor(const struct changes *c, const struct st_tensor *t)
{
    return log_fail(c->log, EM_ERR_CONFIG, "%s: \"%s\" is no change of this model", c->path,
                    t->name);
}

static bool is_rows(const struct st_tensor *t, int n)
{
    return t && t->type == ST_F32 && t->num_dims == 2 && t->dims[0] <= INT32_MAX &&
           t->dims[1] <= INT32_MAX && (n < 0 || t->dims[0] == (uint64_t) n);
}

static const float *floats_of(struct arena *a, const struct st_tensor *t)
{
    return arena_copy_bytes(a, t->data, t->size); // aligned, unlike the file's
}

// "down.5.left" of the model: the matrix, the layer, and what follows them.
static const char *read_place(const struct model_files *model, const char *name,
                              struct session_edit *out)
{
    for (int m = 0; m < EM_MATRIX_COUNT; m++) {
        const size_t n = strlen(matrix_names[m]);
        char *end;
        if (strncmp(name, matrix_names[m], n) != 0 || name[n] != '.')
            continue;
        const long layer = strtol(name + n + 1, &end, 10);
        out->matrix = (enum em_matrix) m;
        out->layer = (int) layer;
        return layer >= 0 && layer < model_files_config(model)->layers && *end == '.' ? end + 1
                                                                                      : NULL;
    }
    return NULL;
}

// The names that the change would be written under are those that it was read under.
static bool is_named_so(struct changes *c, const struct st_tensor *t, const struct session_edit *e)
{
    struct tensors own = {0};
    add_change(c->arena, &own, (int) c->list.num, e);
    for (size_t i = 0; i < own.num; i++)
        if (strcmp(own.items[i].name, t[i].name) != 0)
            return false;
    return true;
}

// The change that begins with tensor *at, which goes on behind it.
static enum em_status read_change(struct changes *c, int *at)
{
    const struct st_tensor *t = &c->file.tensors[(*at)++], *right = t;
    struct session_edit e = {0};
    const char *name = strchr(t->name, '.');
    if (!name || !is_rows(t, -1))
        return fail_tensor(c, t);
    name++;
    if (strncmp(name, "kept.", 5) == 0) {
        e.kind = SESSION_KEEP;
        e.name = name + 5;
    } else {
        const char *part = read_place(c->model, name, &e);
        if (!part || (strcmp(part, "left") != 0 && strcmp(part, "weight") != 0))
            return fail_tensor(c, t);
        const struct file_tensor *w = model_files_matrix(c->model, e.layer, e.matrix);
        e.kind = strcmp(part, "left") == 0 ? SESSION_ADD : SESSION_WRITE;
        if (e.kind == SESSION_ADD) {
            right = *at < c->file.num ? &c->file.tensors[(*at)++] : NULL;
            e.rows = (int) w->rows;
            e.left = floats_of(c->arena, t);
        }
        const int n = e.kind == SESSION_ADD ? (int) t->dims[0] : (int) w->rows;
        if (!is_rows(right, n) || right->dims[1] != w->cols ||
            (e.kind == SESSION_ADD && t->dims[1] != w->rows))
            return fail_tensor(c, t);
    }
    e.n = (int) right->dims[0];
    e.cols = (int) right->dims[1];
    e.right = floats_of(c->arena, right);
    if (!is_named_so(c, t, &e))
        return fail_tensor(c, t);
    *arena_push(c->arena, &c->list) = e;
    return EM_OK;
}

// The chain of hashes over the changes leads from the state before to the one that was saved.
static enum em_status check_chain(struct changes *c, struct session_edits_file *out)
{
    struct json metadata;
    EM_TRY(json_parse(c->log, c->path, 1, c->file.metadata ? c->file.metadata : "{}", &metadata));
    const char *before = cJSON_GetStringValue(json_get(metadata.root, "before"));
    const char *after = cJSON_GetStringValue(json_get(metadata.root, "after"));
    enum em_status status = EM_OK;
    if (before && strlen(before) == HASH_SIZE - 1) {
        memcpy(out->before, before, HASH_SIZE);
        memcpy(out->after, before, HASH_SIZE);
    }
    for (size_t i = 0; i < c->list.num; i++)
        edit_hash(&c->list.items[i], out->after);
    if (!after || strcmp(after, out->after) != 0)
        status = log_fail(c->log, EM_ERR_CONFIG, "%s: is damaged: its changes have another hash",
                          c->path);
    json_close(&metadata);
    return status;
}

static enum em_status read_changes(struct changes *c, struct session_edits_file *out)
{
    EM_TRY(st_open(c->log, c->arena, c->path, &c->file));
    enum em_status status = EM_OK;
    for (int at = 0; at < c->file.num && status == EM_OK;)
        status = read_change(c, &at);
    if (status == EM_OK)
        status = check_chain(c, out);
    st_close(&c->file);
    out->changes = c->list.items;
    out->num = (int) c->list.num;
    return status;
}

enum em_status session_edits_read(struct log *log, struct arena *a, const struct model_files *model,
                                  const char *path, struct session_edits_file *out)
{
    *out = (struct session_edits_file) {0};
    return read_changes(&(struct changes) {.log = log, .arena = a, .model = model, .path = path},
                        out);
}

// The same of changes that were made on the session's state as it is.
static enum em_status read_own(const struct em_session *s, struct log *log, struct arena *a,
                               const char *path, struct session_edits_file *out)
{
    EM_TRY(session_edits_read(log, a, s->files, path, out));
    if (strcmp(out->before, s->state_hash) == 0)
        return EM_OK;
    return log_fail(log, EM_ERR_CONFIG, "%s: its changes were made on another state of the model",
                    path);
}

static enum em_status make_change(struct em_session *s, const struct session_edit *e)
{
    switch (e->kind) {
    case SESSION_ADD:
        return em_weight_add(s, e->matrix, e->layer, e->left, e->right, e->n);
    case SESSION_WRITE:
        return em_weight_write(s, e->matrix, e->layer, e->right);
    case SESSION_KEEP:
        break;
    }
    return em_keep(s, e->name, e->right, e->n, e->cols);
}

enum em_status session_edits_load(struct em_session *s, const char *path)
{
    struct arena *a = arena_create();
    struct session_edits_file file;
    enum em_status status = read_own(s, s->log, a, path, &file);
    for (int i = 0; i < file.num && status == EM_OK; i++)
        status = make_change(s, &file.changes[i]);
    arena_destroy(&a);
    return status;
}

bool session_edits_fit(struct em_session *s, const char *path)
{
    struct log *silent = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    struct session_edits_file file;
    const bool fits = read_own(s, silent, a, path, &file) == EM_OK;
    arena_destroy(&a);
    log_destroy(&silent);
    return fits;
}
