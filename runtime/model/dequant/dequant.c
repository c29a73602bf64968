// Rows of a tensor as float32, from each type that a file may hold; see types.def.

#include "model/dequant/dequant.h"

#include "model/files.h"

#define FILE_TYPE(NAME, name, number, values, bytes)                                               \
    [FILE_##NAME] = {#NAME, number, values, bytes, dequant_##name},
static const struct {
    const char *name;
    uint32_t number;   // in GGUF files
    int values, bytes; // of a block
    void (*dequant)(const uint8_t *in, uint32_t num, float *out);
} types[] = {
#include "model/dequant/types.def"
};
#undef FILE_TYPE

const char *file_type_name(enum file_type type)
{
    return types[type].name;
}

bool file_type_of_gguf(uint32_t number, enum file_type *out)
{
    for (int i = 0; i < FILE_TYPES; i++) {
        if (types[i].number != number)
            continue;
        *out = (enum file_type) i;
        return true;
    }
    return false;
}

int file_type_block(enum file_type type)
{
    return types[type].values;
}

uint64_t file_type_bytes(enum file_type type, uint64_t values)
{
    return values / (uint64_t) types[type].values * (uint64_t) types[type].bytes;
}

// Where row `i` of the Hugging Face order, or value `i` of a vector, is in the file. There, head by
// head, the first and the second half of a head alternate.
static uint32_t place_in_file(const struct file_tensor *t, uint32_t i)
{
    const uint32_t width = (t->rows > 1 ? t->rows : t->cols) / t->unpermute_heads, half = width / 2;
    const uint32_t head = i / width, at = i % width;
    return head * width + at % half * 2 + at / half;
}

static const uint8_t *find_row(const struct file_tensor *t, uint32_t row)
{
    if (t->unpermute_heads && t->rows > 1)
        row = place_in_file(t, row);
    return t->data + row * file_type_bytes(t->type, t->cols);
}

// The values of a vector, `size` bytes each, from the file's order.
static void unpermute_vector(const struct file_tensor *t, size_t size, void *values)
{
    if (!t->unpermute_heads || t->rows > 1)
        return;
    const uint32_t width = t->cols / t->unpermute_heads;
    uint8_t head[2 * MODEL_MAX_HALF_HEAD * sizeof(float)], *to = values;
    for (uint32_t first = 0; first < t->cols; first += width, to += width * size) {
        memcpy(head, to, width * size);
        for (uint32_t i = 0; i < width; i++)
            memcpy(to + i * size, head + place_in_file(t, i) * size, size);
    }
}

void file_tensor_rows_f32(const struct file_tensor *t, uint32_t first, uint32_t num, float *out)
{
    for (uint32_t i = 0; i < num; i++)
        types[t->type].dequant(find_row(t, first + i), t->cols, out + (size_t) i * t->cols);
    unpermute_vector(t, sizeof(*out), out);
}

void file_tensor_rows_16(const struct file_tensor *t, uint32_t first, uint32_t num, uint16_t *out)
{
    for (uint32_t i = 0; i < num; i++)
        memcpy(out + (size_t) i * t->cols, find_row(t, first + i), (size_t) t->cols * 2);
    unpermute_vector(t, sizeof(*out), out);
}
