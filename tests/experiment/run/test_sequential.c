// Sequential runs on the small world: edits that stay, facts that are asked again, states that are
// measured, and a run that was cut off anywhere going on from the saved edits to the same bytes.

#include "base/text/json.h"
#include "house.h"

// Seven facts in batches of two, a last one of one; asked again at 4 (the first batch's end behind
// the third edit), 6 and 7 edits. AlphaEdit keeps rows too.
enum { FACTS = 7, BATCH = 2, RETAINED = 4 + 6 + 7, STATES = 3 }; // and the unedited model

static const char experiment[] =
    "{\"name\": \"small\", \"model\": \"" WORLD "\",\n"
    "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 7},\n"
    "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"
    "\"algorithm\": {\"name\": \"alphaedit\", \"layers\": [0, 1], \"v_num_grad_steps\": 5},\n"
    "\"metrics\": [\"efficacy\", \"norm\", {\"name\": \"drift\", \"text\": \"" WORLD
    "/corpus.txt\"}],\n"
    "\"run\": {\"mode\": \"sequential-batched\", \"batch_size\": 2},\n"
    "\"evaluate\": {\"retained\": {\"every\": 3}, \"texts\": 1, \"text_length\": 12}}\n";

static int set_up(void **state)
{
    return house_set_up(state, experiment);
}

static int number(const cJSON *json, const char *key)
{
    assert_true(cJSON_IsNumber(json_get(json, key)));
    return json_get(json, key)->valueint;
}

static double mean_of(const cJSON *metrics, const char *name)
{
    const cJSON *mean = json_get(json_get(metrics, name), "mean");
    assert_true(cJSON_IsNumber(mean));
    return mean->valuedouble;
}

static double likelihood_of(const cJSON *line)
{
    const cJSON *probs = json_get(json_get(line, "post"), "rewrite_prompts_probs");
    return json_get(cJSON_GetArrayItem(probs, 0), "target_new")->valuedouble;
}

static void check_near(double a, double b)
{
    assert_true(a - b < 1e-5 && b - a < 1e-5);
}

static void test_journals(void **state)
{
    struct house *h = *state;
    static const int asked[] = {4, 6, 7};
    cJSON *cases = house_lines(h, h->finished, "cases.jsonl");
    cJSON *retained = house_lines(h, h->finished, "retained.jsonl");
    cJSON *states = house_lines(h, h->finished, "states.jsonl");
    assert_int_equal(cJSON_GetArraySize(cases), FACTS);
    assert_int_equal(cJSON_GetArraySize(retained), RETAINED);
    assert_int_equal(cJSON_GetArraySize(states), 1 + STATES);
    const cJSON *line = cases->child;
    for (int i = 0; i < FACTS; i++, line = line->next) {
        assert_int_equal(number(line, "case_id"), i);
        assert_int_equal(number(line, "edits"), i == FACTS - 1 ? FACTS : i / BATCH * BATCH + BATCH);
        assert_non_null(json_get(line, "post"));
    }
    line = retained->child;
    const cJSON *measured = states->child->next;
    for (int k = 0; k < STATES; k++, measured = measured->next) {
        for (int i = 0; i < asked[k]; i++, line = line->next) {
            assert_int_equal(number(line, "edits"), asked[k]);
            assert_int_equal(number(line, "case_id"), i);
        }
        assert_int_equal(number(measured, "edits"), asked[k]);
        assert_int_equal(number(measured, "first"), 0);
        assert_true(json_get(measured, "drift")->valuedouble > 0);
        assert_true(json_get(measured, "norm")->valuedouble > 0);
    }
    // the last fact is asked twice on the same model, in other company
    check_near(likelihood_of(cJSON_GetArrayItem(cases, FACTS - 1)),
               likelihood_of(cJSON_GetArrayItem(retained, RETAINED - 1)));
    cJSON_Delete(cases);
    cJSON_Delete(retained);
    cJSON_Delete(states);
}

static double efficacy_of(const cJSON *lines, int first, int num)
{
    int right = 0;
    for (int i = first; i < first + num; i++) {
        const cJSON *post = json_get(cJSON_GetArrayItem(lines, i), "post");
        const cJSON *pair = cJSON_GetArrayItem(json_get(post, "rewrite_prompts_probs"), 0);
        right +=
            json_get(pair, "target_true")->valuedouble > json_get(pair, "target_new")->valuedouble;
    }
    return 100.0 * right / num;
}

