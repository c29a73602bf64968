// The GGUF container, versions 2 and 3, little endian: typed metadata, a table of tensors, data.
// Every count, length and offset is checked against the file before it is used.
//
// Memory: what is read lives in the arena given, the tensors' data in the map until gguf_close.

#ifndef MODEL_GGUF_H
#define MODEL_GGUF_H

#include "base/file/file.h"

enum gguf_kind { // of metadata, numbered as in the file
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_TEXT,
    GGUF_LIST,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_KINDS
};

struct gguf_value {
    const char *key;
    enum gguf_kind kind;    // GGUF_LIST: a list of `element`
    enum gguf_kind element; // of a list; the same as kind otherwise
    uint64_t count;         // of elements; 1 if it is not a list
    const uint8_t *data;    // in the file, checked to its end
};

enum { GGUF_MAX_DIMS = 4 };

struct gguf_tensor {
    const char *name;
    uint32_t type; // as in the file; see gguf_type_name
    int num_dims;
    uint64_t dims[GGUF_MAX_DIMS]; // fastest first
    uint64_t offset;              // from the start of the data
};

struct gguf_file {
    struct log *log;
    const char *path;
    struct file_map map;
    struct gguf_value *values;
    int num_values;
    struct gguf_tensor *tensors;
    int num_tensors;
    const uint8_t *data; // of the tensors
    uint64_t data_size;
};

EM_MUST_CHECK enum em_status gguf_open(struct log *log, struct arena *a, const char *path,
                                       struct gguf_file *out);
void gguf_close(struct gguf_file *g);

const char *gguf_type_name(uint32_t type); // "Q4_K"; "?" if it is unknown

// Metadata by key. An absent key leaves *out as it is; a value of another kind or outside
// [min, max] is an error.
const struct gguf_value *gguf_find(const struct gguf_file *g, const char *key);
EM_MUST_CHECK enum em_status gguf_get_int(const struct gguf_file *g, const char *key, int min,
                                          int max, int *out);
EM_MUST_CHECK enum em_status gguf_get_number(const struct gguf_file *g, const char *key,
                                             double *out);
EM_MUST_CHECK enum em_status gguf_get_bool(const struct gguf_file *g, const char *key, bool *out);
EM_MUST_CHECK enum em_status gguf_get_text(const struct gguf_file *g, struct arena *a,
                                           const char *key, const char **out);
// The texts, or numbers, of a list; NULL and 0 if it is absent.
EM_MUST_CHECK enum em_status gguf_get_texts(const struct gguf_file *g, struct arena *a,
                                            const char *key, const char ***out, int *num);
EM_MUST_CHECK enum em_status gguf_get_ints(const struct gguf_file *g, struct arena *a,
                                           const char *key, int **out, int *num);
EM_MUST_CHECK enum em_status gguf_get_floats(const struct gguf_file *g, struct arena *a,
                                             const char *key, float **out, int *num);

#endif
