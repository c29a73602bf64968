// A run's edits gathered matrix by matrix, checked against its model, and written; see export.h.

#include "experiment/export/export.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file/part.h"
#include "experiment/export/parts.h"
#include "experiment/read/spec_tables.h"

// --- the run

static const char *run_text(const struct export *e, const char *section, const char *member)
{
    const char *text =
        cJSON_GetStringValue(json_get(json_get(e->experiment.root, section), member));
    return text ? text : "";
}

static bool keeps_edits(const struct export *e)
{
    return spec_mode_keeps_edits(run_text(e, "run", "mode"));
}

static enum em_status check_run(const struct export *e)
{
    const char *run = e->params->run;
    if (!file_is_folder(run))
        return log_fail(e->log, EM_ERR_CONFIG,
                        "%s: there is no such folder; a run folder is needed, such as "
                        "runs/quickstart",
                        run);
    if (file_exists(path_join(e->arena, run, "sweep.json")))
        return log_fail(e->log, EM_ERR_CONFIG,
                        "%s: is the folder of a sweep; name the run of one of its points, which "
                        "are the folders in it",
                        run);
    if (!file_exists(path_join(e->arena, run, "experiment.json")))
        return log_fail(e->log, EM_ERR_CONFIG, "%s: has no experiment.json: it is no run folder",
                        run);
    if (!file_exists(path_join(e->arena, run, "summary.json")))
        return log_fail(e->log, EM_ERR_CONFIG,
                        "%s: this run is not finished; `emend run` goes on with it", run);
    return EM_OK;
}

// Which batches, and of how many facts.
static enum em_status choose_batches(struct export *e)
{
    struct json summary;
    const int batch = e->params->batch;
    int facts = 0, size = 0;
    EM_TRY(
        json_read(e->log, e->arena, path_join(e->arena, e->params->run, "summary.json"), &summary));
    enum em_status status = json_get_int(&summary, summary.root, "facts", 1, INT32_MAX, &facts);
    if (status == EM_OK)
        status = json_get_int(&e->experiment, json_get(e->experiment.root, "run"), "batch_size", 1,
                              INT32_MAX, &size);
    json_close(&summary);
    EM_TRY(status);
    if (!facts || !size)
        return log_fail(e->log, EM_ERR_CONFIG,
                        "%s: summary.json or experiment.json does not say how many facts there "
                        "were, and in batches of how many",
                        e->params->run);
    const int num = (facts - 1) / size + 1;
    if (batch > num)
        return log_fail(e->log, EM_ERR_CONFIG, "--batch %d: %s has %d batches", batch,
                        e->params->run, num);
    if (!batch && num > 1 && !keeps_edits(e))
        return log_fail(e->log, EM_ERR_CONFIG,
                        "%s: ran in mode \"%s\", which takes each batch's edits back before the "
                        "next; --batch N exports those of one of its %d batches",
                        e->params->run, run_text(e, "run", "mode"), num);
    if (batch > 1 && keeps_edits(e) && e->params->format == EXPORT_HF)
        return log_fail(e->log, EM_ERR_CONFIG,
                        "--batch %d: was edited on top of the batches before it, so that there is "
                        "no model with it alone; leave --batch out, or take --format delta",
                        batch);
    e->first = batch ? batch - 1 : 0;
    e->last = batch ? batch - 1 : num - 1;
    const int end = (e->last + 1) * size;
    e->num_facts = (end < facts ? end : facts) - e->first * size;
    return EM_OK;
}

// --- the model

static enum em_status open_model(struct export *e)
{
    const struct export_params *p = e->params;
    const char *model =
        p->model ? p->model : cJSON_GetStringValue(json_get(e->experiment.root, "model"));
    if (!model)
        return json_fail(&e->experiment, e->experiment.root, "model", "is missing");
    e->model_path = model;
    if (!file_exists(model) && strchr(model, '/'))
        return log_fail(e->log, EM_ERR_CONFIG,
                        "%s: the run's model is no longer there; --model says where it is now",
                        model);
    if (!file_exists(model))
        EM_TRY(p->fetch(p->fetch_user, model, e->arena, &e->model_path));
    e->model = model_files_open(e->log, e->model_path);
    if (!e->model)
        return log_status(e->log);
    return model_files_hash(e->model, p->cache, e->base);
}

// --- the changes

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

