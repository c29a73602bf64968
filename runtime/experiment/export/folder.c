// The edited model as a Hugging Face folder: edited matrices in the place of the old ones, every
// other tensor as it is, and the files that are not weights copied.

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number/half.h"
#include "base/text/words.h"
#include "experiment/export/parts.h"
#include "model/safetensors.h"

// Weights in a type of 16 bits; the norm of what rounding took from them.
static double round_weights(const float *w, size_t num, enum st_type type, uint16_t *out)
{
    double lost = 0;
    for (size_t i = 0; i < num; i++) {
        out[i] = type == ST_BF16 ? bf16_of_float(w[i]) : f16_of_float(w[i]);
        const double is = type == ST_BF16 ? float_of_bf16(out[i]) : float_of_f16(out[i]);
        lost += (is - w[i]) * (is - w[i]);
    }
    return sqrt(lost);
}

static double norm_of_change(struct arena *a, const struct file_tensor *t, const float *w)
{
    double sum = 0;
    float *row = arena_array(a, float, t->cols);
    for (uint32_t r = 0; r < t->rows; r++) {
        file_tensor_rows_f32(t, r, 1, row);
        for (uint32_t i = 0; i < t->cols; i++) {
            const double moved = (double) w[(size_t) r * t->cols + i] - row[i];
            sum += moved * moved;
        }
    }
    return sqrt(sum);
}

// Puts change i into a tensor of the file; what it holds then is the caller's to free.
static enum em_status replace(const struct export *e, size_t i, struct st_tensor *t, void **held)
{
    const struct export_change *c = &e->changes.items[i];
    const size_t num = (size_t) c->tensor->rows * c->tensor->cols;
    struct export_matrix *m = &e->matrices[i];
    float *w;
    EM_TRY(export_matrix(e, c, &w));
    m->change = norm_of_change(e->arena, c->tensor, w);
    *held = w;
    if (!e->params->f32 && t->type != ST_F32) {
        uint16_t *rounded = malloc(num * sizeof(*rounded));
        if (rounded)
            m->rounding = round_weights(w, num, t->type, rounded);
        free(w);
        *held = rounded;
    }
    if (!*held)
        return log_fail(e->log, EM_ERR_IO, "out of host memory for a matrix of %zu weights", num);
    if (e->params->f32)
        t->type = ST_F32;
    t->data = *held;
    return EM_OK;
}

static enum em_status copy_file(const struct export *e, const char *from, const char *name)
{
    struct file_map map;
    EM_TRY(file_map(e->log, from, &map));
    const enum em_status status =
        file_write(e->log, path_join(e->arena, e->folder, name), map.data, map.size);
    file_unmap(&map);
    return status;
}

// A file of weights, with those that were edited replaced.
static enum em_status write_weights(const struct export *e, const char *path)
{
    struct st_file file;
    EM_TRY(st_open(e->log, e->arena, path, &file));
    void **held = arena_array(e->arena, void *, e->changes.num);
    enum em_status status = EM_OK;
    bool any = false;
    for (size_t i = 0; i < e->changes.num && status == EM_OK; i++)
        for (int t = 0; t < file.num && status == EM_OK; t++)
            if (strcmp(file.tensors[t].name, e->changes.items[i].tensor->name) == 0) {
                status = replace(e, i, &file.tensors[t], &held[i]);
                any = true;
            }
    const char *name = path_name(path);
    if (status == EM_OK && any)
        status = st_write(e->log, path_join(e->arena, e->folder, name), file.tensors, file.num,
                          file.metadata);
    else if (status == EM_OK)
        status = copy_file(e, path, name);
    for (size_t i = 0; i < e->changes.num; i++)
        free(held[i]);
    st_close(&file);
    return status;
}

// What belongs to a model beside its weights: configuration, tokenizer, licence.
static bool is_companion(const char *name)
{
    static const char *const endings[] = {".json", ".txt", ".model", ".jinja"};
    static const char *const beginnings[] = {"LICENSE", "NOTICE", "USE_POLICY"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
        if (text_ends_with(name, endings[i]))
            return name[0] != '.';
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static enum em_status fail_list(const struct export *e)
{
    return log_fail(e->log, EM_ERR_IO, "%s: cannot be listed: %s", e->model_path, strerror(errno));
}

static enum em_status copy_companions(const struct export *e)
{
    DIR *dir = opendir(e->model_path);
    enum em_status status = EM_OK;
    if (!dir)
        return fail_list(e);
    for (const struct dirent *d; status == EM_OK && (errno = 0, d = readdir(dir));) {
        const char *from = path_join(e->arena, e->model_path, d->d_name);
        if (is_companion(d->d_name) && !file_is_folder(from))
            status = copy_file(e, from, d->d_name);
    }
    if (status == EM_OK && errno) // not the end
        status = fail_list(e);
    closedir(dir);
    return status;
}

enum em_status export_write_folder(struct export *e)
{
    if (!file_is_folder(e->model_path))
        return log_fail(e->log, EM_ERR_CONFIG,
                        "%s: a Hugging Face folder is made from one, and the run's model is a GGUF "
                        "file; --format delta exports the change alone",
                        e->model_path);
    int num;
    const char *const *weights = model_files_weights(e->model, &num);
    EM_TRY(copy_companions(e));
    for (int i = 0; i < num; i++)
        EM_TRY(write_weights(e, weights[i]));
    const char *origin = export_metadata(e);
    return file_write(e->log, path_join(e->arena, e->folder, "emend.json"), origin, strlen(origin));
}
