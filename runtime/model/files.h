// A model's files: a Hugging Face folder (safetensors, sharded or not) or GGUF, in one file or
// split in parts, mapped and never read twice. Headers are checked before a byte of a tensor is
// touched: an offset, a size or a count that lies is an error that names the file and the tensor.
//
// Memory: everything lives until model_files_close. Tensors have the names and the row order of the
// Hugging Face checkpoints whatever the container: GGUF's names are translated and its q/k row
// order undone.

#ifndef MODEL_FILES_H
#define MODEL_FILES_H

#include "base/file/cache.h"
#include "model/config.h"

#define FILE_TYPE(NAME, name, number, values, bytes) FILE_##NAME,
enum file_type {
#include "model/dequant/types.def"
    FILE_TYPES
};
#undef FILE_TYPE

const char *file_type_name(enum file_type type);
bool file_type_of_gguf(uint32_t number, enum file_type *out); // false: it is not read
int file_type_block(enum file_type type); // values that are stored together; 1 for plain types
uint64_t file_type_bytes(enum file_type type, uint64_t values); // of whole blocks

struct file_tensor {
    const char *name; // "model.layers.3.mlp.down_proj.weight"
    enum file_type type;
    uint32_t rows, cols; // a vector is [1, n]
    const uint8_t *data; // in the mapped file
    uint64_t size;       // bytes
    // GGUF's q and k: the number of heads whose rows (of a vector: values) are interleaved; 0: they
    // are as they should be
    uint32_t unpermute_heads;
};

struct model_files;

// `path`: a folder, a .gguf file, or any of the parts that one was split in.
struct model_files *model_files_open(struct log *log, const char *path);
void model_files_close(struct model_files **m);

const struct model_config *model_files_config(const struct model_files *m);
const char *model_files_name(const struct model_files *m); // of the folder or file, for people
const struct file_tensor *model_files_tensor(const struct model_files *m,
                                             const char *name); // NULL: none
const struct file_tensor *model_files_matrix(const struct model_files *m, int layer,
                                             enum em_matrix matrix);
int model_files_count(const struct model_files *m);
const struct file_tensor *model_files_at(const struct model_files *m, int i);

// The paths of the weight files, sorted.
const char *const *model_files_weights(const struct model_files *m, int *num);

// SHA-256 over the bytes of the weight files, in name order (of one file: its own); remembered in
// the cache by path, size and time (NULL: not). Weights that are not finite are EM_ERR_CONFIG.
EM_MUST_CHECK enum em_status model_files_hash(struct model_files *m, struct cache *cache,
                                              char hex[HASH_SIZE]);

// The weights' pages leave memory until they are read again: for when they are on the device.
void model_files_release(const struct model_files *m);

// Rows [first, first + num) as float32 [num, cols] (as llama.cpp's reference computes them, bit for
// bit), in Hugging Face row order.
void file_tensor_rows_f32(const struct file_tensor *t, uint32_t first, uint32_t num, float *out);
// The same rows as 16-bit words, for FILE_F16 and FILE_BF16.
void file_tensor_rows_16(const struct file_tensor *t, uint32_t first, uint32_t num, uint16_t *out);

// What the tokenizer is made from: the folder's tokenizer.json, or GGUF's metadata.
struct tokenizer;
// Made at the first call, lives as long as the files; NULL: failed, see the log.
struct tokenizer *model_files_tokenizer(struct model_files *m);

#endif