static enum em_status fail_base(const struct export *e, const char *path)
{
    return log_fail(e->log, EM_ERR_CONFIG,
                    "%s: was not made on %s: the run's model had other weights; --model says where "
                    "that one is",
                    path, e->model_path);
}

static enum em_status read_changes(struct export *e)
{
    const bool alone = e->params->batch && keeps_edits(e); // its model was edited before
    const char *state = e->base;
    for (int i = e->first; i <= e->last; i++) {
        struct session_edits_file file;
        const char *path = arena_print(e->arena, "%s/edits/%06d.safetensors", e->params->run, i);
        EM_TRY(session_edits_read(e->log, e->arena, e->model, path, &file));
        if (!alone && strcmp(file.before, state) != 0)
            return i == e->first ? fail_base(e, path)
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

// A batch of a sequence says what state it was made on, not what model.
static enum em_status check_base(const struct export *e)
{
    struct json identity;
    EM_TRY(json_read(e->log, e->arena, path_join(e->arena, e->params->run, "identity.json"),
                     &identity));
    const char *model = cJSON_GetStringValue(json_get(identity.root, "model"));
    const bool same = model && strcmp(model, e->base) == 0;
    json_close(&identity);
    return same ? EM_OK : fail_base(e, e->params->run);
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
    cJSON_AddStringToObject(json, "algorithm", run_text(e, "algorithm", "name"));
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

// --- the folder

static enum em_status check_out(const struct export *e)
{
    const char *out = e->params->out;
    if (!file_exists(out))
        return EM_OK;
    DIR *dir = opendir(out);
    if (!dir)
        return log_fail(e->log, EM_ERR_CONFIG, "--out %s: is not a folder", out);
    int num = 0;
    while (readdir(dir))
        num++;
    closedir(dir);
    if (num <= 2) // itself and the one above
        return EM_OK;
    return log_fail(e->log, EM_ERR_CONFIG,
                    "--out %s: is not empty; name a folder that is not there yet", out);
}

static enum em_status write_all(struct export *e)
{
    char *out = arena_copy(e->arena, e->params->out);
    for (size_t i = strlen(out); i > 1 && out[i - 1] == '/'; i--)
        out[i - 1] = 0;
    EM_TRY(folder_make(e->log, path_folder(e->arena, out)));
    part_sweep(out);
    e->folder = arena_print(e->arena, "%s" PART_MARK "%ld", out, (long) getpid());
    EM_TRY(folder_make(e->log, e->folder));
    enum em_status status =
        e->params->format == EXPORT_DELTA ? export_write_delta(e) : export_write_folder(e);
    if (status == EM_OK && rename(e->folder, out) != 0)
        status = log_fail(e->log, EM_ERR_IO, "%s: cannot be renamed to %s: %s", e->folder, out,
                          strerror(errno));
    if (status != EM_OK)
        folder_remove(e->folder);
    return status;
}

static enum em_status export_run(struct export *e)
{
    EM_TRY(choose_batches(e));
    EM_TRY(check_out(e));
    EM_TRY(open_model(e));
    EM_TRY(check_base(e));
    EM_TRY(read_changes(e));
    e->matrices = arena_array(e->arena, struct export_matrix, e->changes.num);
    for (size_t i = 0; i < e->changes.num; i++) {
        const struct export_change *c = &e->changes.items[i];
        e->matrices[i] = (struct export_matrix) {.name = c->name, .rank = c->whole ? 0 : c->rank};
    }
    return write_all(e);
}

enum em_status experiment_export(const struct export_params *params, struct export_result *out)
{
    struct export e = {.params = params, .log = params->log, .arena = params->arena};
    EM_TRY(check_run(&e));
    EM_TRY(json_read(e.log, e.arena, path_join(e.arena, params->run, "experiment.json"),
                     &e.experiment));
    const enum em_status status = export_run(&e);
    *out = (struct export_result) {
        .path = params->format == EXPORT_DELTA
                    ? path_join(e.arena, params->out, "delta.safetensors")
                    : params->out,
        .matrices = e.matrices,
        .num_matrices = (int) e.changes.num,
        .num_batches = e.last - e.first + 1,
        .num_facts = e.num_facts,
        .base = arena_copy(e.arena, e.base),
    };
    json_close(&e.experiment);
    model_files_close(&e.model);
    return status;
}
