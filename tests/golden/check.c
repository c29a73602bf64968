// An edit against golden values; see check.h.

#include "check.h"

#include <math.h>

#include "plugin/options.h"

static const double STEP = 1e-4; // of each step's terms
static const double STOP = 0.05; // where the search for a value ends

// --- options

void *check_options(struct set *t, const struct em_algorithm *a, cJSON *json)
{
    struct bench *b = &t->bench;
    static const char *const names[][2] = {{"v_lr", "v_lr"},
                                           {"v_num_grad_steps", "steps"},
                                           {"clamp_norm_factor", "clamp"},
                                           {"v_weight_decay", "wd"},
                                           {"kl_factor", "kl"}};
    const cJSON *hyper = json_get(t->edit.root, "hyper");
    assert_true(set_number(hyper, "stop") == STOP);
    for (int i = 0; i < 5; i++)
        cJSON_AddNumberToObject(json, names[i][0], set_number(hyper, names[i][1]));
    void *options = arena_alloc(b->arena, a->options_size);
    const struct options_source source = {.log = b->log, .arena = b->arena, .owner = a->name};
    check_ok(b->log, options_fill(&source, a->options, json, options));
    cJSON_Delete(json);
    char *prepares;
    check_ok(b->log, options_prepares(b->log, b->arena, a->options, options, &prepares));
    session_store_key(b->s, prepares, NULL);
    return options;
}

// --- what an edit did

// The recorded series of a name against the log's; the lengths may differ only where a loss was so
// near the threshold that rounding decides. True if they are equal.
static bool check_series(struct set *t, const char *id, const cJSON *log, const char *series,
                         const char *key, double tolerance)
{
    int num, at = 0;
    const struct session_series *all = session_series(t->bench.s, &num);
    double nearest = INFINITY;
    for (const cJSON *step = log->child; step; step = step->next, at++) {
        nearest = fmin(nearest, fabs(set_number(step, "loss") - STOP));
        while (at < num && strcmp(all[at].name, series) != 0)
            at++;
        if (at >= num)
            break;
        const double gold = set_number(step, key);
        if (!(fabs(all[at].value - gold) <= tolerance + STEP * fabs(gold)))
            fail_msg("case %s: %s is %.6f where PyTorch has %.6f", id, series, all[at].value, gold);
    }
    int ours = 0;
    for (int i = 0; i < num; i++)
        ours += strcmp(all[i].name, series) == 0;
    const bool same = ours == cJSON_GetArraySize(log);
    if (!same && nearest > 1e-3)
        fail_msg("case %s: %d steps, not %d", id, ours, cJSON_GetArraySize(log));
    return same;
}

bool check_log(struct set *t, const char *id, const cJSON *log)
{
    return check_series(t, id, log, "nll", "nll", STEP) &&
           check_series(t, id, log, "kl", "kl", STEP) &&
           check_series(t, id, log, "wd", "wd", 1e-8) && // small, so it must agree in itself
           check_series(t, id, log, "loss", "loss", STEP) &&
           check_series(t, id, log, "d_norm", "d", 1e-4);
}

void check_update(struct set *t, const char *name, int layer, int since, const float *gold,
                  double tolerance)
{
    struct bench *b = &t->bench;
    const size_t D = (size_t) em_model(b->s)->dim;
    int num;
    const struct session_edit *edits = session_edits(b->s, &num);
    float *ours = arena_array(b->arena, float, 4 * D);
    for (int e = since; e < num; e++)
        for (int i = 0; i < 4 * edits[e].n && edits[e].kind == SESSION_ADD; i++) {
            const float *left = edits[e].left + (size_t) (i / 4) * D;
            const float *right = edits[e].right + (size_t) (i / 4) * (size_t) edits[e].cols;
            double dot = 0;
            for (int j = 0; j < edits[e].cols; j++)
                dot += right[j] * set_fixed(i % 4 + 1, j);
            for (size_t row = 0; row < D && edits[e].layer == layer; row++)
                ours[(size_t) (i % 4) * D + row] += (float) (left[row] * dot);
        }
    const double error = golden_distance(ours, gold, 4 * D);
    t->worst_update = fmax(t->worst_update, error);
    if (!(error <= tolerance))
        fail_msg("%s: dW v at layer %d is off by %.1e", name, layer, error);
}

