// NumPy's .npz, arrays (.npy) in a zip archive, or one .npy alone: what numpy.savez writes is read,
// that is members stored as they are, with numbers in little-endian order; deflated ones
// (savez_compressed), other byte orders, texts and Python objects are refused by name when they are
// asked for. Every offset, size and shape is checked against the file, and what is read against its
// CRC-32.
//
// Memory: names live in the arena given, data in the map until npz_close.

#ifndef MODEL_NPZ_H
#define MODEL_NPZ_H

#include "base/file/file.h"

enum { NPZ_MAX_DIMS = 8 };

struct npz_array {
    const char *name; // without .npy; NULL: of a file of its own
    char kind;        // 'f', 'i' or 'u': a float, a signed or an unsigned whole number
    int width;        // bytes of a value
    int num_dims;
    uint64_t dims[NPZ_MAX_DIMS];
    bool by_columns;     // the first index runs fastest; else the last
    uint64_t num;        // values; written: what the dims come to
    const uint8_t *data; // [num], not aligned
};

struct zip_member;

struct npz_file {
    struct log *log;
    struct arena *a;
    const char *path;
    struct file_map map;
    struct zip_member *members;
    int num;
};

EM_MUST_CHECK enum em_status npz_open(struct log *log, struct arena *a, const char *path,
                                      struct npz_file *out);
void npz_close(struct npz_file *f);

// An .npy file, an array by itself: without a name, in a file without members.
EM_MUST_CHECK enum em_status npy_open(struct log *log, struct arena *a, const char *path,
                                      struct npz_file *file, struct npz_array *out);

// An array that must be there.
EM_MUST_CHECK enum em_status npz_read(const struct npz_file *f, const char *name,
                                      struct npz_array *out);
// Its values as they lie in the file; whole numbers beyond 2^53 are rounded.
void npz_values(const struct npz_array *x, double *out);

// Write a file (atomically). Of each array name, kind, width, num_dims, dims and data are read.
EM_MUST_CHECK enum em_status npz_write(struct log *log, const char *path,
                                       const struct npz_array *arrays, int num);

#endif
