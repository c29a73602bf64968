// What the golden tests share: a model on a device, the files of golden values, numbers compared.
//
// A set of golden values is a folder in this layout: the one of the small world, here; and, where
// the environment names it, one made elsewhere for a larger model (EMEND_REFERENCE: its folder,
// EMEND_REFERENCE_MODEL: the model's file or folder). EMEND_TEST_DEVICE chooses another device.
// Errors: everything here fails the test that calls it, with the reason.

#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text/json.h"
#include "model/safetensors.h"
#include "model/tokenizer.h"
#include "session/session.h"

struct bench { // a model on a device
    struct log *log;
    struct arena *arena;
    struct gpu *gpu;
    struct model_files *files;
    struct em_session *s;
};

// The steps' status must be EM_OK; else the test fails with the log's message.
#define check_ok(log, expr) golden_check((log), (expr), #expr)
void golden_check(struct log *log, enum em_status status, const char *what);

void bench_open(struct bench *b, const char *model, enum op_matmul matmul);
void bench_close(struct bench *b); // fails where the validation layers had something to say

// The folder and model of golden values that are not in the tree; false, and a line that says why,
// where the environment does not name them.
bool golden_outside(const char **folder, const char **model);

struct json golden_json(struct bench *b, const char *folder, const char *name);
struct st_file golden_tensors(struct bench *b, const char *folder, const char *name);
// A tensor that must be there, and its number of elements.
const float *golden_floats(struct bench *b, const struct st_file *f, size_t *num, const char *fmt,
                           ...) EM_PRINTF(4, 5);
const int *golden_tokens(struct bench *b, const cJSON *list, int *num);

double golden_norm(const float *a, size_t num);
double golden_cosine(const float *a, const float *b, size_t num);   // 1 if both are zero
double golden_distance(const float *a, const float *b, size_t num); // |a - b| / |b|

// The answers of prompts of one pass, which share what they have in common.
struct golden_questions {
    struct em_prompt *items;
    size_t num, cap;
};
// `ids` [num] and then `token`, whose likelihood is asked for.
void golden_ask(struct bench *b, struct golden_questions *q, const int *ids, int num, int token);
const struct em_answer *golden_answers(struct bench *b, const struct golden_questions *q);

// The answers' -ln p against logits[i]: they differ by the same constant for all i. The largest
// deviation from it, relative to the spread of the logits.
double golden_logit_error(const struct em_answer *answers, const float *logits, size_t num);

#endif
