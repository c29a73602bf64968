// Plain types: every value by itself.

#include "model/dequant/dequant.h"

void dequant_f32(const uint8_t *in, uint32_t num, float *out)
{
    memcpy(out, in, (size_t) num * sizeof(*out));
}

void dequant_f16(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t i = 0; i < num; i++)
        out[i] = load_f16(in + 2 * (size_t) i);
}

void dequant_bf16(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t i = 0; i < num; i++)
        out[i] = float_of_bf16(load_16(in + 2 * (size_t) i));
}
