// The margins of a run's rewrite prompts, from its cases.jsonl; see struct study_margins.

#include <math.h>
#include <string.h>

#include "base/file/file.h"
#include "experiment/report/study/study.h"

static int count_lines(const struct file_map *map)
{
    int num = 0;
    for (size_t i = 0; i < map->size; i++)
        num += map->data[i] == '\n';
    return num;
}

static double margin_of(const cJSON *replies)
{
    const cJSON *first = cJSON_GetArrayItem(json_get(replies, "rewrite_prompts_probs"), 0);
    return study_number(json_get(first, "target_true")) -
           study_number(json_get(first, "target_new"));
}

// A batch's norms stand in the line of its first case, in the order of its facts.
static void take_norms(struct study_margins *m, int first, const cJSON *line)
{
    const cJSON *list = json_get(json_get(line, "series"), "z_norm");
    int i = first;
    for (const cJSON *x = list ? list->child : NULL; x && i < m->num; x = x->next)
        m->norms[i++] = study_number(x);
}

static enum em_status take_line(struct study *s, const char *path, const char *text, size_t length,
                                struct study_margins *m, int i)
{
    cJSON *line = cJSON_ParseWithLength(text, length);
    if (!line)
        return log_fail(s->log, EM_ERR_CONFIG, "%s:%d: this is not valid JSON", path, i + 1);
    m->before[i] = margin_of(json_get(line, "pre"));
    m->after[i] = margin_of(json_get(line, "post"));
    m->names[i] =
        arena_copy(s->arena, study_text(json_get(line, "requested_rewrite"), "subject", "a fact"));
    take_norms(m, i, line);
    cJSON_Delete(line);
    return EM_OK;
}

static enum em_status read_margins(struct study *s, const char *path, struct study_margins *m)
{
    struct file_map map;
    EM_TRY(file_map(s->log, path, &map));
    m->num = count_lines(&map);
    m->names = arena_array(s->arena, const char *, m->num + 1);
    double **lists[] = {&m->before, &m->after, &m->norms};
    for (int k = 0; k < 3; k++) {
        *lists[k] = arena_array(s->arena, double, m->num + 1);
        for (int i = 0; i < m->num; i++)
            (*lists[k])[i] = NAN;
    }
    enum em_status status = EM_OK;
    const char *at = (const char *) map.data;
    for (int i = 0; i < m->num && status == EM_OK; i++) {
        const char *end = memchr(at, '\n', map.size - (size_t) (at - (const char *) map.data));
        status = take_line(s, path, at, (size_t) (end - at), m, i);
        at = end + 1;
    }
    file_unmap(&map);
    return status;
}

enum em_status study_read_margins(struct study *s)
{
    for (int i = 0; i < s->num_points; i++) {
        const char *path = path_join(s->arena, s->points[i].folder, "cases.jsonl");
        if (file_exists(path))
            EM_TRY(read_margins(s, path, &s->points[i].margins));
    }
    return EM_OK;
}
