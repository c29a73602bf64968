// Means and their intervals; see statistics.h.

#include "experiment/result/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <emend/plugin.h>

#include "base/arena.h"
#include "base/number/random.h"

enum { MAX_METRICS = EM_MAX_READS };

static double mean_of(const double *values, int num, int *n)
{
    double sum = 0;
    *n = 0;
    for (int i = 0; i < num; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            (*n)++;
        }
    return *n ? sum / *n : NAN;
}

static double deviation_of(const double *values, int num, double mean)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < num; i++)
        if (!isnan(values[i])) {
            sum += (values[i] - mean) * (values[i] - mean);
            n++;
        }
    return sqrt(sum / n);
}

static bool all_agree(const double *values, int num)
{
    double first = NAN;
    for (int i = 0; i < num; i++) {
        if (isnan(values[i]))
            continue;
        if (isnan(first))
            first = values[i];
        if (values[i] != first)
            return false;
    }
    return first >= 0 && first <= 1; // a share; anything else has no Wilson interval
}

void statistic_wilson(double p, int n, double *low, double *high)
{
    const double z = 1.959963984540054; // of 95 %, two-sided
    const double z2 = z * z / n;
    const double middle = (p + z2 / 2) / (1 + z2);
    const double half = z / (1 + z2) * sqrt(p * (1 - p) / n + z2 / (4 * n));
    *low = p == 0 ? 0 : middle - half; // exactly, not to rounding
    *high = p == 1 ? 1 : middle + half;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

// Between the neighbours in proportion, as numpy's default.
static double percentile(const double *sorted, int num, double share)
{
    const double at = share * (num - 1);
    const int below = (int) at;
    const int above = below + 1 < num ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

// One resample's means; false if a metric had no case in it.
static bool resample(const double *const *values, int metrics, int num, struct random *random,
                     double *means)
{
    int counts[MAX_METRICS] = {0};
    for (int m = 0; m < metrics; m++)
        means[m] = 0;
    for (int i = 0; i < num; i++) {
        const uint32_t pick = random_below(random, (uint32_t) num);
        for (int m = 0; m < metrics; m++)
            if (!isnan(values[m][pick])) {
                means[m] += values[m][pick];
                counts[m]++;
            }
    }
    for (int m = 0; m < metrics; m++) {
        if (!counts[m])
            return false;
        means[m] = 100 * means[m] / counts[m];
    }
    return true;
}

static void bootstrap(const double *const *values, int metrics, int num, statistic_fn *derive,
                      struct random random, double *low, double *high)
{
    struct arena *a = arena_create();
    double *drawn = arena_array(a, double, STATISTICS_RESAMPLES);
    int n = 0;
    for (int i = 0; i < STATISTICS_RESAMPLES; i++) {
        double means[MAX_METRICS];
        if (resample(values, metrics, num, &random, means))
            drawn[n++] = derive ? derive(means) : means[0];
    }
    qsort(drawn, (size_t) n, sizeof(*drawn), compare_doubles);
    *low = n ? percentile(drawn, n, 0.025) : NAN;
    *high = n ? percentile(drawn, n, 0.975) : NAN;
    arena_destroy(&a);
}

struct statistic statistic_of(const double *values, int num, uint64_t seed, const char *stream)
{
    struct statistic s = {0};
    const double mean = mean_of(values, num, &s.n);
    if (!s.n)
        return s;
    s.mean = 100 * mean;
    s.sd = 100 * deviation_of(values, num, mean);
    if (all_agree(values, num)) {
        statistic_wilson(mean, s.n, &s.low, &s.high);
        s.low *= 100;
        s.high *= 100;
    } else {
        bootstrap(&values, 1, num, NULL, random_stream(seed, stream), &s.low, &s.high);
    }
    return s;
}

struct statistic statistic_of_numbers(const double *values, int num, uint64_t seed,
                                      const char *stream)
{
    struct statistic s = {.low = NAN, .high = NAN};
    const double mean = mean_of(values, num, &s.n);
    if (!s.n)
        return s;
    s.mean = mean;
    s.sd = deviation_of(values, num, mean);
    if (s.n > 1)
        bootstrap(&values, 1, num, NULL, random_stream(seed, stream), &s.low, &s.high);
    s.low /= 100;
    s.high /= 100;
    return s;
}

struct statistic statistic_of_means(const double *const *values, int metrics, int num,
                                    statistic_fn *derive, uint64_t seed, const char *stream)
{
    struct statistic s = {.n = num, .sd = NAN};
    double means[MAX_METRICS] = {0}, low[MAX_METRICS], high[MAX_METRICS];
    bool agree = true;
    for (int m = 0; m < metrics; m++) {
        int n;
        means[m] = mean_of(values[m], num, &n);
        s.n = n < s.n ? n : s.n;
        agree = agree && all_agree(values[m], num);
    }
    if (!s.n)
        return (struct statistic) {0};
    for (int m = 0; m < metrics; m++) {
        int n;
        mean_of(values[m], num, &n);
        statistic_wilson(means[m], n, &low[m], &high[m]);
        means[m] *= 100;
        low[m] *= 100;
        high[m] *= 100;
    }
    s.mean = derive(means);
    s.low = derive(low);
    s.high = derive(high);
    if (!agree)
        bootstrap(values, metrics, num, derive, random_stream(seed, stream), &s.low, &s.high);
    return s;
}
