// Reference texts of CounterFact; see snippets.h.

#include "experiment/data/format/snippets.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const char *relation, *target;
    const char *const *texts; // ends with NULL
};

struct snippets {
    struct entry *entries; // [num], sorted
    int num;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    const int order = strcmp(x->relation, y->relation);
    return order ? order : strcmp(x->target, y->target);
}

static enum em_status need_text(const struct json *j, const cJSON *object, const char *key,
                                struct arena *a, const char **out)
{
    const cJSON *value;
    const char *text;
    EM_TRY(json_need(j, object, key, &value));
    EM_TRY(json_get_text(j, object, key, &text));
    *out = arena_copy(a, text);
    return EM_OK;
}

static enum em_status read_entry(const struct json *j, const cJSON *json, struct arena *a,
                                 struct entry *out)
{
    const cJSON *samples;
    if (!cJSON_IsObject(json))
        return json_fail(j, json, NULL, "is %s; an entry is an object", json_type_name(json));
    EM_TRY(need_text(j, json, "relation_id", a, &out->relation));
    EM_TRY(need_text(j, json, "target_id", a, &out->target));
    EM_TRY(json_need(j, json, "samples", &samples));
    EM_TRY(json_get_list(j, json, "samples", &samples));
    const char **texts = arena_array(a, const char *, (size_t) cJSON_GetArraySize(samples) + 1);
    int num = 0;
    for (const cJSON *sample = samples->child; sample; sample = sample->next)
        EM_TRY(need_text(j, sample, "text", a, &texts[num++]));
    out->texts = texts;
    return EM_OK;
}

static const char **put_texts(const char **to, const char *const *texts)
{
    while (*texts)
        *to++ = *texts++;
    return to;
}

static int count_texts(const struct entry *e)
{
    int num = 0;
    while (e->texts[num])
        num++;
    return num;
}

// Entries under the same names, which follow each other, become one.
static void join_entries(struct arena *a, struct snippets *s)
{
    int num = 0;
    for (int first = 0, end; first < s->num; first = end) {
        int texts = 0;
        for (end = first; end < s->num; end++) {
            if (compare_entries(&s->entries[first], &s->entries[end]) != 0)
                break;
            texts += count_texts(&s->entries[end]);
        }
        struct entry *joined = &s->entries[num++];
        const char **all = arena_array(a, const char *, (size_t) texts + 1), **to = all;
        for (int i = first; i < end; i++)
            to = put_texts(to, s->entries[i].texts);
        *joined = s->entries[first];
        joined->texts = all;
    }
    s->num = num;
}

static enum em_status read_entries(const struct json *j, struct arena *a, struct snippets *out)
{
    if (!cJSON_IsArray(j->root))
        return json_fail(j, j->root, NULL, "is %s; snippets are a list of entries",
                         json_type_name(j->root));
    out->entries = arena_array(a, struct entry, (size_t) cJSON_GetArraySize(j->root) + 1);
    for (const cJSON *entry = j->root->child; entry; entry = entry->next)
        EM_TRY(read_entry(j, entry, a, &out->entries[out->num++]));
    qsort(out->entries, (size_t) out->num, sizeof(*out->entries), compare_entries);
    join_entries(a, out);
    return EM_OK;
}

enum em_status snippets_read(struct log *log, struct arena *a, const char *path,
                             const struct snippets **out)
{
    struct arena *scratch = arena_create(); // the file's text
    struct snippets *s = arena_new(a, struct snippets);
    struct json j;
    enum em_status status = json_read(log, scratch, path, &j);
    if (status == EM_OK) {
        status = read_entries(&j, a, s);
        json_close(&j);
    }
    arena_destroy(&scratch);
    *out = s;
    return status;
}

const char *const *snippets_find(const struct snippets *s, const char *relation, const char *target)
{
    if (!relation || !target)
        return NULL;
    const struct entry key = {relation, target, NULL};
    const struct entry *found =
        bsearch(&key, s->entries, (size_t) s->num, sizeof(key), compare_entries);
    return found && found->texts[0] ? found->texts : NULL;
}
