// Cases as lines of JSON; see journal.h.

#include "experiment/result/journal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file/file.h"
#include "base/text/sheet.h"

#define TEXTS "text"

enum { MAX_KEY = 96 };

cJSON *journal_number(double x)
{
    char text[32];
    if (!isfinite(x))
        return cJSON_CreateNull();
    snprintf(text, sizeof(text), "%.9g", x);
    return cJSON_CreateNumber(strtod(text, NULL));
}

static bool is_first_of_group(const struct em_case *c, int i)
{
    for (int k = 0; k < i; k++)
        if (strcmp(c->questions[k].group, c->questions[i].group) == 0)
            return false;
    return !em_asks_text(&c->questions[i]);
}

static cJSON *write_reply(const struct em_question *q, const struct em_reply *r)
{
    cJSON *json = cJSON_CreateObject();
    if (q->target_new)
        cJSON_AddItemToObject(json, "target_new", journal_number(r->new_.nll));
    if (q->target_true)
        cJSON_AddItemToObject(json, "target_true", journal_number(r->true_.nll));
    if (q->target_new)
        cJSON_AddBoolToObject(json, "new_correct", r->new_.hit);
    if (q->target_true)
        cJSON_AddBoolToObject(json, "true_correct", r->true_.hit);
    return json;
}

static void write_texts(cJSON *to, const struct em_case *c, const struct em_reply *replies)
{
    cJSON *texts = NULL;
    for (int i = 0; i < c->num_questions; i++) {
        if (!em_asks_text(&c->questions[i]))
            continue;
        if (!texts)
            texts = cJSON_AddArrayToObject(to, TEXTS);
        cJSON_AddItemToArray(texts, cJSON_CreateString(replies[i].text));
    }
}

cJSON *journal_replies(const struct em_case *c, const struct em_reply *replies,
                       const char *rewrite_text)
{
    cJSON *json = cJSON_CreateObject();
    for (int first = 0; first < c->num_questions; first++) {
        if (!is_first_of_group(c, first))
            continue;
        const char *group = c->questions[first].group;
        const bool keeps_true = strcmp(group, "neighborhood") == 0; // as published
        char key[MAX_KEY];
        snprintf(key, sizeof(key), "%s_prompts_probs", group);
        cJSON *probs = cJSON_AddArrayToObject(json, key);
        snprintf(key, sizeof(key), "%s_prompts_correct", group);
        cJSON *correct = cJSON_AddArrayToObject(json, key);
        for (int i = first; i < c->num_questions; i++) {
            const struct em_question *q = &c->questions[i];
            if (strcmp(q->group, group) != 0)
                continue;
            const struct em_reply *r = &replies[i];
            cJSON_AddItemToArray(probs, write_reply(q, r));
            cJSON_AddItemToArray(correct,
                                 cJSON_CreateBool(keeps_true ? r->true_.hit : r->new_.hit));
        }
    }
    write_texts(json, c, replies);
    if (rewrite_text)
        cJSON_AddStringToObject(json, "rewrite_text", rewrite_text);
    return json;
}

static bool read_answer(const cJSON *json, const char *nll, const char *hit, struct em_answer *out)
{
    const cJSON *value = json_get(json, nll);
    out->nll = cJSON_IsNumber(value) ? value->valuedouble : NAN;
    out->hit = cJSON_IsTrue(json_get(json, hit));
    return cJSON_IsNumber(value);
}

static enum em_status fail_other(const struct json *line, const cJSON *json, const char *name)
{
    return json_fail(line, json, name,
                     "does not answer this experiment's questions; begin anew with --fresh");
}

static enum em_status read_texts(const struct json *line, const cJSON *json,
                                 const struct em_case *c, struct arena *a, struct em_reply *replies)
{
    const cJSON *texts = json_get(json, TEXTS), *at = texts ? texts->child : NULL;
    for (int i = 0; i < c->num_questions; i++) {
        if (!em_asks_text(&c->questions[i]))
            continue;
        if (!cJSON_IsString(at))
            return fail_other(line, json, TEXTS);
        replies[i].text = arena_copy(a, at->valuestring);
        at = at->next;
    }
    return EM_OK;
}

