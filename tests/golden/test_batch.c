// Batches through the plugins against PyTorch: MEMIT and EMMET in one layer and over several,
// AlphaEdit's second batch beside its first, ROME fact after fact.

#include "check.h"

#include <math.h>

static const double UPDATE = 1e-4; // dW v_i, relative, from the same z; C of float32 keys moves it
static const double LIKELY = 1e-3; // nats, from the same z
static const double OWN = 2e-3;    // dW from values of our own, which float32 moves by 1e-4

// --- what a name of the golden values says: ALGORITHM[.NUMBER][.LAYERS][.HOW], a digit a layer

static bool is_of(const cJSON *x, const char *algorithm)
{
    const size_t length = strlen(algorithm);
    return strncmp(x->string, algorithm, length) == 0 && x->string[length] == '.';
}

static const struct em_algorithm *algorithm_of(struct set *t, const char *name)
{
    const struct em_algorithm *a = registry_algorithm(t->registry, name);
    check_ok(t->bench.log, a ? EM_OK : log_status(t->bench.log));
    return a;
}

static struct em_int_list layers_of(const char *digits)
{
    struct em_int_list list = {0};
    for (; *digits >= '0' && *digits <= '9'; digits++)
        list.at[list.num++] = *digits - '0';
    return list;
}

static cJSON *json_layers(const struct em_int_list *layers)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "layers", cJSON_CreateIntArray(layers->at, layers->num));
    return json;
}

// The last layer by its number: the same search, but none of the values that other tests gave.
static void find_own(struct set *t, cJSON *json)
{
    cJSON_AddNumberToObject(json, "v_loss_layer", em_model(t->bench.s)->layers - 1);
}

static void begin_call(struct set *t)
{
    session_call_end(t->bench.s);
    session_call_begin(t->bench.s);
}

// The golden z of facts on the unedited model, as if we had found them.
static void give_values(struct set *t, int layer, const struct em_fact *facts, int n)
{
    struct bench *b = &t->bench;
    for (int i = 0; i < n; i++) {
        size_t width;
        const float *z = layer == t->layer
                             ? golden_floats(b, &t->edits, &width, "z.%s", facts[i].id)
                             : golden_floats(b, &t->batches, &width, "z%d.%s", layer, facts[i].id);
        check_ok(b->log, em_store_put(b->s, &facts[i], "z", z, width));
    }
}

// What the call recorded under a name, against the norms in a list of objects, one a layer.
static void check_norms(struct set *t, const char *series, const cJSON *layers, const char *key,
                        double tolerance)
{
    int num, at = 0;
    const struct session_series *all = session_series(t->bench.s, &num);
    for (const cJSON *x = layers->child; x; x = x->next, at++) {
        while (at < num && strcmp(all[at].name, series) != 0)
            at++;
        assert_true(at < num);
        assert_true(fabs(all[at].value / set_number(x, key) - 1) < tolerance);
    }
}

static void check_all_scores(struct set *t, const char *name, const cJSON *entry, int num_facts,
                             double tolerance, double margin)
{
    for (int i = 0; i < num_facts; i++)
        check_scores(t, name, json_get(entry, "scores"), &t->facts[i], tolerance, margin);
}

// --- MEMIT and EMMET

static void write_batch(struct set *t, const char *algorithm, double number,
                        const struct em_int_list *layers, bool own)
{
    struct bench *b = &t->bench;
    const struct em_algorithm *a = algorithm_of(t, algorithm);
    cJSON *json = json_layers(layers);
    cJSON_AddNumberToObject(json, strcmp(algorithm, "memit") == 0 ? "lambda" : "alpha", number);
    if (own)
        find_own(t, json);
    void *options = check_options(t, a, json);
    begin_call(t);
    if (!own)
        give_values(t, layers->at[layers->num - 1], t->facts, t->num_facts);
    check_ok(b->log, a->apply(b->s, options, t->facts, t->num_facts));
}

