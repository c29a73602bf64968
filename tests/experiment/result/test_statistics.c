// Means, deviations and intervals against cases worked out by hand.

#include <math.h>

#include "experiment/result/statistics.h"
#include "room.h"

static void near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g is not %.9g", x, expected);
}

static void test_mean_and_deviation(void **state)
{
    (void) state;
    const double values[] = {1, 0.5, NAN, 0};
    const struct statistic s = statistic_of(values, 4, 0, "x");
    assert_int_equal(s.n, 3);
    near(s.mean, 50, 1e-12);
    near(s.sd, 100 * sqrt(1.0 / 6), 1e-12); // of the population: (0.25 + 0 + 0.25) / 3
    const struct statistic none = statistic_of(values + 2, 1, 0, "x");
    assert_int_equal(none.n, 0);
}

// Two cases, 0 and 1: a resample's mean is 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
static void test_percentiles(void **state)
{
    (void) state;
    const double two[] = {0, 1};
    struct statistic s = statistic_of(two, 2, 7, "x");
    near(s.low, 0, 0);
    near(s.high, 100, 0);
    // 400 cases, half of them 1: the mean's deviation is 2.5, so the interval 50 -+ 4.9
    double many[400];
    for (int i = 0; i < 400; i++)
        many[i] = i % 2;
    s = statistic_of(many, 400, 7, "x");
    near(s.low, 50 - 4.9, 0.3);
    near(s.high, 50 + 4.9, 0.3);
}

static void test_streams(void **state)
{
    (void) state;
    double values[50];
    for (int i = 0; i < 50; i++)
        values[i] = (i * i % 7) / 6.0;
    const struct statistic a = statistic_of(values, 50, 1, "x");
    const struct statistic b = statistic_of(values, 50, 1, "x");
    const struct statistic c = statistic_of(values, 50, 2, "x");
    const struct statistic d = statistic_of(values, 50, 1, "y");
    assert_true(a.low == b.low && a.high == b.high);
    assert_true(a.low != c.low || a.high != c.high);
    assert_true(a.low != d.low || a.high != d.high);
}

// Wilson for 20 of 20: n / (n + z^2) = 20 / 23.8414588.
static void test_wilson(void **state)
{
    (void) state;
    double low, high, values[20];
    statistic_wilson(1, 20, &low, &high);
    near(low, 0.83887484, 1e-8);
    near(high, 1, 0);
    statistic_wilson(0, 20, &low, &high);
    near(low, 0, 0);
    near(high, 0.16112516, 1e-8);
    statistic_wilson(0.5, 10, &low, &high); // 0.5 -+ z / (1 + z^2/n) sqrt(1/40 + z^2/400)
    near(low, 0.23659309, 1e-8);
    near(high, 0.76340691, 1e-8);
    for (int i = 0; i < 20; i++)
        values[i] = 1;
    const struct statistic s = statistic_of(values, 20, 0, "x");
    near(s.low, 83.887484, 1e-6);
    near(s.high, 100, 0);
    near(s.sd, 0, 0);
}

static double harmonic(const double *means)
{
    return means[0] > 0 && means[1] > 0 ? 2 / (1 / means[0] + 1 / means[1]) : 0;
}

// Of the means, never of single cases; resampled jointly.
static void test_derived(void **state)
{
    (void) state;
    const double one[] = {1, 0, 1, 0}, other[] = {0, 1, 0, 1};
    const double *const both[] = {one, other};
    struct statistic s = statistic_of_means(both, 2, 4, harmonic, 3, "x");
    near(s.mean, 50, 1e-12);
    assert_true(isnan(s.sd));
    assert_int_equal(s.n, 4);
    // drawn jointly the two means add up to 100, so that none exceeds 50 and (25, 75) gives 37.5
    near(s.high, 50, 1e-12);
    near(s.low, 0, 1e-12);
    const double same[] = {1, 1, 1, 1}, zeros[] = {0, 0, 0, 0};
    const double *const agree[] = {same, same};
    s = statistic_of_means(agree, 2, 4, harmonic, 3, "x");
    near(s.mean, 100, 1e-12);
    near(s.low, 100 * 4 / (4 + 3.841458821), 1e-6); // Wilson's, of both
    near(s.high, 100, 1e-12);
    const double *const never[] = {same, zeros};
    near(statistic_of_means(never, 2, 4, harmonic, 3, "x").mean, 0, 0);
    const double absent[] = {NAN, NAN, NAN, NAN};
    const double *const missing[] = {same, absent};
    assert_int_equal(statistic_of_means(missing, 2, 4, harmonic, 3, "x").n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_and_deviation),
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
