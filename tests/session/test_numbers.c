// Numbers that no result can be made of: weights and covariances that are not finite, a covariance
// of rank one, a loss that leaves the numbers, a prompt of 100,000 tokens. Each is named.

#include "fixture.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file/file.h"
#include "model/safetensors.h"
#include "session/session.h"

enum { LAYER = 1 };

static char *temporary(struct fixture *f, const char *name)
{
    return arena_print(f->arena, "/tmp/emend-%ld-%s", (long) getpid(), name);
}

static void check_error(struct fixture *f, enum em_status is, enum em_status expected,
                        const char *message)
{
    assert_string_equal(log_error(f->log), message);
    assert_int_equal(is, expected);
    log_clear(f->log);
}

// --- weights

static void copy(struct fixture *f, const char *name, const char *to)
{
    char *text;
    size_t size;
    fixture_ok(f, file_read(f->log, f->arena, arena_print(f->arena, EMEND_WORLD "/%s", name), &text,
                            &size));
    fixture_ok(f, file_write(f->log, path_join(f->arena, to, name), text, size));
}

// The small world's model with one weight of `tensor` replaced by 16 bits of its type.
static void write_damaged(struct fixture *f, const char *folder, const char *tensor, size_t at,
                          uint16_t bits)
{
    struct st_file file;
    fixture_ok(f, folder_make(f->log, folder));
    copy(f, "config.json", folder);
    copy(f, "tokenizer.json", folder);
    fixture_ok(f, st_open(f->log, f->arena, EMEND_WORLD "/model.safetensors", &file));
    for (int i = 0; i < file.num; i++) {
        struct st_tensor *t = &file.tensors[i];
        if (strcmp(t->name, tensor) != 0)
            continue;
        assert_true(t->type == ST_F16 || t->type == ST_BF16);
        uint8_t *data = arena_copy_bytes(f->arena, t->data, t->size);
        memcpy(data + at * sizeof(bits), &bits, sizeof(bits));
        t->data = data;
    }
    fixture_ok(f, st_write(f->log, path_join(f->arena, folder, "model.safetensors"), file.tensors,
                           file.num, file.metadata));
    st_close(&file);
}

static void test_weights(void **state)
{
    (void) state;
    static const struct {
        uint16_t bits;
        const char *name;
    } bad[] = {{0x7fff, "NaN"}, {0xfc00, "infinity"}, {0x7bff, NULL}};
    static const char tensor[] = "model.layers.2.mlp.down_proj.weight";
    struct fixture f;
    char hex[HASH_SIZE];
    fixture_open(&f, &(struct fixture_params) {0});
    const char *folder = temporary(&f, "damaged");
    const int cols = em_model(f.s)->ffn;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        write_damaged(&f, folder, tensor, (size_t) (3 * cols + 7), bad[i].bits);
        struct model_files *files = model_files_open(f.log, folder);
        fixture_ok(&f, log_status(f.log));
        const enum em_status status = model_files_hash(files, f.cache, hex);
        if (bad[i].name)
            check_error(&f, status, EM_ERR_CONFIG,
                        arena_print(f.arena,
                                    "%s: the tensor %s holds %s in row 3, column 7: the file is "
                                    "damaged, or its training diverged; fetch it again, or take "
                                    "another",
                                    folder, tensor, bad[i].name));
        else
            fixture_ok(&f, status);
        model_files_close(&files);
    }
    folder_remove(folder);
    fixture_close(&f);
}

// A hash that was remembered before weights were looked at says nothing of them.
static void test_remembered_weights(void **state)
{
    (void) state;
    struct fixture f;
    struct stat st;
    struct cache_entry e;
    char key[HASH_SIZE], hex[HASH_SIZE] = "0";
    fixture_open(&f, &(struct fixture_params) {0});
    const char *folder = temporary(&f, "remembered"), *kept = temporary(&f, "remembered-cache");
    write_damaged(&f, folder, "model.layers.2.mlp.down_proj.weight", 0, 0x7fff);
    const char *path = path_join(f.arena, folder, "model.safetensors");
    struct cache *cache = cache_create(f.log, kept);
    struct hash *h = hash_begin();
    assert_int_equal(stat(path, &st), 0);
    hash_text(h, path_absolute(f.arena, path));
    hash_bytes(h, &st.st_size, sizeof(st.st_size));
    hash_bytes(h, &st.st_mtim, sizeof(st.st_mtim));
    hash_end(h, key);
    fixture_ok(&f, cache_open(cache, "model", key, &e));
    cache_put(&e, &(struct file_part) {hex, HASH_SIZE}, 1);
    cache_close(&e);
    struct model_files *files = model_files_open(f.log, folder);
    assert_int_equal(model_files_hash(files, cache, hex), EM_ERR_CONFIG);
    model_files_close(&files);
    cache_destroy(&cache);
    folder_remove(folder);
    folder_remove(kept);
    fixture_close(&f);
}

