// 16-bit floats as float32, exactly: half precision (1 sign, 5 exponent, 10 fraction bits) and
// bfloat16.

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

#endif
