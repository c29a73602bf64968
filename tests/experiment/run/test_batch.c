// Runs in batches on the small world: a batch is edited at once and taken back to the bit, and a
// run that was cut off anywhere does its unfinished batch again and ends with the same bytes.

#include "base/file/hash.h"
#include "base/text/json.h"
#include "house.h"

// Seven facts in batches of three: two whole ones, and a last one of a single fact.
enum { FACTS = 7, BATCH = 3, LAYERS = 4 };

static const char experiment[] =
    "{\"name\": \"small\", \"model\": \"" WORLD "\",\n"
    "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 7},\n"
    "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"
    "\"algorithm\": {\"name\": \"memit\", \"layers\": [0], \"lambda\": 50, "
    "\"v_num_grad_steps\": 6},\n"
    "\"run\": {\"mode\": \"batch\", \"batch_size\": 3},\n"
    "\"evaluate\": {\"texts\": 4, \"text_length\": 12}}\n";

static int set_up(void **state)
{
    return house_set_up(state, experiment);
}

// The lines of a run's cases, each to be read with cJSON; cuts `text` up.
static int split_lines(char *text, char *lines[FACTS])
{
    int num = 0;
    char *save = NULL;
    for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save), num++) {
        assert_true(num < FACTS);
        lines[num] = l;
    }
    return num;
}

static int length_of(const cJSON *line, const char *series)
{
    return cJSON_GetArraySize(json_get(json_get(line, "series"), series));
}

// A line a case in the data's order; what was recorded of a batch stands with its first case, and
// the first `texts` cases have texts, whatever batch they are in.
static void test_lines(void **state)
{
    struct house *h = *state;
    char *lines[FACTS];
    assert_int_equal(split_lines(house_read(h, h->finished, "cases.jsonl"), lines), FACTS);
    int losses = 0;
    for (int i = 0; i < FACTS; i++) {
        cJSON *line = cJSON_Parse(lines[i]);
        const bool is_first = i % BATCH == 0;
        assert_int_equal(json_get(line, "case_id")->valueint, i);
        assert_int_equal(json_get(line, "series") != NULL, is_first);
        assert_int_equal(length_of(line, "residual_norm"), is_first ? 1 : 0);
        assert_int_equal(json_get(json_get(line, "post"), "rewrite_text") != NULL, i < 4);
        if (i == 0)
            losses = length_of(line, "loss");
        if (i == FACTS - 1)
            assert_true(losses > length_of(line, "loss")); // of three facts, and of one
        cJSON_Delete(line);
    }
}

// Facts of a batch are written together: alone each leaves other answers behind.
static void test_batch_is_one_edit(void **state)
{
    struct house *h = *state;
    const char *alone = room_path(&h->room, "alone"), *one = room_path(&h->room, "one");
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = alone, .set = "run.batch_size=1"}));
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = one, .set = "run={}"}));
    const char *cases = house_read(h, alone, "cases.jsonl");
    assert_string_not_equal(cases, house_read(h, h->finished, "cases.jsonl"));
    assert_string_equal(cases, house_read(h, one, "cases.jsonl"));
}

static void test_summary_says_the_batch(void **state)
{
    struct house *h = *state;
    cJSON *summary = cJSON_Parse(house_read(h, h->finished, "summary.json"));
    const cJSON *run = json_get(summary, "run");
    assert_string_equal(cJSON_GetStringValue(json_get(run, "mode")), "batch");
    assert_int_equal(json_get(run, "batch_size")->valueint, BATCH);
    assert_int_equal(json_get(json_get(json_get(summary, "metrics"), "efficacy"), "n")->valueint,
                     FACTS);
    cJSON_Delete(summary);
}

// --- weights

struct weights {
    int edits; // batches after which they were looked at
    char before[LAYERS][HASH_SIZE];
};

static void hash_layer(struct em_session *s, int layer, char hex[HASH_SIZE])
{
    const size_t bytes = sizeof(float) * (size_t) em_model(s)->dim * (size_t) em_model(s)->ffn;
    float *w = malloc(bytes);
    assert_non_null(w);
    session_call_begin(s);
    assert_int_equal(em_weight_read(s, EM_MATRIX_DOWN, layer, w), EM_OK);
    session_call_end(s);
    hash_of(w, bytes, hex);
    free(w);
}

static void look_at_weights(void *user, struct experiment *e, const char *what)
{
    struct weights *w = user;
    struct em_session *s = experiment_session(e);
    char hex[HASH_SIZE];
    if (!*w->before[0] && strcmp(what, "before") == 0)
        for (int l = 0; l < LAYERS; l++)
            hash_layer(s, l, w->before[l]);
    if (strcmp(what, "edit") != 0)
        return;
    w->edits++;
    for (int l = 0; l < LAYERS; l++) {
        hash_layer(s, l, hex);
        assert_string_equal(hex, w->before[l]);
    }
}

