// Pieces of an experiment timed; see probe.h.

#include "experiment/sweep/estimate/probe.h"

#include <emend/linalg.h>

#include "base/clock.h"
#include "experiment/run/evaluate.h"

static const double patience = 2;  // seconds of a measurement, without its first case
static const double brief = 0.5;   // of a piece whose time chance may double: the better of two
static const double longest = 120; // of a case, kernels compiled, that is worth doing twice

double pace_seconds(const struct pace *p, int n)
{
    if (n <= 0)
        return 0;
    if (p->many == p->few)
        return p->few_seconds * n / p->few;
    const double each = (p->many_seconds - p->few_seconds) / (p->many - p->few);
    const double seconds = p->few_seconds + each * (n - p->few);
    return seconds > 0 ? seconds : p->many_seconds * n / p->many;
}

typedef enum em_status piece(struct experiment *e, int num, void *user);

static enum em_status time_piece(struct experiment *e, piece *run, void *user, int num,
                                 double *seconds)
{
    const double begun = time_now();
    const enum em_status status = run(e, num, user);
    *seconds = time_now() - begun;
    return status == EM_OK && log_stopped(e->log) ? EM_STOPPED : status;
}

// A piece's first time at its size may meet kernels to compile, and a brief one any neighbour's
// work.
static enum em_status time_settled(struct experiment *e, piece *run, void *user, int num,
                                   double *seconds)
{
    double again;
    EM_TRY(time_piece(e, run, user, num, seconds));
    if (*seconds > brief)
        return EM_OK;
    EM_TRY(time_piece(e, run, user, num, &again));
    *seconds = again < *seconds ? again : *seconds;
    return EM_OK;
}

// One case before it is timed, for what is made once; then four times as many as long as time is
// left.
static enum em_status measure(struct experiment *e, piece *run, void *user, struct pace *out)
{
    const int most = e->data.num < CHUNK ? e->data.num : CHUNK;
    double first, spent; // the first case's are kernels to compile, too
    *out = (struct pace) {.few = 1, .many = 1};
    EM_TRY(time_piece(e, run, user, 1, &first));
    out->few_seconds = first;
    if (first < longest)
        EM_TRY(time_settled(e, run, user, 1, &out->few_seconds));
    out->many_seconds = out->few_seconds;
    spent = out->few_seconds;
    while (out->many < most) {
        const int next = out->many * 4 < most ? out->many * 4 : most;
        if (spent + pace_seconds(out, next) > patience)
            break;
        EM_TRY(time_settled(e, run, user, next, &out->many_seconds));
        out->many = next;
        spent += out->many_seconds;
    }
    return EM_OK;
}

static enum em_status ask(struct experiment *e, int num, void *user)
{
    return evaluate_cases(e, 0, num, user);
}

enum em_status probe_evaluate(struct experiment *e, struct pace *out)
{
    return measure(e, ask, evaluate_replies(e->arena, &e->data), out);
}

static enum em_status prepare(struct experiment *e, int num, void *user)
{
    (void) user;
    const double begun = experiment_call_begin(e);
    const enum em_status status =
        e->spec.algorithm->prepare(e->session, e->spec.options, e->data.facts, num);
    experiment_call_end(e, PHASE_VALUE, begun);
    session_values_forget(e->session);
    return status;
}

enum em_status probe_values(struct experiment *e, struct pace *out)
{
    *out = (struct pace) {.few = 1, .many = 1};
    return e->spec.algorithm->prepare ? measure(e, prepare, NULL, out) : EM_OK;
}

static enum em_status write_text(struct experiment *e, int num, void *user)
{
    return evaluate_texts(e, 0, num, user);
}

enum em_status probe_text(struct experiment *e, double *seconds)
{
    const char *text;
    return time_piece(e, write_text, &text, 1, seconds);
}

enum em_status probe_state(struct experiment *e, double *seconds)
{
    const double begun = time_now();
    for (int i = 0; i < e->spec.num_metrics; i++) {
        const struct spec_metric *m = &e->spec.metrics[i];
        double value;
        if (m->metric->scope != EM_PER_STATE)
            continue;
        session_call_begin(e->session);
        const enum em_status status = m->metric->inspect(e->session, m->options, &value);
        session_call_end(e->session);
        EM_TRY(status);
    }
    *seconds = time_now() - begun;
    return EM_OK;
}

// Facts' prompts, every token of which is a key of the last layer, as a corpus's are.
static enum em_status read_keys(struct experiment *e, int num, void *user)
{
    struct em_session *s = e->session;
    const struct em_model *m = em_model(s);
    struct em_prompt *prompts = arena_array(e->arena, struct em_prompt, num);
    int *tokens = user, rows = 0;
    for (int i = 0; i < num; i++) {
        const struct em_fact *f = &e->data.facts[i];
        const struct em_text text = {
            .prompt = f->prompt, .subject = f->subject, .target = f->target_new};
        EM_TRY(em_prompt_make(s, &text, &prompts[i]));
        rows += prompts[i].num_tokens;
    }
    struct em_row *at = arena_array(e->arena, struct em_row, rows);
    for (int i = 0, k = 0; i < num; i++)
        for (int t = 0; t < prompts[i].num_tokens; t++)
            at[k++] = (struct em_row) {i, t};
    const struct em_probe probe = {.site = EM_SITE_MLP_KEY,
                                   .layer = m->layers - 1,
                                   .rows = at,
                                   .num_rows = rows,
                                   .value = em_floats(s, (size_t) rows * (size_t) m->ffn)};
    *tokens = rows;
    return em_run(s,
                  &(struct em_pass) {
                      .prompts = prompts, .num_prompts = num, .probes = &probe, .num_probes = 1});
}

static enum em_status read_keys_in_call(struct experiment *e, int num, void *user)
{
    session_call_begin(e->session);
    const enum em_status status = read_keys(e, num, user);
    session_call_end(e->session);
    return status;
}

enum em_status probe_tokens(struct experiment *e, double *seconds)
{
    struct pace pace;
    int tokens;
    EM_TRY(measure(e, read_keys_in_call, &tokens, &pace));
    *seconds = pace.many_seconds / tokens;
    return EM_OK;
}

double probe_flop(void)
{
    enum { N = 384 };
    struct arena *a = arena_create();
    double *x = arena_array(a, double, (size_t) N *N), *y = arena_array(a, double, (size_t) N *N);
    double best = 0;
    for (int i = 0; i < 3; i++) {
        const double begun = time_now();
        em_product(x, x, N, N, N, y);
        const double seconds = time_now() - begun;
        best = best == 0 || seconds < best ? seconds : best;
    }
    arena_destroy(&a);
    return best / (2.0 * N * N * N);
}