// The summary follows from the journals.
static void test_summary(void **state)
{
    struct house *h = *state;
    cJSON *summary = cJSON_Parse(house_read(h, h->finished, "summary.json"));
    cJSON *cases = house_lines(h, h->finished, "cases.jsonl");
    cJSON *retained = house_lines(h, h->finished, "retained.jsonl");
    cJSON *states = house_lines(h, h->finished, "states.jsonl");
    const cJSON *fresh_curve = json_get(summary, "fresh_curve");
    const cJSON *curve = json_get(summary, "retained_curve");
    assert_int_equal(cJSON_GetArraySize(fresh_curve), 4); // batches
    assert_int_equal(cJSON_GetArraySize(curve), STATES);
    for (const cJSON *p = fresh_curve->child; p; p = p->next)
        check_near(mean_of(json_get(p, "metrics"), "efficacy"),
                   efficacy_of(cases, 0, number(p, "edits")));
    int first = 0;
    for (const cJSON *p = curve->child; p; p = p->next) {
        check_near(mean_of(json_get(p, "metrics"), "efficacy"),
                   efficacy_of(retained, first, number(p, "edits")));
        first += number(p, "edits");
    }
    const cJSON *last = json_get(summary, "retained");
    assert_int_equal(number(last, "edits"), FACTS);
    check_near(mean_of(json_get(last, "metrics"), "efficacy"),
               efficacy_of(retained, RETAINED - FACTS, FACTS));
    check_near(mean_of(json_get(summary, "before"), "norm"), 0);
    cJSON_DeleteItemFromArray(states, 0);
    assert_true(cJSON_Compare(json_get(summary, "states"), states, true));
    const cJSON *drift = json_get(cJSON_GetArrayItem(states, STATES - 1), "drift");
    check_near(mean_of(json_get(last, "metrics"), "drift"), drift->valuedouble);
    assert_int_equal(number(json_get(json_get(summary, "metrics"), "drift"), "n"), STATES);
    const cJSON *series = json_get(summary, "series");
    assert_int_equal(number(json_get(series, "residual_norm"), "n"), 4 * 2); // batches, layers
    cJSON_Delete(cases);
    cJSON_Delete(retained);
    cJSON_Delete(states);
    cJSON_Delete(summary);
}

// --- cut off and resumed

static void check_resumed(struct house *h, const char *name, const struct cut *cuts, int num)
{
    const char *folder = house_cut_off(h, name, cuts, num);
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = folder}));
    house_check_same(h, folder);
}

// Within or behind every `step`th line of a journal. What was written later is there or not: a run
// that was killed has nothing of it, one whose file was damaged has.
static void check_cuts(struct house *h, const char *journal, const char *later, int step)
{
    const char *text = house_read(h, h->finished, journal);
    int i = 0;
    for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, i++) {
        const bool behind = i / step % 2;
        const struct cut cuts[] = {
            {journal, (size_t) (behind ? end + 1 - text : at + 9 - text)},
            {later, 0},
        };
        const char *name = arena_print(h->room.arena, "%s-%d", journal, i);
        if (i % step == 0)
            check_resumed(h, name, cuts, i / step % 4 == 3 ? 1 : 2);
    }
}

static void test_goes_on(void **state)
{
    check_cuts(*state, "cases.jsonl", "retained.jsonl", 2);
    check_cuts(*state, "retained.jsonl", "states.jsonl", 5);
    check_cuts(*state, "states.jsonl", "edits/000003.safetensors", 2);
}

static const char *log_of(struct house *h, const char *folder)
{
    return house_read(h, folder, "log.txt");
}

// A file of changes that is gone, cut off, or has one bit turned is found out and made again, with
// all that came after it.
static void test_damaged_edits(void **state)
{
    struct house *h = *state;
    struct room *r = &h->room;
    char *text;
    size_t size;
    check_resumed(h, "gone", &(struct cut) {"edits/000001.safetensors", 0}, 1);
    check_resumed(h, "short", &(struct cut) {"edits/000002.safetensors", 600}, 1);
    const char *folder = house_cut_off(h, "turned", NULL, 0);
    const char *path = path_join(r->arena, folder, "edits/000001.safetensors");
    room_ok(r, file_read(r->log, r->arena, path, &text, &size));
    text[size - 100] ^= 1;
    room_ok(r, file_write(r->log, path, text, size));
    room_ok(r, house_run(h, &(struct attempt) {.out = folder}));
    house_check_same(h, folder);
    const char *said = arena_print(r->arena,
                                   "%s: is missing or damaged; the facts from number 3 on are "
                                   "edited again",
                                   path);
    assert_non_null(strstr(log_of(h, folder), said));
}

// What a killed process was writing is swept up.
static void test_leftovers(void **state)
{
    struct house *h = *state;
    const char *folder = house_cut_off(h, "leftovers", &(struct cut) {"states.jsonl", 0}, 1);
    room_write(&h->room, "leftovers/summary.json.part-77", "{");
    room_write(&h->room, "leftovers/edits/000001.safetensors.part-77", "x");
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = folder}));
    house_check_same(h, folder);
}

// --- interrupted

struct stop { // at the `left`th sign of progress of a kind
    struct house *house;
    const char *what;
    int left;
};

static void stop_at(void *user, struct experiment *e, const char *what)
{
    struct stop *s = user;
    (void) e;
    if (strcmp(what, s->what) == 0 && s->left-- == 0)
        log_stop(s->house->room.log);
}

