// What a list of case values says: mean, population standard deviation, and a 95 % interval of the
// mean.
//
// The interval: percentiles of the means of 10,000 resamples of the cases with replacement, drawn
// from a stream of its own. Where every case agrees a resample has nothing to vary, and the
// interval is Wilson's for a share of n cases. NAN is a case that a metric does not apply to.

#ifndef EXPERIMENT_STATISTICS_H
#define EXPERIMENT_STATISTICS_H

#include <stdint.h>

enum { STATISTICS_RESAMPLES = 10000 };

struct statistic {
    int n; // cases that count; 0: the rest has no meaning
    double mean;
    double sd;        // NAN: none
    double low, high; // NAN: none
};

// Of one metric: values [num].
struct statistic statistic_of(const double *values, int num, uint64_t seed, const char *stream);

// Of numbers that are no shares, as they are; one alone has no interval.
struct statistic statistic_of_numbers(const double *values, int num, uint64_t seed,
                                      const char *stream);

// Of a number made of several metrics' means: values [metrics][num]. Cases are resampled jointly.
// n is that of the metric with the fewest cases.
typedef double statistic_fn(const double *means);
struct statistic statistic_of_means(const double *const *values, int metrics, int num,
                                    statistic_fn *derive, uint64_t seed, const char *stream);

// Wilson's 95 % interval of a share `p` of n cases.
void statistic_wilson(double p, int n, double *low, double *high);

#endif
