// Options as text: JSON members, the stores' keys, help, names and suggestions; see options.h.

#include <ctype.h>
#include <string.h>

#include "base/file/hash.h"
#include "base/number/least.h"
#include "base/text/json.h"
#include "plugin/option_row.h"
#include "plugin/options.h"

void options_write(const struct em_option *table, const void *values, cJSON *to)
{
    for (const struct em_option *o = table; o->type != EM_OPTION_END; o++) {
        const void *at = (const char *) values + o->offset;
        if (o->type == EM_OPTION_GROUP)
            options_write(o->group, at, to);
        else
            cJSON_AddItemToObject(to, o->name, option_row_json(o, at));
    }
}

static char *row_text(struct arena *a, const struct em_option *o, const void *at)
{
    cJSON *json = option_row_json(o, at);
    char *text = json_print_line(a, json);
    cJSON_Delete(json);
    return text;
}

enum em_status options_prepares(struct log *log, struct arena *a, const struct em_option *table,
                                const void *values, char **out)
{
    char *text = arena_copy(a, "");
    for (const struct em_option *o = table; o->type != EM_OPTION_END; o++) {
        const void *at = (const char *) values + o->offset;
        char *value = NULL, hex[HASH_SIZE];
        if (o->type == EM_OPTION_GROUP) {
            EM_TRY(options_prepares(log, a, o->group, at, &value));
            text = arena_print(a, "%s%s", text, value);
            continue;
        }
        if (!o->prepares)
            continue;
        value = row_text(a, o, at);
        const char *path = o->type == EM_OPTION_PATH ? *(const char *const *) at : NULL;
        if (path) {
            EM_TRY(hash_file(log, path, hex));
            value = hex;
        }
        text = arena_print(a, "%s%s=%s\n", text, o->name, value);
    }
    *out = text;
    return EM_OK;
}

char *options_help(struct arena *a, const struct em_option *table)
{
    char *text = arena_copy(a, "");
    for (const struct em_option *o = table; o->type != EM_OPTION_END; o++) {
        if (o->type == EM_OPTION_GROUP) {
            text = arena_print(a, "%s%s", text, options_help(a, o->group));
            continue;
        }
        void *at = arena_alloc(a, option_row_size(o));
        option_row_default(o, at);
        const char *fallback = row_text(a, o, at);
        const bool has_default = strcmp(fallback, "null") != 0;
        text = arena_print(a, "%s  %-18s %s (%s%s%s%s)\n", text, o->name, o->help,
                           option_row_domain(a, o), o->required ? "; needed" : "",
                           has_default ? "; default " : "", has_default ? fallback : "");
    }
    return text;
}

struct name_list {
    const char **items;
    size_t num, cap;
};

static void collect_names(struct arena *a, const struct em_option *table, struct name_list *list)
{
    for (const struct em_option *o = table; o->type != EM_OPTION_END; o++) {
        if (o->type == EM_OPTION_GROUP)
            collect_names(a, o->group, list);
        else
            *arena_push(a, list) = o->name;
    }
}

const char *const *options_names(struct arena *a, const struct em_option *table)
{
    struct name_list list = {0};
    collect_names(a, table, &list);
    *arena_push(a, &list) = NULL;
    return list.items;
}

enum { MAX_WORD = 48 };

