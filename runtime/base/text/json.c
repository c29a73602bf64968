// JSON helpers: parsing with line numbers, a value's key path and line, typed getters; see json.h.

#include "base/text/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/escape.h"
#include "base/text/read.h"

static int line_of(const struct json *j, const char *at)
{
    int line = j->first_line ? j->first_line : 1;
    for (const char *c = j->text; c < at; c++)
        line += *c == '\n';
    return line;
}

// The escape \u0000 in a text (backslashes come in pairs before it), or NULL.
static const char *find_nul_escape(const char *text)
{
    for (const char *c = text; (c = strchr(c, '\\')); c += 2) {
        if (strncmp(c, "\\u0000", 6) == 0)
            return c;
        if (!c[1])
            return NULL;
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum em_status fail_syntax(const struct json *j, const char *at, const char *what)
{
    enum { SHOWN = 20 };
    struct arena *a = arena_create();
    const size_t n = strcspn(at, "\r\n");
    const char *rest = arena_print(a, "%.*s", (int) (n < 4 * SHOWN ? n : 4 * SHOWN), at);
    const char *near = !*at ? "the end of the text"
                       : !n ? "the end of the line"
                            : arena_print(a, "`%s`", escape_shown(a, rest, SHOWN));
    log_fail(j->log, EM_ERR_CONFIG, "%s:%d: %s at %s", j->path, line_of(j, at), what, near);
    arena_destroy(&a);
    return EM_ERR_CONFIG;
}

enum em_status json_parse(struct log *log, const char *path, int first_line, const char *text,
                          struct json *out)
{
    *out = (struct json) {.log = log, .path = path, .text = text, .first_line = first_line};
    const char *nul = find_nul_escape(text);
    if (nul)
        return fail_syntax(out, nul, "the character U+0000 is not allowed,");
    const char *end = text;
    out->root = cJSON_ParseWithOpts(text, &end, false);
    if (!out->root)
        return fail_syntax(out, end, "this is not valid JSON,");
    while (is_blank(*end))
        end++;
    if (!*end)
        return EM_OK;
    json_close(out);
    return fail_syntax(out, end, "there is more text after the JSON value,");
}

enum em_status json_read(struct log *log, struct arena *a, const char *path, struct json *out)
{
    *out = (struct json) {.log = log, .path = path};
    char *text;
    EM_TRY(text_read(log, a, path, &text));
    return json_parse(log, arena_copy(a, path), 1, text, out);
}

void json_close(struct json *j)
{
    cJSON_Delete(j->root);
    j->root = NULL;
}

const cJSON *json_get(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(value) ? NULL : value;
}

const cJSON *json_members(const cJSON *object)
{
    return cJSON_IsObject(object) ? object->child : NULL;
}

static char *keep_text(struct arena *a, char *text, const char *end)
{
    char *kept = arena_print(a, "%s%s", text ? text : "null", end);
    cJSON_free(text);
    return kept;
}

char *json_print(struct arena *a, const cJSON *value)
{
    return keep_text(a, cJSON_Print(value), "\n");
}

char *json_print_line(struct arena *a, const cJSON *value)
{
    return keep_text(a, cJSON_PrintUnformatted(value), "");
}

const char *json_type_name(const cJSON *value)
{
    if (!value)
        return "nothing";
    switch (value->type & 0xFF) {
    case cJSON_False:
        return "false";
    case cJSON_True:
        return "true";
    case cJSON_NULL:
        return "null";
    case cJSON_Number:
        return "a number";
    case cJSON_String:
        return "a text";
    case cJSON_Array:
        return "a list";
    default:
        return "an object";
    }
}

// Extends `path` with the way from `from` down to `value`; NULL if it is not below.
static char *path_below(struct arena *a, char *path, const cJSON *from, const cJSON *value)
{
    if (from == value)
        return path;
    int i = 0;
    for (const cJSON *child = from->child; child; child = child->next, i++) {
        if (child != value && !child->child)
            continue;
        char *below = cJSON_IsArray(from)
                          ? arena_print(a, "%s[%d]", path, i)
                          : arena_print(a, "%s%s%s", path, *path ? "." : "", child->string);
        char *found = path_below(a, below, child, value);
        if (found)
            return found;
    }
    return NULL;
}

char *json_key_path(const struct json *j, struct arena *a, const cJSON *value)
{
    char *path = path_below(a, arena_copy(a, ""), j->root, value);
    return path ? path : arena_copy(a, "");
}

// Behind the text that opens at `c`.
static const char *skip_text(const char *c)
{
    for (c++; *c && *c != '"'; c++)
        c += *c == '\\' && c[1];
    return *c ? c + 1 : c;
}

// Behind the value that begins at `c`.
static const char *skip_value(const char *c)
{
    int depth = 0;
    while (*c) {
        if (*c == '"') {
            c = skip_text(c);
        } else if (*c == '{' || *c == '[') {
            depth++;
            c++;
        } else if (*c == '}' || *c == ']') {
            depth--;
            c++;
        } else {
            c++;
        }
        if (depth == 0 && (!*c || strchr(",]}", *c)))
            return c;
    }
    return c;
}

static const char *skip_to(const char *c, const char *marks)
{
    return c + strcspn(c, marks);
}

static const char *skip_blank(const char *c)
{
    while (is_blank(*c))
        c++;
    return c;
}

// The key of the member of the object at `c` that `path` begins with, its *length; or NULL. Names
// may hold dots themselves ("run.batch_size" of a sweep): the longest that fits is it.
static const char *find_member(const char *c, const char *path, size_t *length)
{
    const char *found = NULL;
    *length = strcspn(path, ".[");
    if (*c != '{')
        return NULL;
    for (c = skip_blank(c + 1); *c == '"'; c = skip_blank(c)) {
        const char *end = skip_text(c);
        const size_t n = end - c < 2 ? 0 : (size_t) (end - c) - 2;
        if (strncmp(c + 1, path, n) == 0 && strchr(".[", path[n]) && (!found || n > *length)) {
            found = c;
            *length = n;
        }
        c = skip_value(skip_blank(skip_to(end, ":") + 1));
        c += *c == ',';
    }
    return found;
}

// The element of the list at `c`, or NULL.
static const char *find_element(const char *c, long index)
{
    if (*c != '[')
        return NULL;
    for (c = skip_blank(c + 1); *c && *c != ']'; c = skip_blank(c)) {
        if (index-- == 0)
            return c;
        c = skip_value(c);
        c += *c == ',';
    }
    return NULL;
}

int json_line(const struct json *j, const char *key_path)
{
    const char *at = skip_blank(j->text), *value = at;
    while (*key_path) {
        const char *found;
        if (*key_path == '[') {
            found = value = find_element(value, strtol(key_path + 1, NULL, 10));
            key_path = skip_to(key_path, "]");
            key_path += *key_path == ']';
        } else {
            key_path += *key_path == '.';
            size_t length;
            found = find_member(value, key_path, &length);
            value = found ? skip_blank(skip_to(skip_text(found), ":") + 1) : NULL;
            key_path += length;
        }
        if (!found)
            break;
        at = found;
    }
    return line_of(j, at);
}

char *json_where(const struct json *j, struct arena *a, const char *key_path)
{
    enum { SHOWN = 160 };
    for (const struct json_name *n = j->names; n && n->key_path; n++) {
        const size_t length = strlen(n->key_path);
        if (strncmp(key_path, n->key_path, length) == 0 && strchr(".[", key_path[length]))
            return arena_copy(a, n->name);
    }
    return arena_print(a, "%s:%d%s%s", j->path, json_line(j, key_path), *key_path ? ": " : "",
                       escape_shown(a, key_path, SHOWN));
}

enum em_status json_fail(const struct json *j, const cJSON *object, const char *key,
                         const char *fmt, ...)
{
    enum { SHOWN = 1600 };
    struct arena *a = arena_create();
    const char *path = json_key_path(j, a, object);
    if (key)
        path = arena_print(a, "%s%s%s", path, *path ? "." : "", key);
    va_list args;
    va_start(args, fmt);
    const char *what = arena_vprint(a, fmt, args);
    va_end(args);
    log_fail(j->log, EM_ERR_CONFIG, "%s: %s", json_where(j, a, path), escape_shown(a, what, SHOWN));
    arena_destroy(&a);
    return EM_ERR_CONFIG;
}

enum em_status json_need(const struct json *j, const cJSON *object, const char *key,
                         const cJSON **out)
{
    *out = json_get(object, key);
    return *out ? EM_OK : json_fail(j, object, key, "is missing");
}

static enum em_status fail_type(const struct json *j, const cJSON *object, const char *key,
                                const cJSON *value, const char *needed)
{
    return json_fail(j, object, key, "is %s; %s is needed", json_type_name(value), needed);
}

enum em_status json_get_number(const struct json *j, const cJSON *object, const char *key,
                               double min, double max, double *out)
{
    const cJSON *value = json_get(object, key);
    if (!value)
        return EM_OK;
    if (!cJSON_IsNumber(value))
        return fail_type(j, object, key, value, "a number");
    if (!(value->valuedouble >= min && value->valuedouble <= max))
        return json_fail(j, object, key, "is %g; it must be in [%g, %g]", value->valuedouble, min,
                         max);
    *out = value->valuedouble;
    return EM_OK;
}

enum em_status json_get_int(const struct json *j, const cJSON *object, const char *key, int min,
                            int max, int *out)
{
    const cJSON *value = json_get(object, key);
    if (!value)
        return EM_OK;
    if (!cJSON_IsNumber(value))
        return fail_type(j, object, key, value, "a whole number");
    if (value->valuedouble != floor(value->valuedouble))
        return json_fail(j, object, key, "is %g; a whole number is needed", value->valuedouble);
    if (!(value->valuedouble >= min && value->valuedouble <= max))
        return json_fail(j, object, key, "is %.0f; it must be in [%d, %d]", value->valuedouble, min,
                         max);
    *out = (int) value->valuedouble;
    return EM_OK;
}

enum em_status json_get_bool(const struct json *j, const cJSON *object, const char *key, bool *out)
{
    const cJSON *value = json_get(object, key);
    if (!value)
        return EM_OK;
    if (!cJSON_IsBool(value))
        return fail_type(j, object, key, value, "true or false");
    *out = cJSON_IsTrue(value);
    return EM_OK;
}

enum em_status json_get_text(const struct json *j, const cJSON *object, const char *key,
                             const char **out)
{
    const cJSON *value = json_get(object, key);
    if (!value)
        return EM_OK;
    if (!cJSON_IsString(value))
        return fail_type(j, object, key, value, "a text");
    *out = value->valuestring;
    return EM_OK;
}

enum em_status json_get_object(const struct json *j, const cJSON *object, const char *key,
                               const cJSON **out)
{
    *out = json_get(object, key);
    if (!*out || cJSON_IsObject(*out))
        return EM_OK;
    return fail_type(j, object, key, *out, "an object");
}

enum em_status json_get_list(const struct json *j, const cJSON *object, const char *key,
                             const cJSON **out)
{
    *out = json_get(object, key);
    if (!*out || cJSON_IsArray(*out))
        return EM_OK;
    return fail_type(j, object, key, *out, "a list");
}
