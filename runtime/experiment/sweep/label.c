// Names of an axis's values; see label.h.

#include "experiment/sweep/label.h"

#include <string.h>

#include "base/file/hash.h"
#include "base/text/json.h"
#include "experiment/read/spec_tables.h"

enum { MOST = 60, KEPT = 48, DIGITS = 8 }; // letters of a label; of one that is too long

// The name of the member alone: "batch_size" of "run.batch_size".
static const char *leaf(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

// Letters that a folder's name cannot hold become _, and what is too long ends with its hash.
static const char *tidy(struct arena *a, const char *text)
{
    char *out = arena_copy(a, text), hex[HASH_SIZE];
    const size_t length = strlen(out);
    for (char *c = out; *c; c++)
        if (!strchr(SPEC_NAME_CHARACTERS, *c))
            *c = '_';
    if (length <= MOST)
        return out;
    hash_of(text, length, hex);
    return arena_print(a, "%.*s-%.*s", KEPT, out, DIGITS, hex);
}

// "64", "1e-05", "true", "model.gguf" of a path, "3-4-5" of a list.
static const char *plain_text(struct arena *a, const cJSON *value)
{
    if (!value || cJSON_IsNull(value))
        return "default";
    if (cJSON_IsBool(value))
        return cJSON_IsTrue(value) ? "true" : "false";
    if (cJSON_IsNumber(value))
        return arena_print(a, "%.9g", value->valuedouble);
    if (cJSON_IsString(value)) {
        const char *slash = strrchr(value->valuestring, '/');
        return slash && slash[1] ? slash + 1 : value->valuestring;
    }
    const char *text = "";
    for (const cJSON *item = value->child; item; item = item->next)
        text = arena_print(a, "%s%s%s%s%s", text, *text ? "-" : "",
                           cJSON_IsObject(value) ? item->string : "",
                           cJSON_IsObject(value) ? "-" : "", plain_text(a, item));
    return *text ? text : "none";
}

static const char *name_of(const cJSON *value)
{
    return cJSON_GetStringValue(json_get(value, "name"));
}

// Layers are many and of one kind: "layer-5", "layers-3-4-5".
static const char *scalar_label(struct arena *a, const char *path, const cJSON *value)
{
    const char *name = leaf(path);
    const size_t length = strlen(name);
    if (strcmp(path, "algorithm") == 0 && cJSON_IsString(value))
        return value->valuestring;
    const bool one = cJSON_GetArraySize(value) == 1 && length > 1 && name[length - 1] == 's';
    return arena_print(a, "%.*s-%s", (int) length - one, name, plain_text(a, value));
}

static bool are_alike(const cJSON *x, const cJSON *y)
{
    const char *one = name_of(x), *other = name_of(y);
    return cJSON_IsObject(x) && cJSON_IsObject(y) &&
           (one && other ? strcmp(one, other) == 0 : one == other);
}

// Objects of one axis and one name, whose labels get the members in which they differ.
struct group {
    const cJSON **values; // [num]
    const char ***labels; // [num], each a place
    int num;
};

static bool all_differ(const struct group *g)
{
    for (int i = 0; i < g->num; i++)
        for (int k = 0; k <= i; k++)
            if (!**g->labels[i] || (k < i && strcmp(*g->labels[i], *g->labels[k]) == 0))
                return false;
    return true;
}

static const cJSON *member(const struct group *g, int i, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(g->values[i], name);
}

// Whether the objects differ in a member that value i is the first to have.
static bool tells_apart(const struct group *g, int i, const char *name)
{
    bool differs = i > 0;
    for (int k = 0; k < i; k++)
        if (member(g, k, name))
            return false;
    for (int k = i + 1; k < g->num; k++)
        differs |= !cJSON_Compare(member(g, i, name), member(g, k, name), true);
    return differs;
}

static void tell_apart(struct arena *a, const struct group *g)
{
    for (int i = 0; i < g->num; i++)
        for (const cJSON *m = g->values[i]->child; m && !all_differ(g); m = m->next)
            for (int k = 0; k < g->num && tells_apart(g, i, m->string); k++)
                *g->labels[k] =
                    arena_print(a, "%s%s%s-%s", *g->labels[k], **g->labels[k] ? "-" : "", m->string,
                                plain_text(a, member(g, k, m->string)));
}

// The objects that are named like the i-th, which is the first of them; empty if it is not.
static struct group find_group(struct arena *a, const cJSON *const *values, int num, int i,
                               const char **labels)
{
    struct group g = {arena_array(a, const cJSON *, num), arena_array(a, const char **, num), 0};
    for (int k = 0; k < num; k++) {
        if (!are_alike(values[i], values[k]))
            continue;
        if (k < i)
            return (struct group) {0};
        g.values[g.num] = values[k];
        g.labels[g.num++] = &labels[k];
    }
    return g;
}

void label_values(struct arena *a, const char *path, const cJSON *const *values, int num,
                  const char **labels)
{
    for (int i = 0; i < num; i++) {
        const char *name = name_of(values[i]);
        labels[i] =
            !cJSON_IsObject(values[i]) ? scalar_label(a, path, values[i]) : (name ? name : "");
    }
    for (int i = 0; i < num; i++) {
        const struct group g = find_group(a, values, num, i, labels);
        tell_apart(a, &g);
    }
    for (int i = 0; i < num; i++)
        labels[i] = tidy(a, *labels[i] ? labels[i] : leaf(path));
}
