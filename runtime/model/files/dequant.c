// Rows of a tensor as float32, from each type that a file may hold:
//   Q8_0: 32 values in 34 bytes, d (f16) and q (int8):          w = d q
//   Q4_1: 32 values in 20 bytes, d, m (f16) and 4-bit q; byte i holds values i and i + 16:
//                                                               w = (d q) + m, rounded twice

#include "model/files.h"

#include <string.h>

#include "base/half.h"

enum { BLOCK = 32 };

static const struct {
    const char *name;
    int values, bytes; // of a block
} types[] = {
    [FILE_F32] = {"F32", 1, 4},        [FILE_F16] = {"F16", 1, 2},
    [FILE_BF16] = {"BF16", 1, 2},      [FILE_Q8_0] = {"Q8_0", BLOCK, 34},
    [FILE_Q4_1] = {"Q4_1", BLOCK, 20},
};

const char *file_type_name(enum file_type type)
{
    return types[type].name;
}

int file_type_block(enum file_type type)
{
    return types[type].values;
}

uint64_t file_type_bytes(enum file_type type, uint64_t values)
{
    return values / (uint64_t) types[type].values * (uint64_t) types[type].bytes;
}

static uint16_t load_16(const uint8_t *at)
{
    return (uint16_t) (at[0] | at[1] << 8);
}

static void row_f32(const uint8_t *in, uint32_t num, float *out)
{
    memcpy(out, in, (size_t) num * sizeof(*out));
}

static void row_f16(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t i = 0; i < num; i++)
        out[i] = float_of_f16(load_16(in + 2 * (size_t) i));
}

static void row_bf16(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t i = 0; i < num; i++)
        out[i] = float_of_bf16(load_16(in + 2 * (size_t) i));
}

static void row_q8_0(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / BLOCK; b++, in += 34, out += BLOCK) {
        const float d = float_of_f16(load_16(in));
        for (int i = 0; i < BLOCK; i++)
            out[i] = d * (float) (int8_t) in[2 + i];
    }
}

static void row_q4_1(const uint8_t *in, uint32_t num, float *out)
{
    for (uint32_t b = 0; b < num / BLOCK; b++, in += 20, out += BLOCK) {
        const float d = float_of_f16(load_16(in)), m = float_of_f16(load_16(in + 2));
        for (int i = 0; i < BLOCK / 2; i++) {
            const float low = d * (float) (in[4 + i] & 15), high = d * (float) (in[4 + i] >> 4);
            out[i] = low + m;
            out[i + BLOCK / 2] = high + m;
        }
    }
}

// Where row `row` of the Hugging Face order is in the file. There, head by head, the first and the
// second half of a head's rows alternate.
static const uint8_t *find_row(const struct file_tensor *t, uint32_t row)
{
    if (t->unpermute_heads) {
        const uint32_t width = t->rows / t->unpermute_heads, half = width / 2;
        const uint32_t head = row / width, at = row % width;
        row = head * width + at % half * 2 + at / half;
    }
    return t->data + row * file_type_bytes(t->type, t->cols);
}

void file_tensor_rows_f32(const struct file_tensor *t, uint32_t first, uint32_t num, float *out)
{
    static void (*const convert[])(const uint8_t *, uint32_t, float *) = {
        [FILE_F32] = row_f32,   [FILE_F16] = row_f16,   [FILE_BF16] = row_bf16,
        [FILE_Q8_0] = row_q8_0, [FILE_Q4_1] = row_q4_1,
    };
    for (uint32_t i = 0; i < num; i++)
        convert[t->type](find_row(t, first + i), t->cols, out + (size_t) i * t->cols);
}

void file_tensor_rows_16(const struct file_tensor *t, uint32_t first, uint32_t num, uint16_t *out)
{
    for (uint32_t i = 0; i < num; i++)
        memcpy(out + (size_t) i * t->cols, find_row(t, first + i), (size_t) t->cols * 2);
}
