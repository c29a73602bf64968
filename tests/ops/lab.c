// The lab of the op tests.

#include "lab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op/tuning.h"

enum { LAB_SIZE = 8 << 20, LAB_GAP = 512 };
static const uint32_t sentinel = 0x7fc07fc0; // NaN as f32, f16 and bf16

const struct lab_layout lab_layouts[3] = {{0, 0}, {4, 8}, {1, 3}};

// --- a setting -----------------------------------------------------------------------------------

static void lab_open(struct lab *lab, const struct lab_setting *setting)
{
    *lab = (struct lab) {.setting = setting, .log = log_create(stderr, LOG_NORMAL)};
    lab->gpu = gpu_create(&(struct gpu_params) {
        .log = lab->log,
        .device = getenv("EMEND_TEST_DEVICE"),
        .max_range = setting->max_range,
    });
    assert_non_null(lab->gpu);
    struct op_tuning tuning = op_tuning_of(&(struct gpu_info) {.type = setting->cut});
    tuning.down_cols = setting->max_range ? 4 : 0; // with the same bits
    tuning.enough_tiles = 2;                       // so that shapes of a test meet all kinds
    lab->op = op_create(&(struct op_params) {lab->gpu, setting->matmul, &tuning});
    assert_non_null(lab->op);
    lab->buf = gpu_buf_create(lab->gpu, &(struct gpu_buf_params) {.size = LAB_SIZE, .name = "lab"});
    assert_non_null(lab->buf);
    lab->image = malloc(LAB_SIZE);
    lab->result = malloc(LAB_SIZE);
    lab->writable = malloc(LAB_SIZE);
}

static void lab_close(struct lab *lab)
{
    free(lab->image);
    free(lab->result);
    free(lab->writable);
    gpu_buf_destroy(&lab->buf);
    op_destroy(&lab->op);
    assert_int_equal(gpu_validation_messages(lab->gpu), 0);
    gpu_destroy(&lab->gpu);
    log_destroy(&lab->log);
}

static void lab_begin_case(struct lab *lab)
{
    for (uint64_t i = 0; i < LAB_SIZE; i += sizeof(sentinel))
        memcpy(lab->image + i, &sentinel, sizeof(sentinel));
    memset(lab->writable, 0, LAB_SIZE);
    lab->used = LAB_GAP;
    lab->random = random_stream(1, "ops"); // the same values in every setting
}

// The setting's results, one after another, to compare with those of the next.
struct lab_results {
    struct {
        struct lab_result {
            uint8_t *bytes;
            uint64_t size;
        } * items;
        size_t num, cap;
    } before, now;
    struct arena *arena;
};

static void lab_try_setting(const struct lab_setting *setting, lab_case_fn *run, const void *cases,
                            size_t size, int num, struct lab_results *results)
{
    struct lab lab;
    lab_open(&lab, setting);
    size_t at = 0;
    for (int i = 0; i < num; i++) {
        for (int l = 0; l < 3; l++, at++) {
            lab.arena = arena_create();
            lab.layout = lab_layouts[l];
            lab.what = arena_print(lab.arena, "case %d, layout %d, %s", i, l, setting->name);
            lab_begin_case(&lab);
            lab.before = setting->same ? results->before.items[at].bytes : NULL;
            lab.compared = setting->same ? results->before.items[at].size : 0;
            run(&lab, (const char *) cases + (size_t) i * size);
            *arena_push(results->arena, &results->now) = (struct lab_result) {
                arena_copy_bytes(results->arena, lab.result, lab.used), lab.used};
            arena_destroy(&lab.arena);
        }
    }
    lab_close(&lab);
}

void lab_try(lab_case_fn *run, const void *cases, size_t size, int num, uint64_t range)
{
    const struct lab_setting settings[] = {
        {"shaders cut for a CPU", OP_MATMUL_SHADER, GPU_CPU, 0, false},
        {"shaders cut for a CPU, small bindings", OP_MATMUL_SHADER, GPU_CPU, range, true},
        {"shaders cut for a GPU", OP_MATMUL_SHADER, GPU_DISCRETE, 0, false},
        {"shaders cut for a GPU, small bindings", OP_MATMUL_SHADER, GPU_DISCRETE, range, true},
        {"the host's BLAS", OP_MATMUL_HOST, GPU_CPU, 0, false},
    };
    struct lab_results results = {.arena = arena_create()};
    for (size_t s = 0; s < sizeof(settings) / sizeof(settings[0]); s++) {
        lab_try_setting(&settings[s], run, cases, size, num, &results);
        results.before.items = results.now.items;
        results.before.num = results.now.num;
        memset(&results.now, 0, sizeof(results.now));
    }
    arena_destroy(&results.arena);
}

