// Operations counted ahead against those that the plans then do, on the small world, and what a
// chip's peaks make of them.

#include <math.h>

#include "experiment/run/evaluate.h"
#include "experiment/sweep/estimate/chip.h"
#include "room.h"

#define EXPERIMENT(layer)                                                                          \
    "{\"name\": \"small\", \"model\": \"" WORLD "\",\n"                                            \
    "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 9},\n"                              \
    "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"                                    \
    "\"algorithm\": {\"name\": \"memit\", \"layers\": [" #layer "], \"v_num_grad_steps\": 3},\n"   \
    "\"run\": {\"mode\": \"batch\"}, \"evaluate\": {\"before\": false, \"texts\": 0}}\n"

static struct sweep *open_sweep(struct room *r, const char *text)
{
    struct sweep *s = sweep_open(&(struct experiment_params) {.log = r->log,
                                                              .registry = r->registry,
                                                              .path = room_write(r, "x.json", text),
                                                              .out = room_path(r, "out"),
                                                              .device = "cpu"});
    assert_non_null(s);
    return s;
}

// Prepares all facts, as a run does; the flop that it took.
static double prepare(struct experiment *e)
{
    const double before = session_cost(e->session).flop;
    const double begun = experiment_call_begin(e);
    assert_int_equal(
        e->spec.algorithm->prepare(e->session, e->spec.options, e->data.facts, e->data.num), EM_OK);
    experiment_call_end(e, PHASE_VALUE, begun);
    return session_cost(e->session).flop - before;
}

static double ask(struct experiment *e)
{
    const double before = session_cost(e->session).flop;
    struct em_reply **replies = evaluate_replies(e->arena, &e->data);
    assert_int_equal(evaluate_cases(e, 0, e->data.num, replies), EM_OK);
    return session_cost(e->session).flop - before;
}

static void check_near(double counted, double done, double tolerance)
{
    if (!(fabs(counted - done) <= tolerance * done))
        fail_msg("counted %.6g, done %.6g: %.1f %% apart", counted, done,
                 100 * (counted / done - 1));
}

// Templates are texts of the model's, whose length in tokens is only about what was asked for.
static void check_counts(struct room *r, const char *text)
{
    struct sweep *s = open_sweep(r, text);
    struct operations o;
    assert_int_equal(operations_count(s, r->arena, &o), EM_OK);
    struct experiment *e = s->points[0].experiment;
    assert_int_equal(experiment_setup(e), EM_OK);
    check_near(o.phases[PHASE_VALUE].flop, prepare(e), 0.05);
    check_near(o.phases[PHASE_EVALUATE].flop, ask(e), 0.01);
    sweep_destroy(&s);
}

static void counts_are_what_is_done(void **state)
{
    struct room *r = *state;
    check_counts(r, EXPERIMENT(0));
    check_counts(r, EXPERIMENT(2));
}

// Points that share values and answers before the edits have them counted once.
static void points_share(void **state)
{
    struct room *r = *state;
    static const char *const one = "{\"extends\": \"one.json\"}\n";
    static const char *const two =
        "{\"extends\": \"one.json\", \"sweep\": {\"algorithm.lambda\": [10, 100]}}\n";
    struct operations single, twice;
    room_write(r, "one.json", EXPERIMENT(1));
    struct sweep *s = open_sweep(r, one);
    assert_int_equal(operations_count(s, r->arena, &single), EM_OK);
    sweep_destroy(&s);
    s = open_sweep(r, two);
    assert_int_equal(operations_count(s, r->arena, &twice), EM_OK);
    sweep_destroy(&s);
    assert_true(twice.phases[PHASE_VALUE].flop == single.phases[PHASE_VALUE].flop);
    assert_true(twice.phases[PHASE_COVARIANCE].flop == single.phases[PHASE_COVARIANCE].flop);
    const double once = single.phases[PHASE_EVALUATE].flop;
    const double again = twice.phases[PHASE_EVALUATE].flop - once;
    assert_true(again < once);
    s = open_sweep(r, one); // which edits layer 1
    assert_int_equal(experiment_setup(s->points[0].experiment), EM_OK);
    session_expect_edits(s->points[0].experiment->session, 1);
    check_near(once, ask(s->points[0].experiment), 0.01);
    check_near(again, ask(s->points[0].experiment), 0.01);
    sweep_destroy(&s);
}

static void chips_have_peaks(void **state)
{
    struct room *r = *state;
    struct chip c;
    const struct work product = {.flop = 3e12, .bytes = 1e9}, copy = {.flop = 1e9, .bytes = 8e11};
    assert_int_equal(chip_find(r->log, r->arena, "1.5:400", &c), EM_OK);
    assert_true(chip_seconds(&c, &product) == 2 && chip_seconds(&c, &copy) == 2);
    assert_int_equal(chip_find(r->log, r->arena, "h100", &c), EM_OK);
    assert_true(c.memory == 80e9);
    static const char *const bad[] = {"",     "h1",    "1:",    "1:2x", "0:1",
                                      "-1:5", "nan:1", "1:inf", "x:1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        room_new_log(r);
        assert_int_equal(chip_find(r->log, r->arena, bad[i], &c), EM_ERR_CONFIG);
    }
}

static int open_room(void **state)
{
    static struct room room;
    room_open(&room);
    *state = &room;
    return 0;
}

static int close_room(void **state)
{
    room_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_what_is_done),
        cmocka_unit_test(points_share),
        cmocka_unit_test(chips_have_peaks),
    };
    return cmocka_run_group_tests(tests, open_room, close_room);
}
