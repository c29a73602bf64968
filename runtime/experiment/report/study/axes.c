// The settings in which the points of a study differ; see study.h.

#include <math.h>
#include <string.h>

#include "base/text/words.h"
#include "experiment/report/study/study.h"

struct paths {
    const char **items;
    size_t num, cap;
};

// Members that say where things are, what they are called or what is measured, not what was done.
static bool is_free(const char *path)
{
    static const char *const names[] = {
        "name",      "about",      "device",        "reference",      "sweep",         "metrics",
        "data.path", "data.order", "data.snippets", "templates.path", "import.values", NULL};
    return text_is_one_of(path, names) || strncmp(path, "evaluate.", strlen("evaluate.")) == 0;
}

static bool holds(const struct paths *p, const char *path)
{
    for (size_t i = 0; i < p->num; i++)
        if (strcmp(p->items[i], path) == 0)
            return true;
    return false;
}

// The paths of all values below `at` that are no objects, in the order of the document.
static void collect(struct arena *a, const cJSON *at, const char *path, struct paths *out)
{
    if (!cJSON_IsObject(at)) {
        if (at && !holds(out, path))
            *arena_push(a, out) = path;
        return;
    }
    for (const cJSON *m = at->child; m; m = m->next)
        collect(a, m, arena_print(a, "%s%s%s", path, *path ? "." : "", m->string), out);
}

static struct paths candidates(const struct study *s)
{
    struct paths out = {0};
    const cJSON *axes = json_get(s->sweep.root, "axes");
    for (int i = 0; i < s->num_points && !axes; i++)
        collect(s->arena, s->points[i].experiment.root, "", &out);
    for (const cJSON *axis = axes ? axes->child : NULL; axis; axis = axis->next) {
        const char *path = study_text(axis, "path", "");
        for (int i = 0; i < s->num_points; i++)
            collect(s->arena, study_at_path(s->arena, s->points[i].experiment.root, path), path,
                    &out);
    }
    return out;
}

// The number that a value is: itself, or the one item of a list.
static double number_of(const cJSON *value)
{
    return study_number(cJSON_IsArray(value) && cJSON_GetArraySize(value) == 1 ? value->child
                                                                               : value);
}

static const char *text_of(const struct study *s, const char *path, const cJSON *value)
{
    char *text = study_value_text(s->arena, value);
    const char *slash = strcmp(path, "model") == 0 ? strrchr(text, '/') : NULL;
    return slash && slash[1] ? slash + 1 : text;
}

static int find_value(const struct study_axis *axis, const char *text)
{
    for (int i = 0; i < axis->num_values; i++)
        if (strcmp(axis->texts[i], text) == 0)
            return i;
    return -1;
}

static const cJSON *value_at(const struct study *s, const struct study_axis *axis, int point)
{
    return study_at_path(s->arena, s->points[point].experiment.root, axis->path);
}

static void sort_values(struct study_axis *axis)
{
    for (int i = 1; i < axis->num_values; i++)
        for (int k = i; k > 0 && axis->numbers[k] < axis->numbers[k - 1]; k--) {
            const double number = axis->numbers[k];
            const char *text = axis->texts[k];
            axis->numbers[k] = axis->numbers[k - 1];
            axis->texts[k] = axis->texts[k - 1];
            axis->numbers[k - 1] = number;
            axis->texts[k - 1] = text;
        }
}

// Values that grow by factors stand on a log axis; layers and seeds are counted.
static bool grows_by_factors(const struct study_axis *axis)
{
    static const char *const counted[] = {"algorithm.layers", "seed", NULL};
    const int n = axis->num_values;
    return !text_is_one_of(axis->path, counted) && axis->numbers[0] > 0 &&
           axis->numbers[n - 1] / axis->numbers[0] >= (n > 2 ? 8 : 20);
}

static bool make_axis(const struct study *s, const char *path, struct study_axis *out)
{
    struct study_axis axis = {.path = path, .numeric = true};
    axis.numbers = arena_array(s->arena, double, s->num_points);
    axis.texts = arena_array(s->arena, const char *, s->num_points);
    for (int i = 0; i < s->num_points; i++) {
        const cJSON *value = value_at(s, &axis, i);
        if (!value || find_value(&axis, text_of(s, path, value)) >= 0)
            continue;
        axis.numbers[axis.num_values] = number_of(value);
        axis.texts[axis.num_values] = text_of(s, path, value);
        axis.numeric = axis.numeric && !isnan(axis.numbers[axis.num_values]);
        axis.num_values++;
    }
    if (axis.num_values < 2)
        return false;
    if (axis.numeric) {
        sort_values(&axis);
        axis.log = grows_by_factors(&axis);
    }
    axis.title = study_path_title(s->arena, path, &axis.unit);
    *out = axis;
    return true;
}

static void place_points(const struct study *s, int axis)
{
    for (int i = 0; i < s->num_points; i++) {
        const cJSON *value = value_at(s, &s->axes[axis], i);
        s->points[i].at[axis] =
            value ? find_value(&s->axes[axis], text_of(s, s->axes[axis].path, value)) : -1;
    }
}

// Whether an earlier axis tells the points apart in the same way.
static bool repeats_axis(const struct study *s, int axis)
{
    for (int k = 0; k < axis; k++) {
        bool same = s->axes[k].num_values == s->axes[axis].num_values;
        for (int i = 0; i < s->num_points && same; i++)
            for (int j = 0; j < i && same; j++)
                same = (s->points[i].at[k] == s->points[j].at[k]) ==
                       (s->points[i].at[axis] == s->points[j].at[axis]);
        if (same)
            return true;
    }
    return false;
}

static const char *make_label(const struct study *s, const struct study_point *p)
{
    char *label = arena_copy(s->arena, "");
    for (int k = 0; k < s->num_axes; k++) {
        const struct study_axis *axis = &s->axes[k];
        if (p->at[k] >= 0)
            label = arena_print(s->arena, "%s%s%s%s%s", label, *label ? ", " : "",
                                axis->numeric ? axis->title : "", axis->numeric ? " " : "",
                                axis->texts[p->at[k]]);
    }
    return *label ? label : p->name;
}

void study_find_axes(struct study *s)
{
    const struct paths paths = candidates(s);
    s->axes = arena_array(s->arena, struct study_axis, paths.num + 1);
    for (int i = 0; i < s->num_points; i++)
        s->points[i].at = arena_array(s->arena, int, paths.num + 1);
    for (size_t i = 0; i < paths.num; i++) {
        if (!json_get(s->sweep.root, "axes") && is_free(paths.items[i]))
            continue;
        if (!make_axis(s, paths.items[i], &s->axes[s->num_axes]))
            continue;
        place_points(s, s->num_axes);
        if (!repeats_axis(s, s->num_axes))
            s->num_axes++;
    }
    for (int i = 0; i < s->num_points; i++)
        s->points[i].label = make_label(s, &s->points[i]);
}
