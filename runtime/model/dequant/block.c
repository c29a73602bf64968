// Blocks of 32 values with a scale d, and some with a least value m (both f16), before the codes q.
// Codes of 4 bits: byte i holds those of values i and i + 16, the low half first. A fifth bit is in
// 32 bits of their own, value by value.
//   Q4_0   w = (q - 8) d             Q5_0   w = (q - 16) d          Q8_0   w = d q
//   Q4_1   w = d q + m               Q5_1   w = d q + m             IQ4_NL w = d table[q]

#include "model/dequant/dequant.h"

enum { BLOCK = 32, HALF = 16 };

const int8_t dequant_iq4_table[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

// By halves, which compilers turn into vector instructions.
static void codes_4(const uint8_t *codes, int out[BLOCK])
{
    for (int i = 0; i < HALF; i++) {
        out[i] = codes[i] & 15;
        out[i + HALF] = codes[i] >> 4;
    }
}

static void codes_5(const uint8_t *fifth, const uint8_t *codes, int out[BLOCK])
{
    codes_4(codes, out);
    for (int i = 0; i < BLOCK; i++)
        out[i] |= (fifth[i / 8] >> i % 8 & 1) << 4;
}

void dequant_q4_0(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / BLOCK; b++, in += 18, out += BLOCK) {
        const float d = load_f16(in);
        int code[BLOCK];
        codes_4(in + 2, code);
        for (int i = 0; i < BLOCK; i++)
            out[i] = (float) (code[i] - 8) * d;
    }
}

void dequant_q4_1(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / BLOCK; b++, in += 20, out += BLOCK) {
        const float d = load_f16(in), m = load_f16(in + 2);
        int code[BLOCK];
        codes_4(in + 4, code);
        for (int i = 0; i < BLOCK; i++) {
            const float above = d * (float) code[i];
            out[i] = above + m;
        }
    }
}

void dequant_q5_0(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / BLOCK; b++, in += 22, out += BLOCK) {
        const float d = load_f16(in);
        int code[BLOCK];
        codes_5(in + 2, in + 6, code);
        for (int i = 0; i < BLOCK; i++)
            out[i] = (float) (code[i] - 16) * d;
    }
}

void dequant_q5_1(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / BLOCK; b++, in += 24, out += BLOCK) {
        const float d = load_f16(in), m = load_f16(in + 2);
        int code[BLOCK];
        codes_5(in + 4, in + 8, code);
        for (int i = 0; i < BLOCK; i++) {
            const float above = d * (float) code[i];
            out[i] = above + m;
        }
    }
}

void dequant_q8_0(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / BLOCK; b++, in += 34, out += BLOCK) {
        const float d = load_f16(in);
        for (int i = 0; i < BLOCK; i++)
            out[i] = d * (float) (int8_t) in[2 + i];
    }
}

void dequant_iq4_nl(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / BLOCK; b++, in += 18, out += BLOCK) {
        const float d = load_f16(in);
        int code[BLOCK];
        codes_4(in + 2, code);
        for (int i = 0; i < BLOCK; i++)
            out[i] = d * (float) dequant_iq4_table[code[i]];
    }
}
