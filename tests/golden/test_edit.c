// An edit through the plugin, as an experiment makes it, against PyTorch: the search for a value
// step by step, the update, the likelihoods after it.

#include "set.h"

#include <math.h>

#include "base/file.h"
#include "plugin/options.h"

static const double UPDATE = 2e-5; // dW v_i, relative, from the same z, key and corpus
static const double OWN = 2e-3;    // the same from values of our own, which float32 moves by 1e-4
static const double STEP = 1e-4;   // of each step's terms
static const double LIKELY = 2e-4; // nats, from the same z and key
static const double STOP = 0.05;   // where the search for a value ends

// --- edits

// The plugin's options for a variant, as the golden values were made.
static void *options_of(struct set *t, const char *variant)
{
    struct bench *b = &t->bench;
    static const char *const names[][2] = {{"v_lr", "v_lr"},
                                           {"v_num_grad_steps", "steps"},
                                           {"clamp_norm_factor", "clamp"},
                                           {"v_weight_decay", "wd"},
                                           {"kl_factor", "kl"}};
    const cJSON *hyper = json_get(t->edit.root, "hyper");
    assert_true(set_number(hyper, "stop") == STOP);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "layers", cJSON_CreateIntArray(&t->layer, 1));
    cJSON_AddStringToObject(json, "variant", variant);
    for (int i = 0; i < 5; i++)
        cJSON_AddNumberToObject(json, names[i][0], set_number(hyper, names[i][1]));
    void *options = arena_alloc(b->arena, t->rome->options_size);
    const struct options_source source = {.log = b->log, .arena = b->arena, .owner = "rome"};
    check_ok(b->log, options_fill(&source, t->rome->options, json, options));
    cJSON_Delete(json);
    char *prepares;
    check_ok(b->log, options_prepares(b->log, b->arena, t->rome->options, options, &prepares));
    session_store_key(b->s, prepares);
    return options;
}

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

static bool check_log(struct set *t, const char *id, const cJSON *log)
{
    return check_series(t, id, log, "nll", "nll", STEP) &&
           check_series(t, id, log, "kl", "kl", STEP) &&
           check_series(t, id, log, "wd", "wd", 1e-8) && // small, so it must agree in itself
           check_series(t, id, log, "loss", "loss", STEP) &&
           check_series(t, id, log, "d_norm", "d", 1e-4);
}

