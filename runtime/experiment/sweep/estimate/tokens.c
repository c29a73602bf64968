// Counts rows of prompts; see tokens.h.

#include "experiment/sweep/estimate/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "model/tokenizer.h"

struct reader {
    struct tokenizer *tokenizer;
    struct arena *arena;
    bool bos;
};

static enum em_status encode(const struct reader *r, const char *text, struct token_list *out)
{
    int *ids, num;
    EM_TRY(tokenizer_encode(r->tokenizer, r->arena, text, false, &ids, &num));
    if (r->bos) {
        int *with = arena_array(r->arena, int, (size_t) num + 1);
        with[0] = tokenizer_bos(r->tokenizer);
        if (num)
            memcpy(with + 1, ids, (size_t) num * sizeof(int));
        ids = with, num++;
    }
    *out = (struct token_list) {ids, num};
    return EM_OK;
}

static const char *fill(const struct reader *r, const char *prompt, const char *subject, bool whole)
{
    const char *at = strstr(prompt, "{}");
    if (!at)
        return prompt;
    return arena_print(r->arena, "%.*s%s%s", (int) (at - prompt), prompt, subject,
                       whole ? at + 2 : "");
}

static enum em_status read_fact(const struct reader *r, const struct em_fact *f,
                                struct case_tokens *out)
{
    struct token_list bare, whole;
    const char *text = fill(r, f->prompt, f->subject, true);
    EM_TRY(encode(r, fill(r, f->prompt, f->subject, false), &out->before));
    EM_TRY(encode(r, f->subject, &out->kl));
    EM_TRY(encode(r, text, &bare));
    EM_TRY(encode(r, arena_print(r->arena, "%s %s", text, f->target_new), &whole));
    out->before.num -= out->before.num > 0;
    out->kl.num -= out->kl.num > 0;
    out->labels = whole.num > bare.num ? whole.num - bare.num : 1;
    out->live = bare.num - out->before.num + out->labels - 1;
    return EM_OK;
}

static enum em_status read_pair(const struct reader *r, const char *prompt, const char *target,
                                struct case_tokens *out)
{
    struct token_list bare, *whole = &out->asked[out->num_asked];
    if (!target)
        return EM_OK;
    EM_TRY(encode(r, prompt, &bare));
    EM_TRY(encode(r, arena_print(r->arena, "%s %s", prompt, target), whole));
    whole->num -= whole->num > 0;
    // targets behind one prompt share the row of their first token
    const bool shares =
        out->num_asked && out->asked[out->num_asked - 1].num >= bare.num &&
        memcmp(out->asked[out->num_asked - 1].at, bare.at, (size_t) bare.num * sizeof(int)) == 0;
    out->answers += (whole->num >= bare.num ? whole->num - bare.num + 1 : 1) - shares;
    out->num_asked++;
    return EM_OK;
}

static enum em_status read_case(const struct reader *r, const struct em_fact *f,
                                const struct em_case *c, struct case_tokens *out)
{
    EM_TRY(read_fact(r, f, out));
    out->asked = arena_array(r->arena, struct token_list, 2 * (size_t) c->num_questions + 1);
    for (int i = 0; i < c->num_questions; i++) {
        EM_TRY(read_pair(r, c->questions[i].prompt, c->questions[i].target_new, out));
        EM_TRY(read_pair(r, c->questions[i].prompt, c->questions[i].target_true, out));
    }
    return EM_OK;
}

enum em_status tokens_read(struct experiment *e, struct arena *a, struct case_tokens **cases)
{
    struct tokenizer *tokenizer = model_files_tokenizer(e->files);
    if (!tokenizer)
        return log_status(e->log);
    const struct reader r = {
        tokenizer, a, e->spec.tokens.bos == SESSION_BOS_AUTO && tokenizer_adds_bos(tokenizer)};
    *cases = arena_array(a, struct case_tokens, e->data.num);
    for (int i = 0; i < e->data.num; i++)
        EM_TRY(read_case(&r, &e->data.facts[i], &e->data.cases[i], &(*cases)[i]));
    return EM_OK;
}

static int shared(const struct token_list *a, const struct token_list *b)
{
    int n = 0;
    while (n < a->num && n < b->num && a->at[n] == b->at[n])
        n++;
    return n;
}

static int compare(const void *x, const void *y)
{
    const struct token_list *a = x, *b = y;
    const int n = shared(a, b);
    if (n == a->num || n == b->num)
        return (a->num > b->num) - (a->num < b->num);
    return (a->at[n] > b->at[n]) - (a->at[n] < b->at[n]);
}

static double distinct(struct token_list *lists, int num)
{
    double rows = 0;
    qsort(lists, (size_t) num, sizeof(*lists), compare);
    for (int i = 0; i < num; i++)
        rows += lists[i].num - (i ? shared(&lists[i - 1], &lists[i]) : 0);
    return rows;
}

struct row_counts tokens_count(struct arena *a, const struct case_tokens *cases, int first, int end)
{
    struct row_counts out = {0};
    int asked = 0;
    for (int i = first; i < end; i++)
        asked += cases[i].num_asked;
    struct token_list *before = arena_array(a, struct token_list, end - first + 1);
    struct token_list *kl = arena_array(a, struct token_list, end - first + 1);
    struct token_list *all = arena_array(a, struct token_list, asked + 1);
    asked = 0;
    for (int i = first; i < end; i++) {
        const struct case_tokens *c = &cases[i];
        before[i - first] = c->before;
        kl[i - first] = c->kl;
        for (int k = 0; k < c->num_asked; k++)
            all[asked++] = c->asked[k];
        out.live += c->live;
        out.labels += c->labels;
        out.answers += c->answers;
    }
    out.before = distinct(before, end - first);
    out.kl = distinct(kl, end - first);
    out.asked = distinct(all, asked);
    return out;
}