// --- values --------------------------------------------------------------------------------------

static uint32_t float_bits(double value)
{
    const float f = (float) value;
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

static double float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

// The bits of a value that is a number of this type already, as lab_random's are.
static uint32_t bits_of(enum tensor_type type, double value)
{
    switch (type) {
    case TENSOR_F32:
        return float_bits(value);
    case TENSOR_BF16:
        return float_bits(value) >> 16;
    case TENSOR_I32:
        return (uint32_t) (int32_t) value;
    case TENSOR_F16:
        break;
    }
    int exponent; // value = fraction 2^exponent, fraction in [1/2, 1)
    const double fraction = frexp(fabs(value), &exponent);
    const uint32_t sign = signbit(value) ? 0x8000 : 0;
    if (value == 0)
        return sign;
    if (exponent < -13) // subnormal: units of 2^-24
        return sign | (uint32_t) ldexp(fabs(value), 24);
    return sign | (uint32_t) (exponent + 14) << 10 | ((uint32_t) ldexp(fraction, 11) & 0x3ff);
}

static double rounded(enum tensor_type type, double value)
{
    if (type == TENSOR_BF16)
        return float_of(float_bits(value) & 0xffff0000u);
    if (type == TENSOR_F16) {
        int exponent;
        frexp(value, &exponent);
        const int unit = exponent < -13 ? -24 : exponent - 11; // subnormals have a fixed unit
        return ldexp(trunc(ldexp(value, -unit)), unit);
    }
    return (float) value;
}

double *lab_random(struct lab *lab, enum tensor_type type, uint32_t rows, uint32_t cols,
                   double scale)
{
    double *values = arena_array(lab->arena, double, (size_t) rows *cols + 1);
    for (size_t i = 0; i < (size_t) rows * cols; i++)
        values[i] = rounded(type, scale * (2 * random_unit(&lab->random) - 1));
    return values;
}

double *lab_zeros(struct lab *lab, uint32_t rows, uint32_t cols)
{
    return arena_array(lab->arena, double, (size_t) rows *cols + 1);
}

double *lab_column(struct lab *lab, const double *values, uint32_t rows, uint32_t cols,
                   uint32_t col)
{
    double *column = lab_zeros(lab, rows, 1);
    for (uint32_t r = 0; r < rows; r++)
        column[r] = values[r * cols + col];
    return column;
}

// --- tensors -------------------------------------------------------------------------------------

static struct tensor place(struct lab *lab, enum tensor_type type, uint32_t rows, uint32_t cols)
{
    struct tensor t = {
        .rows = rows,
        .cols = cols,
        .stride = cols + lab->layout.pad,
        .type = type,
        .mem.buf = lab->buf,
        .mem.offset = lab->used + tensor_size(type, lab->layout.offset),
    };
    const uint64_t elements = rows ? (uint64_t) (rows - 1) * t.stride + cols : 0;
    t.mem.size = tensor_size(type, elements);
    lab->used = (t.mem.offset + t.mem.size + LAB_GAP + GPU_ALIGN - 1) / GPU_ALIGN * GPU_ALIGN;
    assert_true(lab->used <= LAB_SIZE);
    return t;
}

static uint64_t address(struct tensor t, uint32_t row, uint32_t col)
{
    return t.mem.offset + tensor_size(t.type, (uint64_t) row * t.stride + col);
}

static void fill(struct lab *lab, struct tensor t, const double *values)
{
    const size_t size = tensor_size(t.type, 1);
    for (uint32_t r = 0; r < t.rows; r++)
        for (uint32_t c = 0; c < t.cols; c++) {
            const uint32_t bits = bits_of(t.type, values[(size_t) r * t.cols + c]);
            memcpy(lab->image + address(t, r, c), &bits, size); // little-endian
        }
}

static void allow_writes(struct lab *lab, struct tensor t)
{
    for (uint32_t r = 0; r < t.rows; r++)
        memset(lab->writable + address(t, r, 0), 1, tensor_size(t.type, t.cols));
}

struct tensor lab_input(struct lab *lab, enum tensor_type type, uint32_t rows, uint32_t cols,
                        const double *values)
{
    const struct tensor t = place(lab, type, rows, cols);
    fill(lab, t, values);
    return t;
}

struct tensor lab_indices(struct lab *lab, uint32_t rows, const int *values)
{
    double *copy = lab_zeros(lab, rows, 1);
    for (uint32_t i = 0; i < rows; i++)
        copy[i] = values[i];
    return lab_input(lab, TENSOR_I32, rows, 1, copy);
}

struct tensor lab_output(struct lab *lab, uint32_t rows, uint32_t cols)
{
    const struct tensor t = place(lab, TENSOR_F32, rows, cols);
    allow_writes(lab, t);
    return t;
}

struct tensor lab_modified(struct lab *lab, uint32_t rows, uint32_t cols, const double *values)
{
    const struct tensor t = lab_output(lab, rows, cols);
    fill(lab, t, values);
    return t;
}

// --- running -------------------------------------------------------------------------------------

static struct gpu_slice whole(const struct lab *lab)
{
    return (struct gpu_slice) {lab->buf, 0, lab->used};
}

static void expect_ok(const struct lab *lab, enum em_status status)
{
    if (status != EM_OK)
        fail_msg("%s: %s", lab->what, log_error(lab->log));
}

static void run(struct lab *lab, struct gpu_cmd *cmd, uint8_t *result)
{
    expect_ok(lab, gpu_upload(lab->gpu, whole(lab), lab->image));
    expect_ok(lab, gpu_cmd_run(cmd));
    expect_ok(lab, gpu_download(lab->gpu, result, whole(lab)));
}

static void expect_same(struct lab *lab, const uint8_t *other, const char *what)
{
    for (uint64_t i = 0; i < lab->used; i += 4)
        if (memcmp(lab->result + i, other + i, 4) != 0) {
            uint32_t a, b;
            memcpy(&a, lab->result + i, 4);
            memcpy(&b, other + i, 4);
            fail_msg("%s: %s: byte %llu is %.9g, not %.9g", lab->what, what, (unsigned long long) i,
                     float_of(b), float_of(a));
        }
}

static void expect_untouched(struct lab *lab)
{
    for (uint64_t i = 0; i < lab->used; i++)
        if (!lab->writable[i] && lab->result[i] != lab->image[i])
            fail_msg("%s: byte %llu was written, outside all outputs", lab->what,
                     (unsigned long long) i);
}

static struct gpu_cmd *begin(struct lab *lab)
{
    struct gpu_cmd *cmd = gpu_cmd_create(lab->gpu, lab->what);
    assert_non_null(cmd);
    return cmd;
}

void lab_run(struct lab *lab, lab_record_fn *record, const void *args, uint32_t rows)
{
    uint8_t *again = malloc(LAB_SIZE);
    struct gpu_cmd *cmd = begin(lab);
    record(lab, cmd, args, 0, rows);
    expect_ok(lab, gpu_cmd_end(cmd));
    run(lab, cmd, lab->result);
    run(lab, cmd, again);
    gpu_cmd_destroy(&cmd);
    expect_untouched(lab);
    expect_same(lab, again, "a second run");
    if (rows > 1 && lab->setting->matmul != OP_MATMUL_HOST) {
        cmd = begin(lab);
        for (uint32_t r = 0; r < rows; r++)
            record(lab, cmd, args, r, 1);
        expect_ok(lab, gpu_cmd_end(cmd));
        run(lab, cmd, again);
        gpu_cmd_destroy(&cmd);
        expect_same(lab, again, "rows alone");
    }
    if (lab->before) {
        assert_int_equal(lab->used, lab->compared);
        expect_same(lab, lab->before, "the setting before");
    }
    free(again);
}

void lab_expect_within(struct lab *lab, const char *name, struct tensor t, const double *expected,
                       double tolerance)
{
    double error = 0, square = 0;
    for (uint32_t r = 0; r < t.rows; r++)
        for (uint32_t c = 0; c < t.cols; c++) {
            uint32_t bits;
            memcpy(&bits, lab->result + address(t, r, c), sizeof(bits));
            const double is = float_of(bits), should = expected[(size_t) r * t.cols + c];
            error += (is - should) * (is - should);
            square += should * should;
        }
    if (!(error <= tolerance * square)) // NaN fails
        fail_msg("%s: %s has a normalised mean square error of %.3g, above %.3g", lab->what, name,
                 error / square, tolerance);
}

void lab_expect(struct lab *lab, const char *name, struct tensor t, const double *expected)
{
    lab_expect_within(lab, name, t, expected, 1e-9);
}