// Edit distance with neighbours that changed places as one step (Damerau), letter case ignored.
static int distance(const char *a, const char *b)
{
    int d[MAX_WORD + 1][MAX_WORD + 1];
    const int m = (int) strlen(a), n = (int) strlen(b);
    if (m > MAX_WORD || n > MAX_WORD)
        return MAX_WORD;
    for (int i = 0; i <= m; i++)
        for (int j = 0; j <= n; j++) {
            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            const int x = tolower((unsigned char) a[i - 1]), y = tolower((unsigned char) b[j - 1]);
            d[i][j] = min_int(d[i - 1][j - 1] + (x != y), 1 + min_int(d[i - 1][j], d[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = min_int(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[m][n];
}

const char *options_nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    int best_distance = 1 + min_int(3, (int) strlen(word) / 2); // further off is another word
    for (; *names; names++) {
        const int d = distance(word, *names);
        if (d < best_distance) {
            best_distance = d;
            best = *names;
        }
    }
    return best;
}

const char *options_suggest(struct arena *a, const char *word, const char *const *names)
{
    const char *near = options_nearest(word, names);
    if (near)
        return arena_print(a, "; did you mean \"%s\"?", near);
    char *text = arena_copy(a, *names ? "; allowed:" : "; it has none");
    for (const char *const *name = names; *name; name++)
        text = arena_print(a, "%s%s %s", text, name == names ? "" : ",", *name);
    return text;
}

bool options_is_name(const char *name)
{
    if (!name || !islower((unsigned char) *name))
        return false;
    for (; *name; name++)
        if (!islower((unsigned char) *name) && !isdigit((unsigned char) *name) && *name != '_')
            return false;
    return true;
}

static const char *list_defect(struct arena *a, const struct em_option *o)
{
    const bool integral = o->type == EM_OPTION_INTS;
    const int max = option_row_max_items(o);
    if (max < 1 || max > EM_MAX_LIST)
        return arena_print(a, "option %s: max_items is not 0 to %d", o->name, EM_MAX_LIST);
    if (o->list_num < 1 || o->list_num > max ||
        !(integral ? (const void *) o->ints : (const void *) o->floats))
        return arena_print(a, "option %s: needs 1 to %d default elements", o->name, max);
    for (int i = 0; i < o->list_num; i++) {
        const double x = integral ? o->ints[i] : (double) o->floats[i];
        if (!(x >= o->min && x <= o->max))
            return arena_print(a, "option %s: its default %.9g is not from %.9g to %.9g", o->name,
                               x, o->min, o->max);
    }
    return NULL;
}

static const char *row_defect(struct arena *a, const struct em_option *o, size_t size)
{
    if (!options_is_name(o->name) || strcmp(o->name, "name") == 0)
        return arena_print(a,
                           "option \"%s\": a name is lower-case letters, digits and _, and not "
                           "\"name\"",
                           o->name ? o->name : "");
    if (o->offset > size || option_row_size(o) > size - o->offset)
        return arena_print(a, "option %s: lies outside the options struct of %zu bytes", o->name,
                           size);
    if (!o->help || !*o->help)
        return arena_print(a, "option %s: has no help", o->name);
    if (o->layers && ((o->type != EM_OPTION_INTS && o->type != EM_OPTION_INT) || o->min < 0 ||
                      o->max > EM_MAX_LAYER))
        return arena_print(a, "option %s: layers are whole numbers from 0 to %d", o->name,
                           EM_MAX_LAYER);
    if (o->required && o->type != EM_OPTION_STRING && o->type != EM_OPTION_PATH)
        return arena_print(a, "option %s: only a text or a path can be required", o->name);
    if (o->type == EM_OPTION_INTS || o->type == EM_OPTION_FLOATS)
        return list_defect(a, o);
    int max = 0;
    while (o->type == EM_OPTION_CHOICE && o->choices && o->choices[max])
        max++;
    if (o->type == EM_OPTION_CHOICE && !(o->fallback >= 0 && o->fallback < max))
        return arena_print(a, "option %s: its default is not among its choices", o->name);
    if ((o->type == EM_OPTION_INT || o->type == EM_OPTION_FLOAT) &&
        !(o->fallback >= o->min && o->fallback <= o->max))
        return arena_print(a, "option %s: its default %.9g is not from %.9g to %.9g", o->name,
                           o->fallback, o->min, o->max);
    return NULL;
}

static const char *table_defect(struct arena *a, const struct em_option *table, size_t size,
                                int depth)
{
    enum { MAX_ROWS = 256, MAX_DEPTH = 8 };
    const struct em_option *o = table;
    for (; o->type != EM_OPTION_END; o++) {
        if (o - table == MAX_ROWS || o->type >= EM_OPTION_TYPES)
            return "its option table does not end with {0}";
        if (o->type != EM_OPTION_GROUP) {
            const char *defect = row_defect(a, o, size);
            if (defect)
                return defect;
            continue;
        }
        if (!o->group || o->offset > size || depth == MAX_DEPTH)
            return arena_print(a, "option group %s: has no table, or lies outside the struct",
                               o->name ? o->name : "");
        const char *defect = table_defect(a, o->group, size - o->offset, depth + 1);
        if (defect)
            return defect;
    }
    return NULL;
}

const char *options_defect(struct arena *a, const struct em_option *table, size_t size)
{
    if (!table)
        return "it has no option table; an empty one is {{0}}";
    const char *defect = table_defect(a, table, size, 0);
    if (defect)
        return defect;
    const char *const *names = options_names(a, table);
    for (int i = 0; names[i]; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                return arena_print(a, "option %s is there twice", names[i]);
    return NULL;
}
