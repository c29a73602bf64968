// Records of MQuAKE: facts that are edited together, and questions whose answers follow from all of
// them; see record.h.

#include "experiment/data/format/record_parts.h"

// What a question is answered with: the answer, and its other names.
struct answers {
    const char **items;
    size_t num, cap;
};

static enum em_status read_answers(const struct record_input *in, const cJSON *object,
                                   const char *key, const char *alias_key, struct answers *out)
{
    const char *answer;
    const cJSON *list;
    EM_TRY(record_need_text(in, object, key, &answer));
    *arena_push(in->arena, out) = answer;
    EM_TRY(json_get_list(in->j, object, alias_key, &list));
    int i = 0;
    for (const cJSON *t = list ? list->child : NULL; t; t = t->next, i++) {
        const char *name = cJSON_IsString(t) ? record_trim(in->arena, t->valuestring) : "";
        if (!*name)
            return json_fail(in->j, object, arena_print(in->arena, "%s[%d]", alias_key, i),
                             "is %s; a text is needed",
                             cJSON_IsString(t) ? "empty" : json_type_name(t));
        *arena_push(in->arena, out) = name;
    }
    return EM_OK;
}

// `answer_before` beside the first name only: it is one question.
static void ask(struct arena *a, const char *group, const char *prompt,
                const struct answers *answers, const char *answer_before,
                struct record_questions *to)
{
    for (size_t i = 0; i < answers->num; i++)
        *arena_push(a, to) =
            (struct em_question) {group, prompt, answers->items[i], i ? NULL : answer_before};
}

static enum em_status ask_hops(const struct record_input *in, struct record_questions *to)
{
    const cJSON *list;
    const char *before;
    struct answers answers = {0};
    struct record_questions prompts = {0};
    EM_TRY(json_need(in->j, in->json, "questions", &list));
    EM_TRY(record_ask_list(in, in->json, "questions", "hop", NULL, &prompts));
    EM_TRY(read_answers(in, in->json, "new_answer", "new_answer_alias", &answers));
    EM_TRY(record_find_text(in, in->json, "answer", &before));
    for (size_t i = 0; i < prompts.num; i++)
        ask(in->arena, "hop", prompts.items[i].prompt, &answers, before, to);
    return EM_OK;
}

static enum em_status ask_single_hops(const struct record_input *in, struct record_questions *to)
{
    const cJSON *list;
    EM_TRY(json_get_list(in->j, in->json, "new_single_hops", &list));
    for (const cJSON *hop = list ? list->child : NULL; hop; hop = hop->next) {
        const char *prompt;
        struct answers answers = {0};
        if (!cJSON_IsObject(hop))
            return json_fail(in->j, hop, NULL,
                             "is %s; an object of a question and its answer is "
                             "needed",
                             json_type_name(hop));
        EM_TRY(record_find_text(in, hop, "cloze", &prompt));
        if (!prompt)
            EM_TRY(record_need_text(in, hop, "question", &prompt));
        EM_TRY(read_answers(in, hop, "answer", "answer_alias", &answers));
        ask(in->arena, "single_hop", prompt, &answers, NULL, to);
    }
    return EM_OK;
}

static enum em_status read_fact(const struct record_input *in, const cJSON *rewrite,
                                struct record_fact *fact, struct record_questions *questions)
{
    const struct em_fact *f = &fact->fact;
    const char *question;
    if (!cJSON_IsObject(rewrite))
        return json_fail(in->j, rewrite, NULL, "is %s; a fact to edit is an object",
                         json_type_name(rewrite));
    EM_TRY(record_read_rewrite(in, rewrite, fact));
    EM_TRY(record_find_text(in, rewrite, "question", &question));
    record_ask_rewrite(in->arena, f, questions);
    if (question)
        *arena_push(in->arena, questions) =
            (struct em_question) {"paraphrase", question, f->target_new, f->target_true};
    return EM_OK;
}

enum em_status record_read_mquake(const struct record_input *in, struct record *out)
{
    const char *id;
    const cJSON *list;
    if (!cJSON_IsObject(in->json))
        return json_fail(in->j, in->json, NULL, "is %s; a record is an object",
                         json_type_name(in->json));
    EM_TRY(record_read_id(in, "case_id", &id));
    EM_TRY(json_need(in->j, in->json, "requested_rewrite", &list));
    EM_TRY(json_get_list(in->j, in->json, "requested_rewrite", &list));
    const int num = cJSON_GetArraySize(list);
    if (!num)
        return json_fail(in->j, in->json, "requested_rewrite",
                         "is empty; a fact to edit is needed");
    int i = 0;
    for (const cJSON *rewrite = list->child; rewrite; rewrite = rewrite->next) {
        struct record_fact fact = {0};
        struct record_questions questions = {0};
        fact.fact.id = num == 1 ? id : arena_print(in->arena, "%s.%d", id, ++i);
        EM_TRY(read_fact(in, rewrite, &fact, &questions));
        if (!rewrite->next) {
            EM_TRY(ask_hops(in, &questions));
            EM_TRY(ask_single_hops(in, &questions));
        }
        record_add(in, out, fact, &questions);
    }
    return EM_OK;
}
