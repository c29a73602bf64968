// Superblocks of 256 values ("K-quants"): groups of 16 or 32 with small whole numbers as scales s
// and least values l, which the superblock's own d and dmin (f16, or f32 in Q8_K) make real.
//   Q2_K  16 groups of 16   w = (d s) q - (dmin l)         s, l of 4 bits, q of 2
//   Q3_K  16 groups of 16   w = (d (s - 32)) (q - 4)       s of 6, q of 3
//   Q4_K   8 groups of 32   w = (d s) q - (dmin l)         s, l of 6, q of 4
//   Q5_K   8 groups of 32   w = (d s) q - (dmin l)         s, l of 6, q of 5
//   Q6_K  16 groups of 16   w = (d s) (q - 32)             s of 8, q of 6
//   Q8_K                    w = d q                        q of 8
//   IQ4_XS 8 groups of 32   w = (d (s - 32)) table[q]      s of 6, q of 4

#include "model/dequant/dequant.h"

enum { SUPER = 256 };

// Below, value i of a group that begins at value `first`: within a group, compilers see that codes
// lie side by side, and make vector instructions of them.

// Codes of 2 bits lie in rows of 32 bytes, four values of a row in one byte, lowest first: value n
// of a half (128 values) is in byte n % 32.
static int code_2(const uint8_t *codes, int first, int i)
{
    return codes[first / 128 * 32 + first % 32 + i] >> first % 128 / 32 * 2 & 3;
}

// Codes of 4 bits: 64 values in 32 bytes, the first 32 of them in the low halves.
static int code_4(const uint8_t *codes, int first, int i)
{
    return codes[first / 64 * 32 + first % 32 + i] >> first % 64 / 32 * 4 & 15;
}

// One bit a value: that of value n is bit n / 32 of byte n % 32.
static int bit_of(const uint8_t *bits, int first, int i)
{
    return bits[first % 32 + i] >> first / 32 & 1;
}

void dequant_q2_k(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / SUPER; b++, in += 84, out += SUPER) {
        const uint8_t *groups = in, *codes = in + 16;
        const float d = load_f16(in + 80), dmin = load_f16(in + 82);
        for (int g = 0; g < 16; g++) {
            const float scale = d * (float) (groups[g] & 15);
            const float least = dmin * (float) (groups[g] >> 4);
            for (int i = 0; i < 16; i++) {
                const float above = scale * (float) code_2(codes, 16 * g, i);
                out[16 * g + i] = above - least;
            }
        }
    }
}

// The 6 bits of scale g of 16: four low ones in 8 bytes (halves), two high ones in the 4 after.
static int scale_q3(const uint8_t *scales, int g)
{
    const int low = scales[g % 8] >> g / 8 * 4 & 15, high = scales[8 + g % 4] >> g / 4 * 2 & 3;
    return (low | high << 4) - 32;
}

void dequant_q3_k(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / SUPER; b++, in += 110, out += SUPER) {
        const uint8_t *high = in, *codes = in + 32, *scales = in + 96;
        const float d = load_f16(in + 108);
        for (int g = 0; g < 16; g++) {
            const float scale = d * (float) scale_q3(scales, g);
            for (int i = 0; i < 16; i++)
                out[16 * g + i] =
                    scale * (float) (code_2(codes, 16 * g, i) + 4 * bit_of(high, 16 * g, i) - 4);
        }
    }
}

// The 6 bits of scale and least value g of 8 in 12 bytes: those of the first four in 8 bytes; the
// others' low 4 bits in the last 4 bytes, their high 2 in what the first eight leave over.
static void scales_k4(const uint8_t *at, int g, int *scale, int *least)
{
    if (g < 4) {
        *scale = at[g] & 63;
        *least = at[g + 4] & 63;
    } else {
        *scale = (at[g + 4] & 15) | at[g - 4] >> 6 << 4;
        *least = at[g + 4] >> 4 | at[g] >> 6 << 4;
    }
}

// Q4_K, and Q5_K with a fifth bit a value in `fifth`.
static void dequant_k4(const uint8_t *in, const uint8_t *fifth, const uint8_t *codes, float *out)
{
    const float d = load_f16(in), dmin = load_f16(in + 2);
    for (int g = 0; g < 8; g++) {
        int s, l;
        scales_k4(in + 4, g, &s, &l);
        const float scale = d * (float) s, least = dmin * (float) l;
        for (int i = 0; i < 32; i++) {
            const int code = code_4(codes, 32 * g, i) + (fifth ? 16 * bit_of(fifth, 32 * g, i) : 0);
            const float above = scale * (float) code;
            out[32 * g + i] = above - least;
        }
    }
}

void dequant_q4_k(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / SUPER; b++, in += 144, out += SUPER)
        dequant_k4(in, NULL, in + 16, out);
}

void dequant_q5_k(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / SUPER; b++, in += 176, out += SUPER)
        dequant_k4(in, in + 16, in + 48, out);
}

// Of each half (128 values): 64 bytes of low 4 bits, the first 64 values in the low halves; 32
// bytes of high 2 bits.
static int code_q6(const uint8_t *low, const uint8_t *high, int first, int i)
{
    const int four = low[first / 128 * 64 + first % 64 + i] >> first % 128 / 64 * 4 & 15;
    return four | code_2(high, first, i) << 4;
}

void dequant_q6_k(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / SUPER; b++, in += 210, out += SUPER) {
        const uint8_t *low = in, *high = in + 128, *scales = in + 192;
        const float d = load_f16(in + 208);
        for (int g = 0; g < 16; g++) {
            const float scale = d * (float) (int8_t) scales[g];
            for (int i = 0; i < 16; i++)
                out[16 * g + i] = scale * (float) (code_q6(low, high, 16 * g, i) - 32);
        }
    }
}

// The sums of groups after the codes are for products; they are not needed here.
void dequant_q8_k(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / SUPER; b++, in += 292, out += SUPER) {
        float d;
        dequant_f32(in, 1, &d);
        for (int i = 0; i < SUPER; i++)
            out[i] = d * (float) (int8_t) in[4 + i];
    }
}

// The 6 bits of scale g of 8: two high ones in 2 bytes, four low ones in the 4 after. A group's
// codes are 16 bytes, the first 16 values in the low halves.
void dequant_iq4_xs(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / SUPER; b++, in += 136, out += SUPER) {
        const float d = load_f16(in);
        for (int g = 0; g < 8; g++) {
            const int high = load_16(in + 2) >> 2 * g & 3, low = in[4 + g / 2] >> g % 2 * 4 & 15;
            const float scale = d * (float) ((low | high << 4) - 32);
            const uint8_t *codes = in + 8 + 16 * g;
            for (int i = 0; i < 32; i++)
                out[32 * g + i] =
                    scale * (float) dequant_iq4_table[codes[i % 16] >> i / 16 * 4 & 15];
        }
    }
}
