// What the readers of the two containers share: the open model, and the table of the tensors that a
// model has. Private to this folder.

#ifndef MODEL_FILES_PARTS_H
#define MODEL_FILES_PARTS_H

#include "model/files.h"
#include "model/files/gguf.h"
#include "model/safetensors.h"
#include "model/tokenizer.h"

enum container { CONTAINER_HF, CONTAINER_GGUF };

struct slot_kind;

struct model_files {
    struct log *log;
    struct arena *a;
    const char *path, *name;
    enum container container;
    struct model_config config;
    struct st_file *shards;      // HF: [num_weight_files]
    struct gguf_file gguf;       // the first part, which has the metadata
    struct gguf_file *gguf_rest; // GGUF: the other parts, [num_weight_files - 1]
    const char **weight_files;   // paths, by name
    int num_weight_files;
    struct file_tensor *tensors; // [num_tensors], by slot; see slots.c
    int num_tensors;
    const struct slot_kind **layer_slots; // those of each layer
    int num_layer_slots;
    bool interleaved; // GGUF of the llama kind: the halves of the heads of q and k alternate
    struct tokenizer *tokenizer;
};

// A reader fills config, weight_files and tensors: files_make_slots when the config is known,
// files_place for each tensor of a file, files_check_slots at the end.
EM_MUST_CHECK enum em_status files_read_folder(struct model_files *m);
EM_MUST_CHECK enum em_status files_read_gguf(struct model_files *m);
struct tokenizer *files_make_gguf_tokenizer(struct model_files *m);

// Opens all parts of the model that m->path is a part of; fills gguf, gguf_rest and weight_files.
EM_MUST_CHECK enum em_status files_open_gguf(struct model_files *m);
const struct gguf_file *files_gguf_part(const struct model_files *m, int i);
// The tensors of a part, [g->num_tensors], with the container's names; their data is in the file.
EM_MUST_CHECK enum em_status files_read_tensors(struct model_files *m, const struct gguf_file *g,
                                                struct file_tensor **out);
EM_MUST_CHECK enum em_status files_check_overlap(struct model_files *m, const struct gguf_file *g,
                                                 const struct file_tensor *all);

void files_make_slots(struct model_files *m);
// `t` has the container's name and is whole: its data is in the file.
EM_MUST_CHECK enum em_status files_place(struct model_files *m, const char *path,
                                         struct file_tensor t);
EM_MUST_CHECK enum em_status files_check_slots(const struct model_files *m);
EM_MUST_CHECK enum em_status files_check_finite(const struct model_files *m); // reads every weight

#endif
