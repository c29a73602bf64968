// The lab of the op tests: tensors in one buffer, between sentinels, and every claim that is made
// of all operations alike.
//
// A test is a table of cases. Its function is called for each case in each setting (host BLAS, or
// shaders cut for a CPU or a GPU, with the device's binding range or a tiny one): it makes tensors,
// hands a recording function to lab_run, and compares what came out with reference.h.
//
// The buffer is filled with words that are NaN in every type, so that reading beside a tensor shows
// in the result; writing beside one fails the test.

#ifndef TESTS_OPS_LAB_H
#define TESTS_OPS_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "op/op.h"

struct lab_setting {
    const char *name;
    enum op_matmul matmul;
    enum gpu_type cut;  // whose tuning
    uint64_t max_range; // of a binding, bytes; 0: the device's
    bool same;          // the bits are those of the setting before it
};

struct lab_layout {  // of tensors, in elements
    uint32_t offset; // from an aligned address
    uint32_t pad;    // between rows
};
extern const struct lab_layout lab_layouts[3]; // packed, a view for quads, a ragged view

struct lab {
    const struct lab_setting *setting;
    struct log *log;
    struct gpu *gpu;
    struct op *op;
    struct gpu_buf *buf;
    struct arena *arena; // of a case
    struct random random;
    struct lab_layout layout;
    const char *what;        // the case, for messages
    uint8_t *image;          // what the buffer holds before a run
    uint8_t *result;         // and after it
    uint8_t *before;         // the result in the setting before
    uint8_t *writable;       // which bytes an operation may write
    uint64_t used, compared; // bytes
};

typedef void lab_case_fn(struct lab *lab, const void *one);

// Every case in every setting and layout. `range` is that of the settings with a tiny one.
void lab_try(lab_case_fn *run, const void *cases, size_t size, int num, uint64_t range);

// Dense values, rounded to `type`, evenly over [-scale, scale].
double *lab_random(struct lab *lab, enum tensor_type type, uint32_t rows, uint32_t cols,
                   double scale);
double *lab_zeros(struct lab *lab, uint32_t rows, uint32_t cols);
double *lab_column(struct lab *lab, const double *values, uint32_t rows, uint32_t cols,
                   uint32_t col);

struct tensor lab_input(struct lab *lab, enum tensor_type type, uint32_t rows, uint32_t cols,
                        const double *values);
struct tensor lab_indices(struct lab *lab, uint32_t rows, const int *values); // [rows, 1]
struct tensor lab_output(struct lab *lab, uint32_t rows, uint32_t cols);
struct tensor lab_modified(struct lab *lab, uint32_t rows, uint32_t cols, const double *values);

// Record rows first .. first + num - 1 of an operation.
typedef void lab_record_fn(struct lab *lab, struct gpu_cmd *cmd, const void *args, uint32_t first,
                           uint32_t num);

// Run the operation on rows 0 .. rows - 1: twice, then each row alone (with rows = 0 it is recorded
// once for all), with the same bits, which are also those of the setting before where the setting
// says so; nothing outside the outputs may change.
void lab_run(struct lab *lab, lab_record_fn *record, const void *args, uint32_t rows);

// The normalised mean square error of the result is at most `tolerance`.
void lab_expect_within(struct lab *lab, const char *name, struct tensor t, const double *expected,
                       double tolerance);
void lab_expect(struct lab *lab, const char *name, struct tensor t, const double *expected);

#endif