// --- likelihoods

static const cJSON *case_of(const struct set *t, const char *id)
{
    for (const cJSON *x = t->cases->child; x; x = x->next)
        if ((int) set_number(x, "case_id") == atoi(id))
            return x;
    fail_msg("there is no case %s", id);
    return NULL;
}

static void check_pair(struct set *t, const char *name, const char *prompt,
                       const struct em_answer *ours, double new_gold, double true_gold,
                       double tolerance, double margin)
{
    const double gap = true_gold - new_gold;
    if (fabs(gap) > margin && (ours[1].nll > ours[0].nll) != (gap > 0))
        fail_msg("%s: \"%s\" is decided otherwise", name, prompt);
    const double off = fmax(fabs(ours[0].nll - new_gold), fabs(ours[1].nll - true_gold));
    t->worst_likelihood = fmax(t->worst_likelihood, off);
    if (!(off <= tolerance))
        fail_msg("%s: \"%s\" is off by %.1e nats", name, prompt, off);
}

// Both targets after a prompt of one group.
static void check_group(struct set *t, const char *name, const struct em_fact *f,
                        const cJSON *prompts, const cJSON *gold, double tolerance, double margin)
{
    struct bench *b = &t->bench;
    struct {
        struct em_pair *items;
        size_t num, cap;
    } pairs = {0};
    for (const cJSON *p = prompts; p; p = p->next) {
        *arena_push(b->arena, &pairs) = (struct em_pair) {p->valuestring, f->target_new};
        *arena_push(b->arena, &pairs) = (struct em_pair) {p->valuestring, f->target_true};
    }
    struct em_answer *answers = arena_array(b->arena, struct em_answer, pairs.num);
    check_ok(b->log, em_score(b->s, pairs.items, (int) pairs.num, answers));
    const cJSON *n = json_get(gold, "new")->child, *o = json_get(gold, "true")->child;
    for (const cJSON *p = prompts; p; p = p->next, n = n->next, o = o->next, answers += 2)
        check_pair(t, name, p->valuestring, answers, n->valuedouble, o->valuedouble, tolerance,
                   margin);
}

void check_scores(struct set *t, const char *name, const cJSON *scores, const struct em_fact *f,
                  double tolerance, double margin)
{
    struct arena *a = t->bench.arena;
    const cJSON *c = case_of(t, f->id), *r = json_get(c, "requested_rewrite");
    const cJSON *gold = scores->child;
    while (gold && (int) set_number(gold, "case_id") != atoi(f->id))
        gold = gold->next;
    assert_non_null(gold);
    const char *prompt = set_text(r, "prompt"), *hole = strstr(prompt, "{}");
    cJSON rewrite = {.type = cJSON_String};
    rewrite.valuestring =
        arena_print(a, "%.*s%s%s", (int) (hole - prompt), prompt, set_text(r, "subject"), hole + 2);
    check_group(t, name, f, &rewrite, json_get(gold, "rewrite"), tolerance, margin);
    check_group(t, name, f, json_get(c, "paraphrase_prompts")->child, json_get(gold, "paraphrase"),
                tolerance, margin);
    check_group(t, name, f, json_get(c, "neighborhood_prompts")->child,
                json_get(gold, "neighbourhood"), tolerance, margin);
}

void check_report(const struct set *t)
{
    print_message("%s: dW v within %.1e, likelihoods within %.1e nats\n", t->folder,
                  t->worst_update, t->worst_likelihood);
}
