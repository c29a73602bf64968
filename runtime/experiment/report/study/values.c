// Values of a study: numbers of summaries, settings of experiments, and their names; see study.h.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/report/chart/chart.h"
#include "experiment/report/study/study.h"

const char *const study_stage_names[STUDY_STAGES] = {"before", "fresh", "retained"};

double study_number(const cJSON *value)
{
    return cJSON_IsNumber(value) ? value->valuedouble : NAN;
}

const char *study_text(const cJSON *object, const char *key, const char *otherwise)
{
    const char *text = cJSON_GetStringValue(json_get(object, key));
    return text ? text : otherwise;
}

struct study_value study_read_value(const cJSON *metrics, const char *name)
{
    const cJSON *m = json_get(metrics, name);
    const cJSON *interval = json_get(m, "ci95");
    const double n = study_number(json_get(m, "n"));
    return (struct study_value) {
        .mean = study_number(json_get(m, "mean")),
        .low = study_number(cJSON_GetArrayItem(interval, 0)),
        .high = study_number(cJSON_GetArrayItem(interval, 1)),
        .sd = study_number(json_get(m, "sd")),
        .n = n >= 0 && n <= 1e9 ? (int) n : 0,
    };
}

const cJSON *study_metrics_of(const struct study_point *p, enum study_stage stage)
{
    const cJSON *root = p->summary.root;
    if (stage == STUDY_BEFORE)
        return json_get(root, "before");
    return stage == STUDY_FRESH ? json_get(root, "metrics")
                                : json_get(json_get(root, "retained"), "metrics");
}

bool study_has_stage(const struct study *s, enum study_stage stage)
{
    for (int i = 0; i < s->num_points; i++)
        if (study_metrics_of(&s->points[i], stage))
            return true;
    return false;
}

const cJSON *study_at_path(struct arena *a, const cJSON *root, const char *path)
{
    char *save = NULL;
    for (char *part = strtok_r(arena_copy(a, path), ".", &save); part && root;
         part = strtok_r(NULL, ".", &save))
        root = json_get(root, part);
    return root;
}

static char *list_text(struct arena *a, const cJSON *list)
{
    char *text = arena_copy(a, "");
    for (const cJSON *x = list->child; x; x = x->next)
        text = arena_print(a, "%s%s%s", text, *text ? ", " : "", study_value_text(a, x));
    return text;
}

char *study_value_text(struct arena *a, const cJSON *value)
{
    if (!value || cJSON_IsNull(value))
        return arena_copy(a, "none");
    if (cJSON_IsNumber(value))
        return chart_number(a, value->valuedouble);
    if (cJSON_IsString(value))
        return arena_copy(a, value->valuestring);
    if (cJSON_IsBool(value))
        return arena_copy(a, cJSON_IsTrue(value) ? "yes" : "no");
    if (cJSON_IsArray(value))
        return list_text(a, value);
    const char *name = study_text(value, "name", NULL);
    if (name)
        return arena_copy(a, name);
    return json_print_line(a, value);
}

const char *study_path_title(struct arena *a, const char *path, const char **unit)
{
    static const struct {
        const char *path, *title, *unit;
    } known[] = {
        {"algorithm.layers", "edited layer", "index from 0"},
        {"algorithm.lambda", "λ", "weight of the second moment"},
        {"algorithm.w", "w", "weight of the second moment"},
        {"algorithm.alpha", "α", ""},
        {"algorithm.name", "algorithm", ""},
        {"run.batch_size", "batch size", "facts"},
        {"run.mode", "mode", ""},
        {"data.count", "facts", "number"},
        {"covariance.tokens", "tokens of the second moment", "number"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i].path, path) == 0) {
            *unit = known[i].unit;
            return known[i].title;
        }
    *unit = "";
    const char *leaf = strrchr(path, '.');
    char *title = arena_copy(a, leaf ? leaf + 1 : path);
    for (char *c = title; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return title;
}
