// Metrics against cases worked out by hand.

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/registry.h"

enum { QUESTIONS = 7 };

static const struct em_question questions[QUESTIONS] = {
    {"rewrite", "r", "new", "true"},       {"paraphrase", "p1", "new", "true"},
    {"paraphrase", "p2", "new", "true"},   {"neighborhood", "n1", "new", "true"},
    {"neighborhood", "n2", "new", "true"}, {"neighborhood", "n3", "new", "true"},
    {"generation", "g", NULL, NULL},
};
static const struct em_reply replies[QUESTIONS] = {
    {.new_ = {1.5, false}, .true_ = {1.5, false}}, // a tie is no success
    {.new_ = {1, true}, .true_ = {2, false}},      // success
    {.new_ = {3, false}, .true_ = {2.999, true}},  // failure
    {.new_ = {0.5, false}, .true_ = {0.5, true}},  // a tie is no success here either
    {.new_ = {2, false}, .true_ = {1, true}},      // kept
    {.new_ = {1, true}, .true_ = {2, false}},      // lost
};
static const struct em_case one_case = {
    .questions = questions, .replies = replies, .num_questions = QUESTIONS};

static double measure(struct registry *r, const char *name, const struct em_case *c)
{
    double value = -1;
    const struct em_metric *m = registry_metric(r, name);
    assert_non_null(m);
    assert_int_equal(m->scope, EM_PER_CASE);
    return m->measure(NULL, c, &value) ? value : NAN;
}

static struct registry *open_registry(struct log *log)
{
    static const char *const folders[] = {PLUGINS};
    return registry_create(log, folders, 1);
}

