// What the golden tests share; see golden.h.

#include "golden.h"

#include <math.h>

#include "base/file/file.h"

void golden_check(struct log *log, enum em_status status, const char *what)
{
    if (status != EM_OK)
        fail_msg("%s: %s", what, log_error(log));
}

void bench_open(struct bench *b, const char *model, enum op_matmul matmul)
{
    *b = (struct bench) {.log = log_create(stderr, LOG_QUIET), .arena = arena_create()};
    const struct gpu_params gpu = {.log = b->log, .device = getenv("EMEND_TEST_DEVICE")};
    b->gpu = gpu_create(&gpu);
    golden_check(b->log, log_status(b->log), "gpu_create");
    b->files = model_files_open(b->log, model);
    golden_check(b->log, log_status(b->log), "model_files_open");
    const struct session_params session = {
        .log = b->log, .gpu = b->gpu, .files = b->files, .matmul = matmul, .bos = SESSION_BOS_NONE};
    b->s = session_create(&session);
    golden_check(b->log, log_status(b->log), "session_create");
    session_call_begin(b->s);
}

void bench_close(struct bench *b)
{
    session_call_end(b->s);
    session_destroy(&b->s);
    model_files_close(&b->files);
    const int messages = gpu_validation_messages(b->gpu);
    gpu_destroy(&b->gpu);
    arena_destroy(&b->arena);
    log_destroy(&b->log);
    assert_int_equal(messages, 0);
}

bool golden_outside(const char **folder, const char **model)
{
    *folder = getenv("EMEND_REFERENCE");
    *model = getenv("EMEND_REFERENCE_MODEL");
    if (!*folder)
        print_message("skipped: EMEND_REFERENCE does not name a folder of golden values\n");
    else if (!*model)
        print_message("skipped: EMEND_REFERENCE_MODEL does not name the model of %s\n", *folder);
    return *folder && *model;
}

struct json golden_json(struct bench *b, const char *folder, const char *name)
{
    struct json out;
    check_ok(b->log, json_read(b->log, b->arena, path_join(b->arena, folder, name), &out));
    return out;
}

struct st_file golden_tensors(struct bench *b, const char *folder, const char *name)
{
    struct st_file out;
    check_ok(b->log, st_open(b->log, b->arena, path_join(b->arena, folder, name), &out));
    return out;
}

const float *golden_floats(struct bench *b, const struct st_file *f, size_t *num, const char *fmt,
                           ...)
{
    va_list args;
    va_start(args, fmt);
    const char *name = arena_vprint(b->arena, fmt, args);
    va_end(args);
    const struct st_tensor *t = st_find(f, name);
    if (!t || t->type != ST_F32)
        fail_msg("the golden values have no float32 tensor \"%s\"", name);
    if (num)
        *num = t->size / sizeof(float);
    return arena_copy_bytes(b->arena, t->data, t->size); // aligned
}

const int *golden_tokens(struct bench *b, const cJSON *list, int *num)
{
    assert_true(cJSON_IsArray(list));
    *num = cJSON_GetArraySize(list);
    int *ids = arena_array(b->arena, int, (size_t) *num + 1), *at = ids;
    for (const cJSON *x = list->child; x; x = x->next)
        *at++ = x->valueint;
    return ids;
}

double golden_norm(const float *a, size_t num)
{
    double sum = 0;
    for (size_t i = 0; i < num; i++)
        sum += (double) a[i] * a[i];
    return sqrt(sum);
}

double golden_cosine(const float *a, const float *b, size_t num)
{
    double sum = 0;
    for (size_t i = 0; i < num; i++)
        sum += (double) a[i] * b[i];
    const double norms = golden_norm(a, num) * golden_norm(b, num);
    return norms > 0 ? sum / norms : golden_norm(a, num) == golden_norm(b, num);
}

double golden_distance(const float *a, const float *b, size_t num)
{
    double sum = 0;
    for (size_t i = 0; i < num; i++)
        sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
    return sqrt(sum) / golden_norm(b, num);
}

void golden_ask(struct bench *b, struct golden_questions *q, const int *ids, int num, int token)
{
    int *tokens = arena_array(b->arena, int, (size_t) num + 1);
    memcpy(tokens, ids, (size_t) num * sizeof(int));
    tokens[num] = token;
    *arena_push(b->arena, q) =
        (struct em_prompt) {.tokens = tokens, .num_tokens = num + 1, .target_first = num};
}

const struct em_answer *golden_answers(struct bench *b, const struct golden_questions *q)
{
    struct em_answer *answers = arena_array(b->arena, struct em_answer, q->num);
    const struct em_pass pass = {
        .prompts = q->items, .num_prompts = (int) q->num, .answers = answers};
    check_ok(b->log, em_run(b->s, &pass));
    return answers;
}

double golden_logit_error(const struct em_answer *answers, const float *logits, size_t num)
{
    double low = logits[0], high = logits[0], mean = 0, worst = 0;
    for (size_t i = 0; i < num; i++) {
        low = fmin(low, logits[i]);
        high = fmax(high, logits[i]);
        mean += (logits[i] + answers[i].nll) / (double) num;
    }
    for (size_t i = 0; i < num; i++)
        worst = fmax(worst, fabs(logits[i] + answers[i].nll - mean));
    return isfinite(mean) ? worst / (high - low) : INFINITY;
}
