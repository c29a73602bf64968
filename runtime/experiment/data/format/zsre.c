// Records of zsRE as MEND's authors publish its questions (zsre_mend_eval.json); see record.h.

#include <string.h>

#include "experiment/data/format/record_parts.h"

// The question with {} in the subject's place.
static enum em_status make_prompt(const struct record_input *in, const char *question,
                                  const char *subject, const char **out)
{
    struct arena *a = in->arena;
    const size_t length = strlen(subject);
    int num = 0;
    for (const char *at = question; (at = strstr(at, subject)); at += length)
        num++;
    if (num != 1)
        return json_fail(in->j, in->json, "src",
                         "\"%s\" names the subject \"%s\" %d times; once is needed, where it is "
                         "edited (a record can be left out with data.order)",
                         record_show(a, question), record_show(a, subject), num);
    if (strstr(question, "{}"))
        return json_fail(in->j, in->json, "src",
                         "\"%s\" holds {}; the subject stands in it by its name",
                         record_show(a, question));
    const char *at = strstr(question, subject);
    *out = arena_print(a, "%.*s{}%s", (int) (at - question), question, at + length);
    return EM_OK;
}

static enum em_status read_answer(const struct record_input *in, const char **out)
{
    const cJSON *list;
    EM_TRY(json_need(in->j, in->json, "answers", &list));
    EM_TRY(json_get_list(in->j, in->json, "answers", &list));
    const cJSON *first = list->child;
    *out = first && cJSON_IsString(first) ? record_trim(in->arena, first->valuestring) : "";
    if (**out)
        return EM_OK;
    return json_fail(in->j, in->json, "answers[0]", "is %s; the answer to src is needed",
                     !first || cJSON_IsString(first) ? "empty" : json_type_name(first));
}

static enum em_status read_targets(const struct record_input *in, struct em_fact *f)
{
    if (!in->alternative)
        return read_answer(in, &f->target_new);
    EM_TRY(record_need_text(in, in->json, "alt", &f->target_new));
    return json_get(in->json, "answers") ? read_answer(in, &f->target_true) : EM_OK;
}

static enum em_status ask_neighbor(const struct record_input *in, struct record_questions *to)
{
    const char *prompt, *answer;
    EM_TRY(record_find_text(in, in->json, "loc", &prompt));
    if (!prompt)
        return EM_OK;
    EM_TRY(record_need_text(in, in->json, "loc_ans", &answer));
    const bool marked = prompt[strlen(prompt) - 1] == '?';
    *arena_push(in->arena, to) = (struct em_question) {
        .group = "neighborhood",
        .prompt = marked ? prompt : arena_print(in->arena, "%s?", prompt),
        .target_true = answer,
    };
    return EM_OK;
}

enum em_status record_read_zsre(const struct record_input *in, struct record *out)
{
    struct record_fact fact = {0};
    struct em_fact *f = &fact.fact;
    struct record_questions questions = {0};
    const char *question, *rephrased;
    if (!cJSON_IsObject(in->json))
        return json_fail(in->j, in->json, NULL, "is %s; a record is an object",
                         json_type_name(in->json));
    EM_TRY(record_read_id(in, "case_id", &f->id));
    EM_TRY(record_need_text(in, in->json, "subject", &f->subject));
    EM_TRY(record_need_text(in, in->json, "src", &question));
    EM_TRY(make_prompt(in, question, f->subject, &f->prompt));
    EM_TRY(read_targets(in, f));
    EM_TRY(record_find_text(in, in->json, "rephrase", &rephrased));
    record_ask_rewrite(in->arena, f, &questions);
    if (rephrased)
        *arena_push(in->arena, &questions) =
            (struct em_question) {"paraphrase", rephrased, f->target_new, f->target_true};
    EM_TRY(ask_neighbor(in, &questions));
    record_add(in, out, fact, &questions);
    return EM_OK;
}
