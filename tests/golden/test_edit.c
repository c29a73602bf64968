// An edit through the plugin, as an experiment makes it, against PyTorch: the search for a value
// step by step, the update, the likelihoods after it.

#include "check.h"

#include <math.h>

#include "base/file/file.h"

static const double UPDATE = 2e-5; // dW v_i, relative, from the same z, key and corpus
static const double OWN = 2e-3;    // the same from values of our own, which float32 moves by 1e-4
static const double LIKELY = 2e-4; // nats, from the same z and key

static void *options_of(struct set *t, const char *variant)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "layers", cJSON_CreateIntArray(&t->layer, 1));
    cJSON_AddStringToObject(json, "variant", variant);
    return check_options(t, t->rome, json);
}

static void check_edit(struct set *t, const char *name, double tolerance)
{
    const float *gold = golden_floats(&t->bench, &t->updates, NULL, "%s", name);
    check_update(t, name, t->layer, 0, gold, tolerance);
}

static void check_case(struct set *t, const char *name, const struct em_fact *f, double tolerance,
                       double margin)
{
    const cJSON *scores = json_get(json_get(t->edited.root, name), "scores");
    check_scores(t, name, scores, f, tolerance, margin);
}

static void test_before(void **state)
{
    struct set *t = set_of(state);
    for (int i = 0; i < t->num_facts; i++)
        check_case(t, "before", &t->facts[i], 1e-4, 1e-4);
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
            check_edit(t, name, OWN);
            check_case(t, name, f, 0.05, 0.05);
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
            check_edit(t, name, OWN);
            check_case(t, name, f, 0.05, 0.05);
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
        check_edit(t, name, UPDATE);
        check_case(t, name, f, LIKELY, 1e-3);
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
