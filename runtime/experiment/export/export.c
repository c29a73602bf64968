// A run's edits exported: what is asked for checked, and the folder made; see export.h.

#include "experiment/export/export.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file/part.h"
#include "experiment/export/parts.h"

// --- the run

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
        return log_fail(e->log, EM_ERR_CONFIG, "--batch %d: %s has %d batch%s", batch,
                        e->params->run, num, num == 1 ? "" : "es");
    if (!batch && num > 1 && !export_keeps_edits(e))
        return log_fail(e->log, EM_ERR_CONFIG,
                        "%s: ran in mode \"%s\", which takes each batch's edits back before the "
                        "next; --batch N exports those of one of its %d batches",
                        e->params->run, export_run_text(e, "run", "mode"), num);
    if (batch > 1 && export_keeps_edits(e) && e->params->format == EXPORT_HF)
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

// A batch of a sequence says what state it was made on, not what model.
static enum em_status check_base(const struct export *e)
{
    struct json identity;
    EM_TRY(json_read(e->log, e->arena, path_join(e->arena, e->params->run, "identity.json"),
                     &identity));
    const char *model = cJSON_GetStringValue(json_get(identity.root, "model"));
    const bool same = model && strcmp(model, e->base) == 0;
    json_close(&identity);
    return same ? EM_OK : export_fail_base(e, e->params->run);
}

// --- the folder

static enum em_status check_out(const struct export *e)
{
    const char *out = e->params->out;
    if (!file_exists(out))
        return EM_OK;
    DIR *dir = opendir(out);
    if (!dir)
        return log_fail(e->log, EM_ERR_CONFIG, "--out %s: cannot be listed: %s", out,
                        strerror(errno));
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
    EM_TRY(export_read_changes(e));
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