// dW v_i of the edits in force against the golden update.
static void check_update(struct set *t, const char *name, double tolerance)
{
    struct bench *b = &t->bench;
    const size_t D = (size_t) em_model(b->s)->dim;
    int num;
    const struct session_edit *edits = session_edits(b->s, &num);
    float *ours = arena_array(b->arena, float, 4 * D);
    for (int e = 0; e < num; e++) {
        assert_int_equal(edits[e].n, 1);
        for (int i = 0; i < 4; i++) {
            double dot = 0;
            for (int j = 0; j < edits[e].cols; j++)
                dot += edits[e].right[j] * set_fixed(i + 1, j);
            for (size_t row = 0; row < D; row++)
                ours[(size_t) i * D + row] += (float) (edits[e].left[row] * dot);
        }
    }
    const float *gold = golden_floats(b, &t->updates, NULL, "%s", name);
    const double error = golden_distance(ours, gold, 4 * D);
    if (!(error <= tolerance))
        fail_msg("%s: dW v is off by %.1e", name, error);
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

static void check_pair(const char *name, const char *prompt, const struct em_answer *ours,
                       double new_gold, double true_gold, double tolerance, double margin)
{
    const double gap = true_gold - new_gold;
    if (fabs(gap) > margin && (ours[1].nll > ours[0].nll) != (gap > 0))
        fail_msg("%s: \"%s\" is decided otherwise", name, prompt);
    const double off = fmax(fabs(ours[0].nll - new_gold), fabs(ours[1].nll - true_gold));
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
        check_pair(name, p->valuestring, answers, n->valuedouble, o->valuedouble, tolerance,
                   margin);
}

static void check_scores(struct set *t, const char *name, const struct em_fact *f, double tolerance,
                         double margin)
{
    struct arena *a = t->bench.arena;
    const cJSON *c = case_of(t, f->id), *r = json_get(c, "requested_rewrite");
    const cJSON *gold = json_get(json_get(t->edited.root, name), "scores")->child;
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

static void test_before(void **state)
{
    struct set *t = set_of(state);
    for (int i = 0; i < t->num_facts; i++)
        check_scores(t, "before", &t->facts[i], 1e-4, 1e-4);
}

// The plugin on its own values, all facts prepared at once: the search step by step, z and the key,
// then each edit alone. A value of our own moves a likelihood, but no clear decision.
static void test_own_values(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    const size_t D = (size_t) em_model(b->s)->dim, F = (size_t) em_model(b->s)->ffn;
    float *z = arena_array(b->arena, float, D), *key = arena_array(b->arena, float, F);
    void *options = options_of(t, "study");
    check_ok(b->log, t->rome->prepare(b->s, options, t->facts, t->num_facts));
    const cJSON *x = json_get(t->edit.root, "facts")->child;
    for (int i = 0; i < t->num_facts; i++, x = x->next) {
        const struct em_fact *f = &t->facts[i];
        session_call_end(b->s);
        session_call_begin(b->s);
        assert_true(em_store_get(b->s, f, "z", z, D));
        assert_true(em_store_get(b->s, f, "key", key, F));
        assert_true(golden_distance(key, golden_floats(b, &t->edits, NULL, "key.%s", f->id), F) <
                    1e-5);
        check_ok(b->log, t->rome->apply(b->s, options, f, 1));
        if (check_log(t, f->id, json_get(x, "log"))) {
            const float *gold = golden_floats(b, &t->edits, NULL, "z.%s", f->id);
            assert_true(golden_distance(z, gold, D) < 1e-3);
            const char *name = arena_print(b->arena, "rome.%s", f->id);
            check_update(t, name, OWN);
            check_scores(t, name, f, 0.05, 0.05);
        }
        check_ok(b->log, session_revert(b->s));
    }
}

// The one fact that was edited as published in 2022, and with one key throughout.
static void test_variants(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    static const char *const variants[][2] = {{"original", "rome-original"}, {"r-rome", "r-rome"}};
    const cJSON *log = json_get(json_get(t->edit.root, "rome_original"), "log");
    const struct em_fact *f = &t->facts[0];
    for (int i = 0; i < 2; i++) {
        session_call_end(b->s);
        session_call_begin(b->s);
        void *options = options_of(t, variants[i][0]);
        check_ok(b->log, t->rome->prepare(b->s, options, f, 1));
        check_ok(b->log, t->rome->apply(b->s, options, f, 1));
        if (check_log(t, f->id, log)) {
            const char *name = arena_print(b->arena, "%s.%s", variants[i][1], f->id);
            check_update(t, name, OWN);
            check_scores(t, name, f, 0.05, 0.05);
        }
        check_ok(b->log, session_revert(b->s));
    }
}

// The golden z and keys, imported as an experiment can: the update, the likelihoods; and reverting
// gives the weight back bit for bit.
static void test_imported_values(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    const size_t size = (size_t) em_model(b->s)->dim * (size_t) em_model(b->s)->ffn;
    float *before = arena_array(b->arena, float, size), *w = arena_array(b->arena, float, size);
    check_ok(b->log, em_weight_read(b->s, EM_MATRIX_DOWN, t->layer, before));
    check_ok(b->log,
             session_store_import(b->s, path_join(b->arena, t->folder, "edit.safetensors")));
    void *options = options_of(t, "study");
    for (int i = 0; i < t->num_facts; i++) {
        const struct em_fact *f = &t->facts[i];
        const char *name = arena_print(b->arena, "rome.%s", f->id);
        session_call_end(b->s);
        session_call_begin(b->s);
        check_ok(b->log, t->rome->apply(b->s, options, f, 1));
        check_update(t, name, UPDATE);
        check_scores(t, name, f, LIKELY, 1e-3);
        check_ok(b->log, em_weight_read(b->s, EM_MATRIX_DOWN, t->layer, w));
        for (size_t j = 0; j < size; j++)
            w[j] -= before[j];
        const double norm = set_number(json_get(t->edited.root, name), "norm");
        assert_true(fabs(golden_norm(w, size) / norm - 1) < 1e-3);
        check_ok(b->log, session_revert(b->s));
        check_ok(b->log, em_weight_read(b->s, EM_MATRIX_DOWN, t->layer, w));
        assert_memory_equal(w, before, size * sizeof(float));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),
        cmocka_unit_test(test_own_values),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_imported_values),
    };
    const int world = cmocka_run_group_tests_name("world", tests, set_begin_world, set_end);
    return world + cmocka_run_group_tests_name("outside", tests, set_begin_outside, set_end);
}
