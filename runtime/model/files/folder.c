// A Hugging Face folder: config.json, and safetensors in one file or in the shards that
// model.safetensors.index.json lists.

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/escape.h"
#include "base/text/json.h"
#include "base/text/read.h"
#include "base/text/words.h"
#include "model/hub.h"
#include "model/files/parts.h"

// A .gguf file in the folder; NULL: there is none.
static const char *find_gguf(struct model_files *m)
{
    DIR *dir = opendir(m->path);
    const char *found = NULL;
    for (const struct dirent *e; dir && !found && (e = readdir(dir));)
        if (text_ends_with(e->d_name, ".gguf"))
            found = path_join(m->a, m->path, e->d_name);
    if (dir)
        closedir(dir);
    return found;
}

static enum em_status fail_config(struct model_files *m)
{
    const char *name = hub_name(m->a, m->path), *gguf = find_gguf(m);
    if (gguf)
        return log_fail(m->log, EM_ERR_CONFIG, "%s: has no config.json; give the GGUF file, %s",
                        m->path, gguf);
    if (name && file_is_folder(path_join(m->a, m->path, "snapshots")))
        return log_fail(m->log, EM_ERR_CONFIG,
                        "%s: has no config.json; in the cache of Hugging Face's tools this is "
                        "\"%s\": give that name, or a folder of its snapshots",
                        m->path, name);
    if (file_exists(path_join(m->a, m->path, "adapter_config.json")))
        return log_fail(m->log, EM_ERR_CONFIG,
                        "%s: is an adapter, not a model; merge it into its model and save that "
                        "(PEFT's merge_and_unload)",
                        m->path);
    return log_fail(m->log, EM_ERR_CONFIG,
                    "%s: has no config.json; a Hugging Face folder or a GGUF file is needed",
                    m->path);
}

static enum em_status read_config(struct model_files *m)
{
    const char *path = path_join(m->a, m->path, "config.json");
    if (!file_exists(path))
        return fail_config(m);
    char *text;
    EM_TRY(text_read(m->log, m->a, path, &text));
    return config_from_json(m->log, path, text, &m->config);
}

static int compare_text(const void *l, const void *r)
{
    return strcmp(*(const char *const *) l, *(const char *const *) r);
}

// The distinct file names of weight_map, sorted, as paths.
static enum em_status list_shards(struct model_files *m, const struct json *index)
{
    const cJSON *map, *entry;
    EM_TRY(json_get_object(index, index->root, "weight_map", &map));
    const int num = map ? cJSON_GetArraySize(map) : 0;
    if (!num)
        return json_fail(index, index->root, "weight_map", "is missing or empty");
    const char **names = arena_array(m->a, const char *, (size_t) num);
    int at = 0;
    cJSON_ArrayForEach(entry, map)
    {
        if (!cJSON_IsString(entry))
            return json_fail(index, entry, NULL, "is %s; a file name is needed",
                             json_type_name(entry));
        if (!entry->valuestring[0] || entry->valuestring[0] == '.' ||
            strchr(entry->valuestring, '/'))
            return json_fail(index, entry, NULL, "\"%s\" is not the name of a file beside it",
                             escape_shown(m->a, entry->valuestring, 80));
        names[at++] = entry->valuestring;
    }
    qsort(names, (size_t) num, sizeof(*names), compare_text);
    m->weight_files = arena_array(m->a, const char *, (size_t) num);
    for (int i = 0; i < num; i++)
        if (!i || strcmp(names[i], names[i - 1]) != 0)
            m->weight_files[m->num_weight_files++] = path_join(m->a, m->path, names[i]);
    return EM_OK;
}

static enum em_status find_weight_files(struct model_files *m)
{
    const char *single = path_join(m->a, m->path, "model.safetensors");
    if (file_exists(single)) {
        m->weight_files = arena_new(m->a, const char *);
        m->weight_files[m->num_weight_files++] = single;
        return EM_OK;
    }
    const char *index_path = path_join(m->a, m->path, "model.safetensors.index.json");
    if (!file_exists(index_path))
        return log_fail(m->log, EM_ERR_CONFIG,
                        "%s: has neither model.safetensors nor model.safetensors.index.json; other "
                        "forms of weights (pytorch_model.bin) are not read",
                        m->path);
    struct json index;
    EM_TRY(json_read(m->log, m->a, index_path, &index));
    const enum em_status status = list_shards(m, &index);
    json_close(&index);
    return status;
}

static enum em_status place_tensor(struct model_files *m, const char *path,
                                   const struct st_tensor *from)
{
    struct file_tensor t = {.name = from->name, .rows = 1, .data = from->data, .size = from->size};
    if (from->num_dims < 1 || from->num_dims > 2)
        return log_fail(m->log, EM_ERR_UNSUPPORTED,
                        "%s: tensor \"%s\" has %d dimensions; 1 or 2 are supported", path,
                        from->name, from->num_dims);
    for (int i = 0; i < from->num_dims; i++)
        if (from->dims[i] > UINT32_MAX)
            return log_fail(m->log, EM_ERR_CONFIG, "%s: tensor \"%s\": a dimension is %llu", path,
                            from->name, (unsigned long long) from->dims[i]);
    t.cols = (uint32_t) from->dims[from->num_dims - 1];
    if (from->num_dims == 2)
        t.rows = (uint32_t) from->dims[0];
    switch (from->type) {
    case ST_F32:
        t.type = FILE_F32;
        break;
    case ST_F16:
        t.type = FILE_F16;
        break;
    case ST_BF16:
        t.type = FILE_BF16;
        break;
    default:
        return log_fail(m->log, EM_ERR_UNSUPPORTED,
                        "%s: tensor \"%s\" is of type %s; F32, F16 and BF16 are supported", path,
                        from->name, from->type_name);
    }
    return files_place(m, path, t);
}

enum em_status files_read_folder(struct model_files *m)
{
    EM_TRY(read_config(m));
    EM_TRY(find_weight_files(m));
    files_make_slots(m);
    m->shards = arena_array(m->a, struct st_file, (size_t) m->num_weight_files);
    for (int i = 0; i < m->num_weight_files; i++) {
        const char *path = m->weight_files[i];
        EM_TRY(st_open(m->log, m->a, path, &m->shards[i]));
        for (int j = 0; j < m->shards[i].num; j++)
            EM_TRY(place_tensor(m, path, &m->shards[i].tensors[j]));
    }
    return files_check_slots(m);
}
