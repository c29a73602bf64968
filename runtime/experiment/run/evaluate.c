// Questions put to the model; see evaluate.h.

#include "experiment/run/evaluate.h"

#include <math.h>

#include "base/clock.h"

struct pairs {
    struct em_pair *items;
    size_t num, cap;
};

struct em_reply **evaluate_replies(struct arena *a, const struct data_set *data)
{
    struct em_reply **replies = arena_array(a, struct em_reply *, data->num);
    for (int i = 0; i < data->num; i++)
        replies[i] = arena_array(a, struct em_reply, data->cases[i].num_questions);
    return replies;
}

static struct pairs collect_pairs(struct arena *a, const struct em_case *cases, int num)
{
    struct pairs pairs = {0};
    for (int i = 0; i < num; i++)
        for (int k = 0; k < cases[i].num_questions; k++) {
            const struct em_question *q = &cases[i].questions[k];
            if (q->target_new)
                *arena_push(a, &pairs) = (struct em_pair) {q->prompt, q->target_new};
            if (q->target_true)
                *arena_push(a, &pairs) = (struct em_pair) {q->prompt, q->target_true};
        }
    return pairs;
}

static enum em_status spread_answers(struct experiment *e, int first, int num,
                                     const struct em_answer *answers,
                                     struct em_reply *const *replies)
{
    for (int i = first; i < first + num; i++)
        for (int k = 0; k < e->data.cases[i].num_questions; k++) {
            const struct em_question *q = &e->data.cases[i].questions[k];
            struct em_reply *r = &replies[i][k];
            if (q->target_new)
                r->new_ = *answers++;
            if (q->target_true)
                r->true_ = *answers++;
            if (!isfinite(r->new_.nll) || !isfinite(r->true_.nll))
                return log_fail(e->log, EM_ERR_NUMERIC,
                                "case %s: the model's answer after \"%s\" is not a number; the "
                                "edit has broken the model, or the model's file is damaged",
                                e->data.facts[i].id, q->prompt);
        }
    return EM_OK;
}

static enum em_status score(struct experiment *e, struct arena *a, int first, int num,
                            struct em_reply *const *replies)
{
    const struct pairs pairs = collect_pairs(a, e->data.cases + first, num);
    struct em_answer *answers = arena_array(a, struct em_answer, pairs.num + 1);
    const double begun = experiment_call_begin(e);
    const enum em_status status = em_score(e->session, pairs.items, (int) pairs.num, answers);
    experiment_call_end(e, PHASE_EVALUATE, begun);
    EM_TRY(status);
    return spread_answers(e, first, num, answers, replies);
}

// The questions that ask for a text. A text's stream is named by its case, its place there and its
// prompt: it does not depend on which cases are asked together.
static enum em_status write_texts(struct experiment *e, struct arena *a, int first, int num,
                                  struct em_reply *const *replies)
{
    enum { TOP_K = 5 };
    struct {
        struct session_text *items;
        size_t num, cap;
    } texts = {0};
    struct {
        const char ***items;
        size_t num, cap;
    } places = {0};
    for (int i = first; i < first + num; i++)
        for (int k = 0; k < e->data.cases[i].num_questions; k++) {
            const struct em_question *q = &e->data.cases[i].questions[k];
            if (!em_asks_text(q))
                continue;
            const char *stream =
                arena_print(a, "%s %s %d %s", q->group, e->data.facts[i].id, k, q->prompt);
            *arena_push(a, &texts) = (struct session_text) {q->prompt, stream};
            *arena_push(a, &places) = &replies[i][k].text;
        }
    const char **out = arena_array(a, const char *, texts.num + 1);
    const double begun = experiment_call_begin(e);
    const enum em_status status = session_write_texts(
        e->session, texts.items, (int) texts.num, e->spec.evaluate.generation_length, TOP_K, out);
    for (size_t i = 0; i < texts.num && status == EM_OK; i++)
        *places.items[i] = arena_copy(e->arena, out[i]);
    experiment_call_end(e, PHASE_EVALUATE, begun);
    return status;
}

enum em_status evaluate_cases(struct experiment *e, int first, int num,
                              struct em_reply *const *replies)
{
    struct arena *a = arena_create();
    enum em_status status = score(e, a, first, num, replies);
    if (status == EM_OK)
        status = write_texts(e, a, first, num, replies);
    arena_destroy(&a);
    return status;
}

enum em_status evaluate_texts(struct experiment *e, int first, int num, const char **out)
{
    if (num <= 0)
        return EM_OK;
    const char **prompts = arena_array(e->arena, const char *, num);
    for (int i = 0; i < num; i++)
        prompts[i] = e->data.cases[first + i].questions[0].prompt; // the rewrite prompt
    const double begun = experiment_call_begin(e);
    const enum em_status status =
        em_generate(e->session, prompts, num, e->spec.evaluate.text_length, 1, out);
    for (int i = 0; i < num && status == EM_OK; i++)
        out[i] = arena_copy(e->arena, out[i]);
    experiment_call_end(e, PHASE_EVALUATE, begun);
    return status;
}

enum em_status evaluate_open(struct experiment *e)
{
    enum em_status status = EM_OK;
    for (int i = 0; i < e->spec.num_metrics && status == EM_OK; i++) {
        const struct spec_metric *m = &e->spec.metrics[i];
        if (!m->metric->open)
            continue;
        const double begun = time_now();
        session_call_begin_in(e->session, e->arena);
        status = m->metric->open(e->session, m->options);
        experiment_call_end(e, PHASE_EVALUATE, begun);
    }
    return status;
}