static void test_one_layer(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    static const char *const names[] = {"memit", "emmet"};
    const struct em_int_list layers = {1, {t->layer}};
    int seen = 0;
    for (int i = 0; i < 2; i++)
        for (const cJSON *x = t->edited.root->child; x; x = x->next) {
            if (!is_of(x, names[i]))
                continue;
            write_batch(t, names[i], atof(x->string + 6), &layers, false);
            check_update(t, x->string, t->layer, 0,
                         golden_floats(b, &t->updates, NULL, "%s", x->string), UPDATE);
            check_all_scores(t, x->string, x, t->num_facts, LIKELY, 1e-3);
            check_ok(b->log, session_revert(b->s));
            seen++;
        }
    assert_true(seen >= 4);
    check_report(t);
}

static void check_layers(struct set *t, const cJSON *entry, const struct em_int_list *layers,
                         double tolerance)
{
    for (int i = 0; i < layers->num; i++)
        check_update(
            t, entry->string, layers->at[i], 0,
            golden_floats(&t->bench, &t->batches, NULL, "%s.dW.%d", entry->string, layers->at[i]),
            tolerance);
    check_norms(t, "residual_norm", json_get(entry, "layers"), "R", tolerance);
    check_norms(t, "update_norm", json_get(entry, "layers"), "dW", tolerance);
}

static void over_several_layers(struct set *t, bool own)
{
    struct bench *b = &t->bench;
    static const char *const names[] = {"memit", "emmet"};
    int seen = 0;
    for (int i = 0; i < 2; i++)
        for (const cJSON *x = t->several.root->child; x; x = x->next) {
            if (!is_of(x, names[i]))
                continue;
            const struct em_int_list layers = layers_of(strrchr(x->string, '.') + 1);
            char *number = arena_copy(b->arena, x->string + 6); // "20.012": 20 in layers 012
            *strrchr(number, '.') = 0;
            write_batch(t, names[i], atof(number), &layers, own);
            check_layers(t, x, &layers, own ? OWN : UPDATE);
            check_all_scores(t, x->string, x, t->num_facts, own ? 0.05 : LIKELY, own ? 0.05 : 1e-3);
            check_ok(b->log, session_revert(b->s));
            seen++;
        }
    assert_int_equal(seen, 2);
    check_report(t);
}

static void test_several_layers(void **state)
{
    over_several_layers(set_of(state), false);
}

// The same from values that we find: z at the last layer as PyTorch finds it.
static void test_own_values(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    over_several_layers(t, true);
    const size_t D = (size_t) em_model(b->s)->dim;
    const int layer = (int) set_number(json_get(t->several.root, "z"), "layer");
    float *z = em_floats(b->s, D);
    for (int i = 0; i < t->num_facts; i++) {
        const char *id = t->facts[i].id;
        assert_true(em_store_get(b->s, &t->facts[i], "z", z, D));
        assert_true(
            golden_distance(z, golden_floats(b, &t->batches, NULL, "z%d.%s", layer, id), D) < 1e-3);
    }
}

// --- AlphaEdit

// One batch of a sequence; `since`: edits before it.
static void write_alphaedit(struct set *t, const cJSON *entry, const struct em_int_list *layers,
                            int batch, bool own)
{
    struct bench *b = &t->bench;
    const struct em_algorithm *a = algorithm_of(t, "alphaedit");
    const int n = t->num_facts / 2;
    const struct em_fact *facts = t->facts + batch * n;
    cJSON *json = json_layers(layers);
    cJSON_AddNumberToObject(json, "l2", set_number(entry, "l2"));
    if (strstr(entry->string, "threshold"))
        cJSON_AddNumberToObject(json, "null_threshold", 2e-2);
    if (own)
        find_own(t, json);
    void *options = check_options(t, a, json);
    begin_call(t);
    if (batch == 0)
        give_values(t, layers->at[layers->num - 1], facts, n);
    for (int i = 0; i < n && batch == 1 && !own; i++) {
        size_t width;
        const float *z =
            golden_floats(b, &t->batches, &width, "%s.z.%s", entry->string, facts[i].id);
        check_ok(b->log, em_store_put(b->s, &facts[i], "z", z, width));
    }
    check_ok(b->log, a->apply(b->s, options, facts, n));
}