static void test_stopped_and_resumed(void **state)
{
    struct house *h = *state;
    static const struct stop places[] = {
        {NULL, "before", 0},
        {NULL, "value", 25},
        {NULL, "edit", 1},
        {NULL, "retained", 1},
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        struct stop stop = places[i];
        stop.house = h;
        const char *out = room_path(&h->room, arena_print(h->room.arena, "stopped-%zu", i));
        assert_int_equal(
            house_run(h, &(struct attempt) {.out = out, .watch = stop_at, .user = &stop}),
            EM_STOPPED);
        assert_false(file_exists(path_join(h->room.arena, out, "summary.json")));
        room_ok(&h->room, house_run(h, &(struct attempt) {.out = out}));
        house_check_same(h, out);
    }
}

// --- other ways to run

// Mode "batch" has a state a batch; a missing one is measured on the saved edit.
static void test_states_of_batches(void **state)
{
    static const char text[] =
        "{\"model\": \"" WORLD "\", \"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 3},\n"
        "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"
        "\"algorithm\": {\"name\": \"memit\", \"layers\": [0], \"v_num_grad_steps\": 3},\n"
        "\"metrics\": [\"norm\"], \"run\": {\"mode\": \"batch\", \"batch_size\": 2},\n"
        "\"evaluate\": {\"before\": false, \"texts\": 0}}";
    struct house h = {0};
    (void) state;
    house_open(&h, text);
    cJSON *states = house_lines(&h, h.finished, "states.jsonl");
    assert_int_equal(cJSON_GetArraySize(states), 2);
    const cJSON *last = cJSON_GetArrayItem(states, 1);
    assert_int_equal(number(last, "first"), 2);
    assert_int_equal(number(last, "edits"), 1);
    cJSON_Delete(states);
    check_resumed(&h, "none", &(struct cut) {"states.jsonl", 0}, 1);
    check_resumed(&h, "within", &(struct cut) {"states.jsonl", 50}, 1);
    house_close(&h);
}

// Nothing asked right after a batch, and nothing kept to ask about: the edits alone.
static void test_fresh_is_left_out(void **state)
{
    struct house *h = *state;
    const char *out = room_path(&h->room, "no-fresh");
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = out, .set = "evaluate.fresh=false"}));
    cJSON *summary = cJSON_Parse(house_read(h, out, "summary.json"));
    assert_null(json_get(json_get(summary, "metrics"), "efficacy"));
    assert_int_equal(cJSON_GetArraySize(json_get(summary, "fresh_curve")), 0);
    assert_non_null(json_get(json_get(json_get(summary, "retained"), "metrics"), "efficacy"));
    cJSON_Delete(summary);
    assert_string_equal(house_read(h, out, "retained.jsonl"),
                        house_read(h, h->finished, "retained.jsonl"));
    assert_null(strstr(house_read(h, out, "cases.jsonl"), "post"));
    out = room_path(&h->room, "never");
    room_ok(&h->room,
            house_run(h, &(struct attempt) {.out = out, .set = "evaluate.retained=\"none\""}));
    assert_false(file_exists(path_join(h->room.arena, out, "retained.jsonl")));
    assert_string_equal(house_read(h, out, "cases.jsonl"),
                        house_read(h, h->finished, "cases.jsonl"));
}

// Mode "sequential" is batches of one.
static void test_one_after_another(void **state)
{
    struct house *h = *state;
    static const char *const sets[] = {
        "run={\"mode\": \"sequential\"}",
        "run={\"mode\": \"sequential-batched\", \"batch_size\": 1}",
    };
    const char *cases[2];
    for (int i = 0; i < 2; i++) {
        const char *out = room_path(&h->room, i ? "batches-of-one" : "one-by-one");
        room_ok(&h->room, house_run(h, &(struct attempt) {.out = out, .set = sets[i]}));
        cases[i] = house_read(h, out, "cases.jsonl");
        house_read(h, out, "edits/000006.safetensors");
    }
    assert_string_equal(cases[0], cases[1]);
    assert_string_not_equal(cases[0], house_read(h, h->finished, "cases.jsonl"));
}

// The shipped demonstrations edit well.
static void test_demos(void **state)
{
    (void) state;
    static const char *const names[] = {"demo-sequential", "demo-sequential-batched",
                                        "demo-alphaedit"};
    for (int i = 0; i < 3; i++) {
        struct house h = {0};
        char text[256];
        snprintf(text, sizeof(text), "{\"extends\": \"" EXPERIMENTS "/%s.json\"}", names[i]);
        house_open(&h, text);
        cJSON *summary = cJSON_Parse(house_read(&h, h.finished, "summary.json"));
        assert_true(mean_of(json_get(summary, "metrics"), "score") > 75);
        assert_true(mean_of(json_get(json_get(summary, "retained"), "metrics"), "score") > 65);
        cJSON_Delete(summary);
        house_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journals),          cmocka_unit_test(test_summary),
        cmocka_unit_test(test_goes_on),           cmocka_unit_test(test_damaged_edits),
        cmocka_unit_test(test_leftovers),         cmocka_unit_test(test_stopped_and_resumed),
        cmocka_unit_test(test_states_of_batches), cmocka_unit_test(test_fresh_is_left_out),
        cmocka_unit_test(test_one_after_another), cmocka_unit_test(test_demos),
    };
    return cmocka_run_group_tests(tests, set_up, house_tear_down);
}
