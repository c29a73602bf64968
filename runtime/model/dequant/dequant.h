// Numbers as float32, one function a type of types.def. A product and a sum are rounded one after
// the other, in the order written, as llama.cpp's reference does: the results agree bit for bit.
// Private to this folder.

#ifndef MODEL_DEQUANT_H
#define MODEL_DEQUANT_H

#include "base/number/half.h"

// `in`: whole blocks; out [num].
#define FILE_TYPE(NAME, name, number, values, bytes)                                               \
    void dequant_##name(const uint8_t *in, uint32_t num, float *out);
#include "model/dequant/types.def"
#undef FILE_TYPE

extern const int8_t dequant_iq4_table[16]; // what the codes of IQ4_NL and IQ4_XS stand for

static inline uint16_t load_16(const uint8_t *at)
{
    return (uint16_t) (at[0] | at[1] << 8);
}

static inline float load_f16(const uint8_t *at)
{
    return float_of_f16(load_16(at));
}

#endif
