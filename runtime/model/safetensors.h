// The safetensors container: 8 bytes of header length, a JSON header, data. Reading is checked
// throughout.

#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include "base/file/file.h"

enum st_type { ST_F64, ST_F32, ST_F16, ST_BF16, ST_I64, ST_I32, ST_U8, ST_OTHER };

enum { ST_MAX_DIMS = 8 };

struct st_tensor {
    const char *name;
    enum st_type type;
    char type_name[16]; // as in the file
    int num_dims;
    uint64_t dims[ST_MAX_DIMS];
    const uint8_t *data;
    uint64_t size; // bytes
};

struct st_file {
    struct file_map map;
    struct st_tensor *tensors;
    int num;
    const char *metadata; // JSON text of "__metadata__", or NULL
};

// Tensors and names live in `a`, data in the map until st_close.
EM_MUST_CHECK enum em_status st_open(struct log *log, struct arena *a, const char *path,
                                     struct st_file *out);
// The same of bytes that are somebody else's; st_close is not needed.
EM_MUST_CHECK enum em_status st_parse(struct log *log, struct arena *a, const char *name,
                                      const void *data, size_t size, struct st_file *out);
void st_close(struct st_file *f);
const struct st_tensor *st_find(const struct st_file *f, const char *name);

// Write a file (atomically). `metadata`: JSON object text with string values, or NULL. Only name,
// type, num_dims, dims and data of each tensor are read.
EM_MUST_CHECK enum em_status st_write(struct log *log, const char *path,
                                      const struct st_tensor *tensors, int num,
                                      const char *metadata);
// The parts of such a file, one after another; they and the header live in `a`.
struct file_part *st_parts(struct arena *a, const struct st_tensor *tensors, int num,
                           const char *metadata, int *num_parts);

#endif
