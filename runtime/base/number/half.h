// 16-bit floats as float32, exactly, and float32 rounded to them, to nearest even: half precision
// (1 sign, 5 exponent, 10 fraction bits) and bfloat16.

#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline float float_of_bf16(uint16_t b)
{
    return float_of_bits((uint32_t) b << 16);
}

// The exponent moves from 5 to 8 bits by a multiplication, which is exact for subnormals too;
// infinities and NaN keep all exponent bits.
static inline float float_of_f16(uint16_t h)
{
    const float value = float_of_bits((uint32_t) (h & 0x7fff) << 13) * 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits |= (h & 0x7c00) == 0x7c00 ? 0x7f800000u : 0;
    return float_of_bits(bits | (uint32_t) (h & 0x8000) << 16);
}

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

// NaN stays NaN; what is too large becomes infinity.
static inline uint16_t bf16_of_float(float value)
{
    const uint32_t bits = bits_of_float(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t) (bits >> 16 | 0x40);
    return (uint16_t) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// A subnormal's fraction is where adding 0.5 to its magnitude puts it, rounded by the addition.
static inline uint16_t f16_of_float(float value)
{
    const uint32_t bits = bits_of_float(value), magnitude = bits & 0x7fffffff;
    const uint16_t sign = (uint16_t) (bits >> 16 & 0x8000);
    if (magnitude > 0x7f800000)
        return sign | 0x7e00;
    if (magnitude >= 0x477ff000) // 65520 rounds to infinity
        return sign | 0x7c00;
    if (magnitude < 0x38800000) // below 2^-14
        return sign | (uint16_t) (bits_of_float(float_of_bits(magnitude) + 0.5f) - 0x3f000000);
    return sign | (uint16_t) ((magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13);
}

#endif