static void test_shares(void **state)
{
    (void) state;
    struct log *log = log_create(NULL, LOG_QUIET);
    struct registry *r = open_registry(log);
    assert_true(measure(r, "efficacy", &one_case) == 0);
    assert_true(measure(r, "paraphrase", &one_case) == 0.5);
    assert_true(measure(r, "neighborhood", &one_case) == 1.0 / 3);
    const struct em_case only_rewrite = {
        .questions = questions, .replies = replies, .num_questions = 1};
    assert_true(isnan(measure(r, "paraphrase", &only_rewrite)));
    assert_true(isnan(measure(r, "neighborhood", &only_rewrite)));
    const struct em_question without_true = {"rewrite", "r", "new", NULL};
    const struct em_case untrue = {
        .questions = &without_true, .replies = replies, .num_questions = 1};
    assert_true(isnan(measure(r, "efficacy", &untrue)));
    registry_destroy(&r);
    log_destroy(&log);
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void test_magnitudes(void **state)
{
    (void) state;
    static const struct em_reply by_probability[QUESTIONS] = {
        {.new_ = {0.69314718055994529, true}, .true_ = {2.3025850929940459, false}}, // 1/2, 1/10
        {.new_ = {0, true}, .true_ = {1.3862943611198906, false}},                   // 1, 1/4
        {.new_ = {2.3025850929940459, false}, .true_ = {0.69314718055994529, true}}, // 1/10, 1/2
        {.new_ = {1.3862943611198906, false}, .true_ = {0.69314718055994529, true}}, // 1/4, 1/2
        {.new_ = {1, false}, .true_ = {1, false}},                                   // equal
        {.new_ = {0.69314718055994529, false}, .true_ = {1.3862943611198906, true}}, // 1/2, 1/4
    };
    const struct em_case c = {
        .questions = questions, .replies = by_probability, .num_questions = QUESTIONS};
    struct log *log = log_create(NULL, LOG_QUIET);
    struct registry *r = open_registry(log);
    assert_true(is_near(measure(r, "efficacy_magnitude", &c), 0.4));
    assert_true(is_near(measure(r, "paraphrase_magnitude", &c), (0.75 - 0.4) / 2));
    assert_true(is_near(measure(r, "neighborhood_magnitude", &c), 0));
    const struct em_case one_neighbor = {
        .questions = questions + 3, .replies = by_probability + 3, .num_questions = 1};
    assert_true(is_near(measure(r, "neighborhood_magnitude", &one_neighbor), 0.25));
    assert_true(isnan(measure(r, "efficacy_magnitude", &one_neighbor)));
    registry_destroy(&r);
    log_destroy(&log);
}

static void test_accuracies(void **state)
{
    (void) state;
    struct log *log = log_create(NULL, LOG_QUIET);
    struct registry *r = open_registry(log);
    assert_true(measure(r, "efficacy_accuracy", &one_case) == 0);
    assert_true(measure(r, "paraphrase_accuracy", &one_case) == 0.5);
    assert_true(measure(r, "neighborhood_accuracy", &one_case) == 2.0 / 3);
    // What the new target's tokens are is known without a true one.
    const struct em_question rewrite = {"rewrite", "r", "new", NULL};
    const struct em_reply reply = {.new_ = {0.1, true}};
    const struct em_case untrue = {.questions = &rewrite, .replies = &reply, .num_questions = 1};
    assert_true(measure(r, "efficacy_accuracy", &untrue) == 1);
    assert_true(isnan(measure(r, "neighborhood_accuracy", &untrue)));
    registry_destroy(&r);
    log_destroy(&log);
}

static double fluency_of(struct registry *r, const char *const *texts, int num)
{
    static const struct em_question asked[] = {{"generation", "g", NULL, NULL},
                                               {"generation", "g", NULL, NULL}};
    const struct em_reply written[] = {{.text = texts[0]}, {.text = num > 1 ? texts[1] : NULL}};
    const struct em_case c = {.questions = asked, .replies = written, .num_questions = num};
    return measure(r, "fluency", &c);
}

static void test_fluency(void **state)
{
    (void) state;
    struct log *log = log_create(NULL, LOG_QUIET);
    struct registry *r = open_registry(log);
    // Pairs ab bc ca ab bc: 2/5, 2/5, 1/5. Triples abc bca cab abc: 2/4, 1/4, 1/4.
    const double pairs = -0.8 * log2(0.4) - 0.2 * log2(0.2), triples = 1.5;
    const double abcabc = (2.0 / 3 * pairs + 4.0 / 3 * triples) / 2;
    const char *const texts[] = {"a b c a b c", "x x x x"};
    assert_true(is_near(fluency_of(r, texts, 1), abcabc));
    assert_true(is_near(fluency_of(r, texts, 2), abcabc / 2)); // one that repeats itself has 0
    // n different words: n - 1 pairs and n - 2 triples, each once.
    static const struct {
        const char *text;
        int words;
    } splits[] = {
        {"one", 1},
        {"He can't go.", 5},                        // He ca n't go .
        {"She said: \"no, no?\"", 9},               // She said : `` no , no ? ''
        {"It's 5:30, $1,000 -- cannot we?", 11},    // It 's 5:30 , $ 1,000 -- can not we ?
        {"Mr. Ab of the U.S. went... (home) ", 10}, // Mr. Ab of the U.S. went ... ( home )
        {"One day. Two 'big days'; dogs' x", 12},   // One day . Two ' big days ' ; dogs ' x
    };
    for (size_t i = 0; i < sizeof(splits) / sizeof(*splits); i++) {
        const int n = splits[i].words;
        const double h2 = n > 1 ? log2(n - 1) : 0, h3 = n > 2 ? log2(n - 2) : 0;
        assert_true(is_near(fluency_of(r, &splits[i].text, 1), (2.0 / 3 * h2 + 4.0 / 3 * h3) / 2));
    }
    registry_destroy(&r);
    log_destroy(&log);
}

static void test_harmonic_mean(void **state)
{
    (void) state;
    struct log *log = log_create(NULL, LOG_QUIET);
    struct registry *r = open_registry(log);
    const struct em_metric *score = registry_metric(r, "score");
    assert_non_null(score);
    assert_int_equal(score->scope, EM_DERIVED);
    assert_string_equal(score->reads[0], "efficacy");
    assert_string_equal(score->reads[1], "paraphrase");
    assert_string_equal(score->reads[2], "neighborhood");
    assert_null(score->reads[3]);
    // 3 / (1/100 + 1/98.05 + 1/85.73), the study's table for ROME in layer 1
    assert_true(fabs(score->derive((const double[]) {100, 98.05, 85.73}) - 94.17) < 0.03);
    assert_true(fabs(score->derive((const double[]) {60, 60, 60}) - 60) < 1e-12);
    assert_true(score->derive((const double[]) {100, 0, 100}) == 0);
    registry_destroy(&r);
    log_destroy(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),        cmocka_unit_test(test_magnitudes),
        cmocka_unit_test(test_accuracies),    cmocka_unit_test(test_fluency),
        cmocka_unit_test(test_harmonic_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
