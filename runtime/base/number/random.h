// Chance: every use has its own stream, derived from the experiment's seed and the stream's name,
// so that adding a metric changes no template. SplitMix64 seeds xoshiro256** (Blackman, Vigna
// 2018).

#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

struct random random_stream(uint64_t seed, const char *name);
uint64_t random_bits(struct random *r);
double random_unit(struct random *r);                // [0, 1)
uint32_t random_below(struct random *r, uint32_t n); // 0 .. n-1, without bias

#endif
