// A run's edits gathered matrix by matrix and checked against its model; what the files that are
// written have in common.

#include <stdlib.h>
#include <string.h>

#include "experiment/export/parts.h"
#include "experiment/read/spec_tables.h"

const char *export_run_text(const struct export *e, const char *section, const char *member)
{
    const char *text =
        cJSON_GetStringValue(json_get(json_get(e->experiment.root, section), member));
    return text ? text : "";
}

bool export_keeps_edits(const struct export *e)
{
    return spec_mode_keeps_edits(export_run_text(e, "run", "mode"));
}

static struct export_change *change_of(struct export *e, const struct file_tensor *t)
{
    for (size_t i = 0; i < e->changes.num; i++)
        if (e->changes.items[i].tensor == t)
            return &e->changes.items[i];
    struct export_change *c = arena_push(e->arena, &e->changes);
    const int length = (int) (strlen(t->name) - strlen(".weight"));
    *c = (struct export_change) {.tensor = t,
                                 .name = arena_print(e->arena, "%.*s", length, t->name)};
    return c;
}

static void add_changes(struct export *e, const struct session_edits_file *file)
{
    for (int i = 0; i < file->num; i++) {
        const struct session_edit *edit = &file->changes[i];
        if (edit->kind == SESSION_KEEP) // of the algorithm, not of the model
            continue;
        struct export_change *c =
            change_of(e, model_files_matrix(e->model, edit->layer, edit->matrix));
        *arena_push(e->arena, &c->edits) = edit;
        c->rank += edit->kind == SESSION_ADD ? edit->n : 0;
        c->whole = c->whole || edit->kind == SESSION_WRITE;
    }
}

enum em_status export_fail_base(const struct export *e, const char *path)
{
    return log_fail(e->log, EM_ERR_CONFIG,
                    "%s: was not made on %s: the run's model had other weights; --model says where "
                    "that one is",
                    path, e->model_path);
}

enum em_status export_read_changes(struct export *e)
{
    const bool alone = e->params->batch && export_keeps_edits(e); // its model was edited before
    const char *state = e->base;
    for (int i = e->first; i <= e->last; i++) {
        struct session_edits_file file;
        const char *path = arena_print(e->arena, "%s/edits/%06d.safetensors", e->params->run, i);
        EM_TRY(session_edits_read(e->log, e->arena, e->model, path, &file));
        if (!alone && strcmp(file.before, state) != 0)
            return i == e->first ? export_fail_base(e, path)
                                 : log_fail(e->log, EM_ERR_CONFIG,
                                            "%s: does not go on from the batch before it; has the "
                                            "file been replaced?",
                                            path);
        add_changes(e, &file);
        state = e->state = arena_copy(e->arena, file.after);
    }
    if (e->changes.num)
        return EM_OK;
    return log_fail(e->log, EM_ERR_CONFIG, "%s: changed no matrix", e->params->run);
}

enum em_status export_matrix(const struct export *e, const struct export_change *c, float **out)
{
    const struct file_tensor *t = c->tensor;
    float *w = malloc((size_t) t->rows * t->cols * sizeof(*w));
    if (!w)
        return log_fail(e->log, EM_ERR_IO, "out of host memory for a matrix of %zu weights",
                        (size_t) t->rows * t->cols);
    file_tensor_rows_f32(t, 0, t->rows, w);
    for (size_t i = 0; i < c->edits.num; i++)
        session_edit_apply(c->edits.items[i], w);
    *out = w;
    return EM_OK;
}

const char *export_metadata(const struct export *e)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "made_by", "emend " EMEND_VERSION);
    cJSON_AddStringToObject(json, "run",
                            cJSON_GetStringValue(json_get(e->experiment.root, "name")));
    cJSON_AddStringToObject(json, "algorithm", export_run_text(e, "algorithm", "name"));
    cJSON_AddStringToObject(json, "facts", arena_print(e->arena, "%d", e->num_facts));
    cJSON_AddStringToObject(json, "batches",
                            arena_print(e->arena, "%d to %d", e->first + 1, e->last + 1));
    cJSON_AddStringToObject(json, "base", model_files_name(e->model));
    cJSON_AddStringToObject(json, "base_sha256", e->base);
    cJSON_AddStringToObject(json, "state", e->state);
    const char *text = json_print_line(e->arena, json);
    cJSON_Delete(json);
    return text;
}