static void test_weights_are_restored(void **state)
{
    struct house *h = *state;
    struct weights w = {0};
    const char *out = room_path(&h->room, "weights");
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = out,
                                                      .set = "algorithm.layers=[0,2]",
                                                      .watch = look_at_weights,
                                                      .user = &w}));
    assert_int_equal(w.edits, (FACTS + BATCH - 1) / BATCH);
}

// --- cut off and resumed

// At each border of two lines, within each line, and before the summary.
static void test_goes_on(void **state)
{
    struct house *h = *state;
    const char *cases = house_read(h, h->finished, "cases.jsonl");
    size_t places[2 * FACTS + 1] = {0};
    int num = 1;
    for (const char *at = cases, *end; (end = strchr(at, '\n')); at = end + 1) {
        places[num++] = (size_t) (at - cases) + (size_t) (end - at) / 2;
        places[num++] = (size_t) (end + 1 - cases);
    }
    assert_int_equal(num, 2 * FACTS + 1);
    for (int i = 0; i < num; i++) {
        const char *name = arena_print(h->room.arena, "cut-%d", i);
        const char *folder = house_cut_off(h, name, &(struct cut) {"cases.jsonl", places[i]}, 1);
        room_ok(&h->room, house_run(h, &(struct attempt) {.out = folder}));
        house_check_same(h, folder);
    }
}

// Stopped after a batch, the journal holds whole batches.
static void test_stopped_and_resumed(void **state)
{
    struct house *h = *state;
    const char *out = room_path(&h->room, "stopped");
    char *lines[FACTS];
    assert_int_equal(
        house_run(h, &(struct attempt) {.out = out, .befalls = 2 * BATCH, .stops = true}),
        EM_STOPPED);
    assert_int_equal(split_lines(house_read(h, out, "cases.jsonl"), lines), 2 * BATCH);
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = out}));
    house_check_same(h, out);
}

static void test_another_batch_size_is_another_run(void **state)
{
    struct house *h = *state;
    assert_int_equal(
        house_run(h, &(struct attempt) {.out = h->finished, .set = "run.batch_size=2"}),
        EM_ERR_CONFIG);
    room_check_error(&h->room,
                     "@/finished: belongs to another experiment: its run.batch_size is 3, here it "
                     "is 2; choose another folder with --out, or move this one aside with --fresh");
}

// --- other algorithms

// EMMET's last batch, of one fact, drops alpha: it is the batch of one.
static void test_emmet_last_batch_of_one(void **state)
{
    struct house *h = *state;
    static const char *const sizes[] = {
        "run={\"mode\": \"batch\", \"batch_size\": 3}",
        "run={\"mode\": \"single\"}",
    };
    char *last[2], *lines[FACTS];
    room_write(&h->room, "house.json",
               "{\"name\": \"small\", \"model\": \"" WORLD "\",\n"
               "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 7},\n"
               "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"
               "\"algorithm\": {\"name\": \"emmet\", \"layers\": [0], \"v_num_grad_steps\": 6},\n"
               "\"evaluate\": {\"texts\": 0}}\n");
    for (int i = 0; i < 2; i++) {
        const char *out = room_path(&h->room, arena_print(h->room.arena, "emmet-%d", i));
        const enum em_status status = house_run(h, &(struct attempt) {.out = out, .set = sizes[i]});
        if (status != EM_OK)
            room_write(&h->room, "house.json", experiment);
        room_ok(&h->room, status);
        split_lines(house_read(h, out, "cases.jsonl"), lines);
        last[i] = lines[FACTS - 1];
    }
    room_write(&h->room, "house.json", experiment);
    assert_string_equal(last[0], last[1]);
}

// The shipped demonstration edits well.
static void test_demo(void **state)
{
    struct house *h = *state;
    room_write(&h->room, "house.json", "{\"extends\": \"" EXPERIMENTS "/demo-batch.json\"}");
    const char *out = room_path(&h->room, "demo");
    const enum em_status status = house_run(h, &(struct attempt) {.out = out});
    room_write(&h->room, "house.json", experiment);
    room_ok(&h->room, status);
    cJSON *summary = cJSON_Parse(house_read(h, out, "summary.json"));
    const cJSON *metrics = json_get(summary, "metrics");
    static const char *const names[] = {"efficacy", "paraphrase", "neighborhood", "score"};
    for (int i = 0; i < 4; i++)
        assert_true(json_get(json_get(metrics, names[i]), "mean")->valuedouble > 80);
    cJSON_Delete(summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_batch_is_one_edit),
        cmocka_unit_test(test_summary_says_the_batch),
        cmocka_unit_test(test_weights_are_restored),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_stopped_and_resumed),
        cmocka_unit_test(test_another_batch_size_is_another_run),
        cmocka_unit_test(test_emmet_last_batch_of_one),
        cmocka_unit_test(test_demo),
    };
    return cmocka_run_group_tests(tests, set_up, house_tear_down);
}