// --- covariances

// The covariance of keys that are all k: k k^T.
static double *rank_one(struct fixture *f)
{
    const size_t F = (size_t) em_model(f->s)->ffn;
    const float *k = fixture_floats(f, F, 1);
    double *c = arena_array(f->arena, double, F *F);
    for (size_t i = 0; i < F * F; i++)
        c[i] = (double) k[i / F] * (double) k[i % F];
    return c;
}

static enum em_status import(struct fixture *f, const char *path, const double *c)
{
    const uint64_t F = (uint64_t) em_model(f->s)->ffn;
    const struct st_tensor tensor = {
        .name = "C", .type = ST_F64, .num_dims = 2, .dims = {F, F}, .data = (const uint8_t *) c};
    fixture_ok(f, st_write(f->log, path, &tensor, 1, NULL));
    return session_covariance_import(f->s, LAYER, path);
}

static void test_covariances(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    const char *path = temporary(&f, "c.safetensors");
    const size_t F = (size_t) em_model(f.s)->ffn;
    const float *key = fixture_floats(&f, F, 1);
    double *c = rank_one(&f), *half = arena_array(f.arena, double, F);
    fixture_ok(&f, import(&f, path, c));
    check_error(&f, em_whiten(f.s, LAYER, key, 1, half, NULL), EM_ERR_NUMERIC,
                "the covariance of layer 1 is not positive definite enough (reciprocal condition "
                "0.0e+00, at least 1e-10 is needed); import one that was measured over more text "
                "(covariance.import)");
    c[2 * F + 5] = NAN;
    check_error(&f, import(&f, path, c), EM_ERR_CONFIG,
                arena_print(f.arena,
                            "%s: the value in row 5, column 2 or its mirror image is not a finite "
                            "number",
                            path));
    unlink(path);
    fixture_close(&f);
}

// --- values and prompts

// A value that left the numbers, as one does whose steps are too large.
static void test_divergence(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    struct em_prompt prompt;
    const struct em_text text = {
        .prompt = "The home of {} is", .subject = "Anna", .target = "Rome"};
    fixture_ok(&f, em_prompt_make(f.s, &text, &prompt));
    float *add = fixture_floats(&f, (size_t) em_model(f.s)->dim, 1), loss = 0;
    add[3] = INFINITY;
    const struct em_probe probe = {.site = EM_SITE_BLOCK_OUT, .layer = LAYER, .add = add};
    const struct em_term term = {.loss = EM_LOSS_NLL, .weight = 1};
    const struct em_pass pass = {.prompts = &prompt,
                                 .num_prompts = 1,
                                 .num_groups = 1,
                                 .probes = &probe,
                                 .num_probes = 1,
                                 .terms = &term,
                                 .losses = &loss};
    check_error(
        &f, em_run(f.s, &pass), EM_ERR_NUMERIC,
        "the loss behind \"The home of Anna is\" is not finite; use a smaller step (v_lr) or "
        "clamp (clamp_norm_factor)");
    add[3] = 0; // nothing of it stays behind
    fixture_ok(&f, em_run(f.s, &pass));
    assert_true(isfinite(loss));
    fixture_close(&f);
}

static void test_long_prompt(void **state)
{
    (void) state;
    enum { WORDS = 100 * 1000 };
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    char *text = arena_alloc(f.arena, 2 * WORDS + 1);
    for (int i = 0; i < WORDS; i++)
        memcpy(text + 2 * i, i % 2 ? " a" : " b", 2);
    int *ids, num;
    fixture_ok(&f, tokenizer_encode(f.s->tokenizer, f.arena, text, false, &ids, &num));
    assert_true(num >= WORDS);
    const char *message =
        arena_print(f.arena, "the text \"%.40s...\" has %d tokens; the model takes at most %d",
                    text, num + f.s->bos, em_model(f.s)->max_tokens);
    struct em_answer answer;
    const struct em_pair pair = {text, "a"};
    check_error(&f, em_score(f.s, &pair, 1, &answer), EM_ERR_CONFIG, message);
    const char *prompts[] = {text}, *out;
    check_error(&f, em_generate(f.s, prompts, 1, 4, 1, &out), EM_ERR_CONFIG, message);
    const struct em_text subject = {.prompt = "{}", .subject = text};
    struct em_prompt prompt;
    check_error(&f, em_prompt_make(f.s, &subject, &prompt), EM_ERR_CONFIG, message);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights),     cmocka_unit_test(test_remembered_weights),
        cmocka_unit_test(test_covariances), cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_long_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
