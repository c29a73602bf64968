// Random streams; see random.h.

#include "base/number/random.h"

static uint64_t split_mix(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct random random_stream(uint64_t seed, const char *name)
{
    uint64_t x = seed;
    for (; *name; name++) // FNV-1a over the name, mixed into the seed
        x = (x ^ (unsigned char) *name) * 0x100000001b3u;
    struct random r;
    for (int i = 0; i < 4; i++)
        r.state[i] = split_mix(&x);
    return r;
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

uint64_t random_bits(struct random *r)
{
    uint64_t *s = r->state;
    const uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double random_unit(struct random *r)
{
    return (double) (random_bits(r) >> 11) * 0x1p-53;
}

uint32_t random_below(struct random *r, uint32_t n)
{
    const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t x;
    do
        x = random_bits(r);
    while (x >= limit);
    return (uint32_t) (x % n);
}