enum em_status journal_read_replies(const struct json *line, const char *key,
                                    const struct em_case *c, struct arena *a,
                                    struct em_reply *replies)
{
    const cJSON *json = json_get(line->root, key);
    for (int first = 0; first < c->num_questions; first++) {
        if (!is_first_of_group(c, first))
            continue;
        char name[MAX_KEY];
        snprintf(name, sizeof(name), "%s_prompts_probs", c->questions[first].group);
        const cJSON *probs = json_get(json, name);
        const cJSON *at = probs ? probs->child : NULL;
        for (int i = first; i < c->num_questions; i++) {
            const struct em_question *q = &c->questions[i];
            if (strcmp(q->group, c->questions[first].group) != 0)
                continue;
            if ((q->target_new &&
                 !read_answer(at, "target_new", "new_correct", &replies[i].new_)) ||
                (q->target_true &&
                 !read_answer(at, "target_true", "true_correct", &replies[i].true_)))
                return fail_other(line, json, name);
            at = at->next;
        }
    }
    return read_texts(line, json, c, a, replies);
}

static void write_target(cJSON *to, const char *key, const char *target)
{
    if (target)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(to, key), "str", target);
}

cJSON *journal_case(const struct em_case *c)
{
    const struct em_fact *f = c->facts;
    cJSON *json = cJSON_CreateObject();
    char *end;
    const long long number = strtoll(f->id, &end, 10);
    char back[32];
    snprintf(back, sizeof(back), "%lld", number);
    if (strcmp(back, f->id) == 0 && number < 1LL << 53)
        cJSON_AddNumberToObject(json, "case_id", (double) number);
    else
        cJSON_AddStringToObject(json, "case_id", f->id);
    cJSON *rewrite = cJSON_AddObjectToObject(json, "requested_rewrite");
    cJSON_AddStringToObject(rewrite, "prompt", f->prompt);
    cJSON_AddStringToObject(rewrite, "subject", f->subject);
    write_target(rewrite, "target_new", f->target_new);
    write_target(rewrite, "target_true", f->target_true);
    return json;
}

cJSON *journal_series(const struct session_series *series, int num)
{
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < num; i++) {
        cJSON *list = cJSON_GetObjectItemCaseSensitive(json, series[i].name);
        if (!list)
            list = cJSON_AddArrayToObject(json, series[i].name);
        cJSON_AddItemToArray(list, journal_number(series[i].value));
    }
    return json;
}

static enum em_status cut_file(struct log *log, const char *path, off_t size)
{
    if (truncate(path, size) == 0)
        return EM_OK;
    return log_fail(log, EM_ERR_IO, "%s: its unfinished end cannot be taken away: %s", path,
                    strerror(errno));
}

enum em_status journal_read_lines(struct log *log, struct arena *a, const char *path,
                                  const char ***lines, int *num)
{
    struct {
        const char **items;
        size_t num, cap;
    } list = {0};
    *num = 0;
    *lines = NULL;
    if (!file_exists(path))
        return EM_OK;
    char *text;
    size_t size;
    EM_TRY(file_read(log, a, path, &text, &size));
    char *at = text;
    for (char *end; (end = strchr(at, '\n')); at = end + 1) {
        *end = 0;
        *arena_push(a, &list) = at;
    }
    if (at < text + size) // zeros too: a machine that lost power may leave them
        EM_TRY(cut_file(log, path, at - text));
    *lines = list.items;
    *num = (int) list.num;
    return EM_OK;
}

enum em_status journal_keep_lines(struct log *log, const char *path, const char *const *lines,
                                  int num, int keep)
{
    return keep < num ? cut_file(log, path, lines[keep] - lines[0]) : EM_OK;
}

enum em_status journal_append(struct log *log, const char *path, const cJSON *lines)
{
    struct sheet sheet;
    sheet_begin(&sheet);
    for (const cJSON *line = lines->child; line; line = line->next) {
        char *one = cJSON_PrintUnformatted(line);
        fprintf(sheet.to, "%s%s", line == lines->child ? "" : "\n", one);
        free(one);
    }
    sheet_end(&sheet);
    const enum em_status status = file_append(log, path, sheet.text);
    free(sheet.text);
    return status;
}
