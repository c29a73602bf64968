// Records of data sets; see record.h.

#include "experiment/read/record.h"

#include <math.h>
#include <string.h>

struct questions {
    struct em_question *items;
    size_t num, cap;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char *trim(struct arena *a, const char *text)
{
    while (is_blank(*text))
        text++;
    size_t n = strlen(text);
    while (n && is_blank(text[n - 1]))
        n--;
    return arena_print(a, "%.*s", (int) n, text);
}

// A text that is there and holds more than blanks, without those around it.
static enum em_status need_text(const struct json *j, const cJSON *object, const char *key,
                                struct arena *a, const char **out)
{
    const cJSON *value;
    EM_TRY(json_need(j, object, key, &value));
    EM_TRY(json_get_text(j, object, key, out));
    *out = trim(a, *out);
    return **out ? EM_OK : json_fail(j, object, key, "is empty");
}

static int count_braces(const char *prompt)
{
    int num = 0;
    for (const char *at = prompt; (at = strstr(at, "{}")); at += 2)
        num++;
    return num;
}

static enum em_status check_prompt(const struct json *j, const cJSON *object, const char *prompt,
                                   const char *subject)
{
    const int braces = count_braces(prompt);
    if (braces == 1)
        return EM_OK;
    if (braces > 1)
        return json_fail(j, object, "prompt",
                         "\"%s\" holds {} %d times; the subject stands in one place", prompt,
                         braces);
    if (strstr(prompt, subject))
        return json_fail(j, object, "prompt",
                         "\"%s\" holds no {}; put it where the subject \"%s\" stands", prompt,
                         subject);
    return json_fail(j, object, "prompt", "the subject \"%s\" is not in \"%s\", which holds no {}",
                     subject, prompt);
}

// `prompt` with the subject in its place.
static char *fill_prompt(struct arena *a, const char *prompt, const char *subject)
{
    const char *at = strstr(prompt, "{}");
    return arena_print(a, "%.*s%s%s", (int) (at - prompt), prompt, subject, at + 2);
}

static enum em_status add_questions(const struct json *j, const cJSON *object, const char *key,
                                    const char *group, struct arena *a, const struct em_fact *fact,
                                    struct questions *to)
{
    const cJSON *list;
    EM_TRY(json_get_list(j, object, key, &list));
    int i = 0;
    for (const cJSON *p = list ? list->child : NULL; p; p = p->next, i++) {
        const char *place = arena_print(a, "%s[%d]", key, i);
        if (!cJSON_IsString(p))
            return json_fail(j, object, place, "is %s; a prompt is needed", json_type_name(p));
        const char *prompt = trim(a, p->valuestring);
        if (!*prompt)
            return json_fail(j, object, place, "is empty");
        struct em_question question = {.group = group, .prompt = prompt};
        if (fact) {
            question.target_new = fact->target_new;
            question.target_true = fact->target_true;
        }
        *arena_push(a, to) = question;
    }
    return EM_OK;
}

// A name of the data set's own, kept as it is written; NULL where there is none.
static enum em_status read_label(const struct json *j, const cJSON *object, const char *key,
                                 struct arena *a, const char **out)
{
    const char *text = NULL;
    EM_TRY(json_get_text(j, object, key, &text));
    *out = text ? arena_copy(a, text) : NULL;
    return EM_OK;
}

static enum em_status read_references(const struct json *j, const cJSON *object, struct arena *a,
                                      struct record *out)
{
    const cJSON *list;
    EM_TRY(json_get_list(j, object, "references", &list));
    if (!list)
        return EM_OK;
    const char **texts = arena_array(a, const char *, (size_t) cJSON_GetArraySize(list) + 1);
    int i = 0;
    for (const cJSON *t = list->child; t; t = t->next, i++) {
        if (!cJSON_IsString(t))
            return json_fail(j, object, arena_print(a, "references[%d]", i),
                             "is %s; a text is needed", json_type_name(t));
        texts[i] = arena_copy(a, t->valuestring);
    }
    out->references = i ? texts : NULL;
    return EM_OK;
}

// The id as a text; a number keeps its digits.
static enum em_status read_id(const struct json *j, const cJSON *object, const char *key,
                              struct arena *a, int position, const char **out)
{
    const cJSON *id = json_get(object, key);
    *out = arena_print(a, "%d", position);
    if (!id)
        return EM_OK;
    if (cJSON_IsNumber(id) && id->valuedouble == floor(id->valuedouble)) {
        *out = arena_print(a, "%.0f", id->valuedouble);
        return EM_OK;
    }
    if (!cJSON_IsString(id) || !*id->valuestring)
        return json_fail(j, object, key, "is %s; a whole number or a text is needed",
                         json_type_name(id));
    *out = arena_copy(a, id->valuestring);
    return EM_OK;
}

static void begin_record(struct arena *a, struct record *out, struct questions *questions)
{
    const struct em_fact *f = &out->fact;
    *arena_push(a, questions) = (struct em_question) {
        .group = "rewrite",
        .prompt = fill_prompt(a, f->prompt, f->subject),
        .target_new = f->target_new,
        .target_true = f->target_true,
    };
}

static void end_record(struct record *out, const struct questions *questions)
{
    out->questions = questions->items;
    out->num_questions = (int) questions->num;
}

enum em_status record_read_counterfact(const struct json *j, const cJSON *json, struct arena *a,
                                       int position, struct record *out)
{
    struct em_fact *f = &out->fact;
    struct questions questions = {0};
    const cJSON *rewrite, *target;
    if (!cJSON_IsObject(json))
        return json_fail(j, json, NULL, "is %s; a record is an object", json_type_name(json));
    EM_TRY(read_id(j, json, "case_id", a, position, &f->id));
    EM_TRY(json_need(j, json, "requested_rewrite", &rewrite));
    EM_TRY(json_get_object(j, json, "requested_rewrite", &rewrite));
    EM_TRY(need_text(j, rewrite, "subject", a, &f->subject));
    EM_TRY(need_text(j, rewrite, "prompt", a, &f->prompt));
    EM_TRY(check_prompt(j, rewrite, f->prompt, f->subject));
    EM_TRY(json_need(j, rewrite, "target_new", &target));
    EM_TRY(json_get_object(j, rewrite, "target_new", &target));
    EM_TRY(need_text(j, target, "str", a, &f->target_new));
    EM_TRY(read_label(j, rewrite, "relation_id", a, &out->relation));
    EM_TRY(read_label(j, target, "id", a, &out->target));
    EM_TRY(json_get_object(j, rewrite, "target_true", &target));
    if (target)
        EM_TRY(need_text(j, target, "str", a, &f->target_true));
    begin_record(a, out, &questions);
    EM_TRY(add_questions(j, json, "paraphrase_prompts", "paraphrase", a, f, &questions));
    EM_TRY(add_questions(j, json, "neighborhood_prompts", "neighborhood", a, f, &questions));
    EM_TRY(add_questions(j, json, "generation_prompts", "generation", a, NULL, &questions));
    end_record(out, &questions);
    return EM_OK;
}

static enum em_status check_members(const struct json *j, const cJSON *json)
{
    static const char *const names[] = {"id",          "prompt",      "subject",      "target_new",
                                        "target_true", "paraphrases", "neighborhood", "generation",
                                        "references",  NULL};
    for (const cJSON *m = json->child; m; m = m->next) {
        bool known = false;
        for (int i = 0; names[i]; i++)
            known |= strcmp(names[i], m->string) == 0;
        if (!known)
            return json_fail(j, json, m->string,
                             "unknown member of a fact; allowed: id, prompt, subject, target_new, "
                             "target_true, paraphrases, neighborhood, generation, references");
    }
    return EM_OK;
}

enum em_status record_read_plain(const struct json *j, const cJSON *json, struct arena *a,
                                 int position, struct record *out)
{
    struct em_fact *f = &out->fact;
    struct questions questions = {0};
    if (!cJSON_IsObject(json))
        return json_fail(j, json, NULL, "is %s; a fact is an object", json_type_name(json));
    EM_TRY(check_members(j, json));
    EM_TRY(read_id(j, json, "id", a, position, &f->id));
    EM_TRY(need_text(j, json, "subject", a, &f->subject));
    EM_TRY(need_text(j, json, "prompt", a, &f->prompt));
    EM_TRY(check_prompt(j, json, f->prompt, f->subject));
    EM_TRY(need_text(j, json, "target_new", a, &f->target_new));
    if (json_get(json, "target_true"))
        EM_TRY(need_text(j, json, "target_true", a, &f->target_true));
    begin_record(a, out, &questions);
    EM_TRY(add_questions(j, json, "paraphrases", "paraphrase", a, f, &questions));
    EM_TRY(add_questions(j, json, "neighborhood", "neighborhood", a, f, &questions));
    EM_TRY(add_questions(j, json, "generation", "generation", a, NULL, &questions));
    EM_TRY(read_references(j, json, a, out));
    end_record(out, &questions);
    return EM_OK;
}
