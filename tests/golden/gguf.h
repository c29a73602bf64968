// A Hugging Face model written as the GGUF file that llama.cpp's converter would make of it: its
// names, its order of the rows of q and k, vectors in F32.

#ifndef TESTS_GOLDEN_GGUF_H
#define TESTS_GOLDEN_GGUF_H

#include "../parsers/room.h"

#include "model/files.h"

// The path of the file, in the room's folder.
char *golden_gguf(struct room *r, const struct model_files *m, const char *name);

#endif
