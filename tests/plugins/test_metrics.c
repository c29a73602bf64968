// ES, PS, NS and S against cases worked out by hand.

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
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_harmonic_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
