// Context templates made, read and saved; see templates.h.

#include "experiment/templates.h"

#include <string.h>

#include "base/json.h"

static enum em_status take_set(struct experiment *e, const struct json *file, const char *set)
{
    const cJSON *list;
    EM_TRY(json_need(file, file->root, set, &list));
    EM_TRY(json_get_list(file, file->root, set, &list));
    const int num = cJSON_GetArraySize(list);
    const char **texts = arena_array(e->arena, const char *, (size_t) num + 1);
    int i = 0;
    for (const cJSON *t = list->child; t; t = t->next, i++) {
        const char *at = cJSON_IsString(t) ? strstr(t->valuestring, "{}") : NULL;
        if (!at || strstr(at + 2, "{}"))
            return json_fail(file, t, NULL, "a template is a text with one {}");
        texts[i] = t->valuestring;
    }
    if (!num || strcmp(texts[0], "{}") != 0)
        return json_fail(file, list, NULL, "a set's first template is \"{}\"");
    return session_templates_set(e->session, set, texts, num);
}

static enum em_status read_sets(struct experiment *e, const char *const *sets)
{
    struct json file;
    EM_TRY(json_read(e->log, e->arena, e->spec.templates.path, &file));
    enum em_status status = EM_OK;
    for (; *sets && status == EM_OK; sets++)
        status = take_set(e, &file, *sets);
    json_close(&file);
    return status;
}

enum em_status templates_make(struct experiment *e)
{
    const char *const *sets = e->spec.algorithm->contexts;
    if (!sets)
        return EM_OK;
    if (e->spec.templates.path)
        return read_sets(e, sets);
    for (; *sets; sets++)
        EM_TRY(session_templates_generate(e->session, *sets));
    return EM_OK;
}

enum em_status templates_save(const struct experiment *e)
{
    cJSON *json = cJSON_CreateObject();
    for (const char *const *set = e->spec.algorithm->contexts; set && *set; set++) {
        int num;
        const char *const *texts = em_contexts(e->session, *set, &num);
        cJSON_AddItemToObject(json, *set, cJSON_CreateStringArray(texts, num));
    }
    const enum em_status status = folder_write_json(&e->folder, "templates.json", json);
    cJSON_Delete(json);
    return status;
}
