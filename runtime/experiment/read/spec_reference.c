// The member "reference": figures that a paper reports, to be drawn beside those of a run. They are
// checked here, and make no other experiment.

#include <math.h>
#include <string.h>

#include "base/text/words.h"
#include "experiment/read/spec_parts.h"

const struct spec_member spec_reference_members[] = {
    {"label", "what the legend says, such as \"arXiv:2405.00664, figure 2\"",
     "{\"type\":\"string\",\"minLength\":1}"},
    {"where", "values that a point must have: {\"algorithm.name\": \"memit\"}",
     "{\"type\":\"object\"}"},
    {"x", "a path of the sweep, or \"edits\"; absent: one point, a value for all x",
     "{\"type\":\"string\"}"},
    {"points", "a list of {\"x\": 16, \"efficacy\": 97.7, ...}, by names of metrics",
     "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\","
     "\"additionalProperties\":{\"type\":\"number\"}}}"},
    {0},
};

// The reader of one entry, at `path` ("reference[0]").
struct entry {
    struct spec *spec;
    const char *path;
    const cJSON *json;
    const char *const *metrics; // names, ends with NULL
};

static enum em_status check_members(const struct spec *spec, const char *path, const cJSON *json,
                                    const char *const *names)
{
    const struct document *d = spec->document;
    if (!cJSON_IsObject(json))
        return document_fail(d, path, "is %s; an object is needed", json_type_name(json));
    for (const cJSON *m = json->child; m; m = m->next)
        if (!text_is_one_of(m->string, names))
            return document_fail(d, arena_print(spec->arena, "%s.%s", path, m->string),
                                 "is not known here%s",
                                 options_suggest(spec->arena, m->string, names));
    return EM_OK;
}

static enum em_status check_path(const struct entry *e, const char *at, const char *path)
{
    if (spec_is_path(e->spec->arena, path))
        return EM_OK;
    return document_fail(e->spec->document, at,
                         "\"%s\" is no path of an experiment, such as run.batch_size", path);
}

static enum em_status check_where(const struct entry *e)
{
    struct spec *spec = e->spec;
    const cJSON *where = json_get(e->json, "where");
    const char *path = arena_print(spec->arena, "%s.where", e->path);
    if (where && !cJSON_IsObject(where))
        return document_fail(spec->document, path,
                             "is %s; an object of paths and their values is needed",
                             json_type_name(where));
    for (const cJSON *m = where ? where->child : NULL; m; m = m->next)
        EM_TRY(check_path(e, path, m->string));
    return EM_OK;
}

// *x: the axis, or NULL.
static enum em_status check_x(const struct entry *e, const char **x)
{
    struct spec *spec = e->spec;
    const cJSON *json = json_get(e->json, "x");
    const char *path = arena_print(spec->arena, "%s.x", e->path);
    *x = cJSON_GetStringValue(json);
    if (json && !*x)
        return document_fail(spec->document, path, "is %s; a path in quotes is needed",
                             json_type_name(json));
    if (!json || strcmp(*x, "edits") == 0)
        return EM_OK;
    return check_path(e, path, *x);
}

static enum em_status check_point(const struct entry *e, const char *path, const cJSON *point,
                                  const char *x)
{
    const struct document *d = e->spec->document;
    int measured = 0;
    EM_TRY(check_members(e->spec, path, point, e->metrics));
    for (const cJSON *m = point->child; m; m = m->next) {
        if (!cJSON_IsNumber(m) || !isfinite(m->valuedouble))
            return document_fail(d, arena_print(e->spec->arena, "%s.%s", path, m->string),
                                 "is %s; a number is needed", json_type_name(m));
        measured += strcmp(m->string, "x") != 0;
    }
    if (x && !json_get(point, "x"))
        return document_fail(d, arena_print(e->spec->arena, "%s.x", path),
                             "is missing; where on %s does the point lie?", x);
    if (!x && json_get(point, "x"))
        return document_fail(d, arena_print(e->spec->arena, "%s.x", path),
                             "has no meaning where %s.x names no axis", e->path);
    return measured ? EM_OK : document_fail(d, path, "has no metric");
}

static enum em_status check_points(const struct entry *e, const char *x)
{
    struct arena *a = e->spec->arena;
    const cJSON *points = json_get(e->json, "points");
    const char *path = arena_print(a, "%s.points", e->path);
    if (!cJSON_IsArray(points) || !points->child)
        return document_fail(e->spec->document, path, "is %s; a list of points is needed",
                             cJSON_IsArray(points) ? "empty" : json_type_name(points));
    if (!x && points->child->next)
        return document_fail(e->spec->document, path, "are several; %s.x must name their axis",
                             e->path);
    int i = 0;
    for (const cJSON *p = points->child; p; p = p->next)
        EM_TRY(check_point(e, arena_print(a, "%s[%d]", path, i++), p, x));
    return EM_OK;
}

static enum em_status check_entry(const struct entry *e)
{
    static const char *const members[] = {"label", "where", "x", "points", NULL};
    const char *x;
    EM_TRY(check_members(e->spec, e->path, e->json, members));
    const cJSON *label = json_get(e->json, "label");
    if (!cJSON_IsString(label) || !*label->valuestring)
        return document_fail(e->spec->document, arena_print(e->spec->arena, "%s.label", e->path),
                             "is %s; a text in quotes is needed",
                             cJSON_IsString(label) ? "empty" : json_type_name(label));
    EM_TRY(check_where(e));
    EM_TRY(check_x(e, &x));
    return check_points(e, x);
}

enum em_status spec_read_reference(struct spec *spec, struct registry *registry)
{
    const cJSON *list = json_get(document_root(spec->document), "reference");
    if (!list)
        return EM_OK;
    if (!cJSON_IsArray(list))
        return document_fail(spec->document, "reference", "is %s; a list of figures is needed",
                             json_type_name(list));
    int num, i = 0;
    const char *const *metrics = registry_metrics(registry, spec->arena, &num);
    const char **names = arena_array(spec->arena, const char *, (size_t) num + 2);
    memcpy(names, metrics, (size_t) num * sizeof(*names));
    names[num] = "x";
    names[num + 1] = NULL;
    for (const cJSON *m = list->child; m; m = m->next)
        EM_TRY(check_entry(
            &(struct entry) {spec, arena_print(spec->arena, "reference[%d]", i++), m, names}));
    spec->reference = list;
    return EM_OK;
}