static void check_alphaedit(struct set *t, const cJSON *entry, const struct em_int_list *layers,
                            int batch, int since, double tolerance)
{
    struct bench *b = &t->bench;
    const cJSON *gold = cJSON_GetArrayItem(json_get(entry, "batches"), batch);
    check_norms(t, "update_norm", json_get(gold, "layers"), "dW", tolerance);
    for (int i = 0, num, width; i < layers->num; i++) {
        const float *rows, *dW = golden_floats(b, &t->batches, NULL, "%s.%d.dW.%d", entry->string,
                                               batch, layers->at[i]);
        check_update(t, entry->string, layers->at[i], since, dW, tolerance);
        const char *name = arena_print(b->arena, "keys.%d", layers->at[i]);
        check_ok(b->log, em_kept(b->s, name, &rows, &num, &width));
        assert_int_equal(num, (batch + 1) * (t->num_facts / 2));
        const double norm = golden_norm(rows, (size_t) num * (size_t) width);
        const double want = cJSON_GetArrayItem(json_get(gold, "K0_after"), i)->valuedouble;
        assert_true(fabs(norm / want - 1) < tolerance);
    }
}

static void two_batches(struct set *t, const cJSON *entry, bool own)
{
    struct bench *b = &t->bench;
    const struct em_int_list layers = layers_of(entry->string + strlen("alphaedit."));
    for (int batch = 0, since; batch < 2; batch++) {
        session_edits(b->s, &since);
        write_alphaedit(t, entry, &layers, batch, own);
        check_alphaedit(t, entry, &layers, batch, since, own ? OWN : UPDATE);
        const cJSON *gold = cJSON_GetArrayItem(json_get(entry, "batches"), batch);
        check_all_scores(t, entry->string, gold, (batch + 1) * (t->num_facts / 2),
                         own ? 0.05 : LIKELY, own ? 0.05 : 1e-3);
    }
    check_ok(b->log, session_revert(b->s));
}

static void test_alphaedit(void **state)
{
    struct set *t = set_of(state);
    int seen = 0;
    for (const cJSON *x = t->several.root->child; x; x = x->next)
        if (is_of(x, "alphaedit")) {
            two_batches(t, x, false);
            seen++;
        }
    assert_int_equal(seen, 4);
    check_report(t);
}

// The second batch's values found on the model that holds the first.
static void test_alphaedit_own_values(void **state)
{
    struct set *t = set_of(state);
    for (const cJSON *x = t->several.root->child; x; x = x->next)
        if (is_of(x, "alphaedit") && layers_of(x->string + strlen("alphaedit.")).num > 1 &&
            strstr(x->string, "share"))
            two_batches(t, x, true);
    check_report(t);
}

// --- ROME, nothing restored between facts

static void test_sequence(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    const cJSON *entry = json_get(t->edited.root, "sequential-rome");
    const struct em_int_list layers = {1, {t->layer}};
    void *options = check_options(t, t->rome, json_layers(&layers));
    const cJSON *step = json_get(entry, "steps")->child;
    for (int i = 0; i < t->num_facts; i++, step = step->next) {
        begin_call(t);
        check_ok(b->log, t->rome->apply(b->s, options, &t->facts[i], 1));
        if (!check_log(t, t->facts[i].id, json_get(step, "log")))
            return; // another number of steps, which rounding decided: what follows differs
    }
    check_update(t, "sequential-rome", t->layer, 0,
                 golden_floats(b, &t->updates, NULL, "sequential-rome"), OWN);
    check_all_scores(t, "sequential-rome", entry, t->num_facts, 0.05, 0.05);
    check_report(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_layer),
        cmocka_unit_test(test_several_layers),
        cmocka_unit_test(test_own_values),
        cmocka_unit_test(test_alphaedit),
        cmocka_unit_test(test_alphaedit_own_values),
        cmocka_unit_test(test_sequence),
    };
    const int world = cmocka_run_group_tests_name("world", tests, set_begin_world, set_end);
    return world + cmocka_run_group_tests_name("outside", tests, set_begin_outside, set_end);
}
