// Random models of odd shapes: the logits, and d loss / d activation at every row of every block,
// against values computed in float64; loss = mean over t of -ln p(ids[t + 1] | ids[.. t]).
//
// Tolerances: logits 1e-4 of their spread, gradients by cosine > 0.99999 (float32 against float64
// was seen to differ by 1e-6 of the largest value).

#include "gguf.h"
#include "golden.h"

#include <math.h>
#include <unistd.h>

#include "base/file/file.h"

static const double LOGITS = 1e-4, COSINE = 0.99999, LOSS = 5e-5;

struct model {
    const char *name;
    enum op_matmul matmul;
    bool gguf;    // converted from the folder
    bool outside; // of the folder that EMEND_REFERENCE names
};

struct tiny {
    struct bench bench;
    struct st_file golden;
    const struct em_model *model;
    char folder[64]; // holds the model under the name of a session's: with a tokenizer
};

static const char *const parts[] = {"config.json", "model.safetensors", "tokenizer.json"};

// The random models come without a tokenizer, which a session needs but these tests do not.
static void link_model(struct tiny *t, struct arena *a, const char *from)
{
    snprintf(t->folder, sizeof(t->folder), "/tmp/emend-test-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    for (int i = 0; i < 3; i++) {
        const char *source =
            i < 2 ? path_join(a, from, parts[i]) : path_join(a, EMEND_GOLDEN, "any-tokenizer.json");
        assert_int_equal(symlink(source, path_join(a, t->folder, parts[i])), 0);
    }
}

static void unlink_model(struct tiny *t, struct arena *a)
{
    for (int i = 0; i < 3; i++)
        unlink(path_join(a, t->folder, parts[i]));
    rmdir(t->folder);
}

// The same model from a GGUF file that is made of it.
static void open_converted(struct tiny *t, struct arena *a, enum op_matmul matmul)
{
    struct room r = {.log = log_create(stderr, LOG_QUIET), .a = a, .folder = t->folder};
    struct model_files *m = model_files_open(r.log, t->folder);
    golden_check(r.log, log_status(r.log), "model_files_open");
    const char *path = golden_gguf(&r, m, "model.gguf");
    model_files_close(&m);
    log_destroy(&r.log);
    bench_open(&t->bench, path, matmul);
    unlink(path);
}

static bool open_tiny(struct tiny *t, const struct model *m)
{
    const char *root = m->outside ? getenv("EMEND_REFERENCE") : EMEND_GOLDEN;
    if (!root) {
        print_message("skipped: EMEND_REFERENCE does not name a folder of golden values\n");
        return false;
    }
    struct arena *a = arena_create();
    const char *from = path_absolute(a, path_join(a, root, m->name));
    link_model(t, a, from);
    if (m->gguf)
        open_converted(t, a, m->matmul);
    else
        bench_open(&t->bench, t->folder, m->matmul);
    unlink_model(t, a);
    t->golden = golden_tensors(&t->bench, from, "golden.safetensors");
    t->model = em_model(t->bench.s);
    arena_destroy(&a);
    return true;
}

static void close_tiny(struct tiny *t)
{
    st_close(&t->golden);
    bench_close(&t->bench);
}

static const int *ints(struct tiny *t, const char *what, int length, int *num)
{
    const char *name = arena_print(t->bench.arena, "%s.%d", what, length);
    const struct st_tensor *x = st_find(&t->golden, name);
    if (num)
        *num = x ? (int) (x->size / sizeof(int)) : 0;
    assert_true(!x || x->type == ST_I32);
    return x ? arena_copy_bytes(t->bench.arena, x->data, x->size) : NULL;
}

// The positions that golden values are given for.
static const int *stored_rows(struct tiny *t, int length, int *num)
{
    const int *rows = ints(t, "rows", length, num);
    if (rows)
        return rows;
    int *all = arena_array(t->bench.arena, int, (size_t) length);
    for (int i = 0; i < length; i++)
        all[i] = i;
    *num = length;
    return all;
}

// The whole vocabulary after the tokens up to each stored position.
static void check_logits(struct tiny *t, int length)
{
    struct bench *b = &t->bench;
    const int *ids = ints(t, "ids", length, NULL), vocab = t->model->vocab;
    int num;
    const int *rows = stored_rows(t, length, &num);
    const float *logits = golden_floats(b, &t->golden, NULL, "logits.%d", length);
    const int stride = num > 100 ? 10 : 1; // a tenth of a long text does
    struct golden_questions q = {0};
    for (int r = 0; r < num; r += stride)
        for (int v = 0; v < vocab; v++)
            golden_ask(b, &q, ids, rows[r] + 1, v);
    const struct em_answer *answers = golden_answers(b, &q);
    for (int r = 0; r < num; r += stride, answers += vocab) {
        const float *row = logits + (size_t) r * (size_t) vocab;
        const double error = golden_logit_error(answers, row, (size_t) vocab);
        if (!(error <= LOGITS))
            fail_msg("%d tokens, position %d: logits are off by %.1e", length, rows[r], error);
    }
}

static const char *const site_names[EM_SITE_COUNT] = {"block_in", "attn_out", "mlp_key", "mlp_out",
                                                      "block_out"};

static int site_width(const struct tiny *t, enum em_site site)
{
    return site == EM_SITE_MLP_KEY ? t->model->ffn : t->model->dim;
}

// One probe for each block, at every row.
static struct em_probe *make_probes(struct tiny *t, enum em_site site, int length)
{
    struct arena *a = t->bench.arena;
    struct em_row *rows = arena_array(a, struct em_row, (size_t) length);
    for (int i = 0; i < length; i++)
        rows[i].token = i;
    struct em_probe *probes = arena_array(a, struct em_probe, (size_t) t->model->layers);
    const size_t size = (size_t) length * (size_t) site_width(t, site);
    for (int l = 0; l < t->model->layers; l++)
        probes[l] = (struct em_probe) {.site = site,
                                       .layer = l,
                                       .rows = rows,
                                       .num_rows = length,
                                       .value = arena_array(a, float, size),
                                       .row_grad = arena_array(a, float, size)};
    return probes;
}

static float *pick_rows(struct tiny *t, const float *from, int width, int length)
{
    int num;
    const int *rows = stored_rows(t, length, &num);
    float *to = arena_array(t->bench.arena, float, (size_t) num *(size_t) width);
    for (int i = 0; i < num; i++)
        memcpy(to + (size_t) i * (size_t) width, from + (size_t) rows[i] * (size_t) width,
               (size_t) width * sizeof(float));
    return to;
}

static void compare(struct tiny *t, const char *what, const char *name, const float *ours,
                    enum em_site site, int layer, int length)
{
    size_t all;
    const float *gold = golden_floats(&t->bench, &t->golden, &all, "%s", name);
    const size_t num = all / (size_t) t->model->layers;
    gold += num * (size_t) layer;
    const float *picked = pick_rows(t, ours, site_width(t, site), length);
    const double cosine = golden_cosine(picked, gold, num);
    const double longer = fabs(golden_norm(picked, num) / golden_norm(gold, num) - 1);
    if (!(cosine > COSINE && longer < 1e-3))
        fail_msg("%s of %s of block %d, %d tokens: cosine 1 - %.1e, norms differ by %.1e", what,
                 site_names[site], layer, length, 1 - cosine, longer);
}

// All rows of all blocks in one pass; nothing comes back from the last row, which no loss reads.
static void check_gradients(struct tiny *t, enum em_site site, int length)
{
    struct bench *b = &t->bench;
    const struct em_prompt prompt = {
        .tokens = ints(t, "ids", length, NULL), .num_tokens = length, .target_first = 1};
    const struct em_term term = {.loss = EM_LOSS_NLL, .weight = 1};
    struct em_probe *probes = make_probes(t, site, length);
    float loss;
    const struct em_pass pass = {.prompts = &prompt,
                                 .num_prompts = 1,
                                 .num_groups = 1,
                                 .probes = probes,
                                 .num_probes = t->model->layers,
                                 .terms = &term,
                                 .losses = &loss};
    check_ok(b->log, em_run(b->s, &pass));
    const float *gold = golden_floats(b, &t->golden, NULL, "loss.%d", length);
    if (!(fabs((double) loss - gold[0]) <= LOSS))
        fail_msg("%d tokens: the loss is %.7f, not %.7f", length, (double) loss, (double) gold[0]);
    const bool out = site == EM_SITE_BLOCK_OUT;
    const char *part = out ? "" : arena_print(b->arena, "%s.", site_names[site]);
    const char *grads = arena_print(b->arena, "gradient.%s%d", part, length);
    const char *values = arena_print(b->arena, "value.%s.%d", site_names[site], length);
    for (int l = 0; l < t->model->layers; l++) {
        compare(t, "gradient", grads, probes[l].row_grad, site, l, length);
        if (st_find(&t->golden, values))
            compare(t, "value", values, probes[l].value, site, l, length);
        const int width = site_width(t, site);
        const float *last = probes[l].row_grad + (size_t) (length - 1) * (size_t) width;
        assert_true(golden_norm(last, (size_t) width) == 0);
    }
}

// Where a sliding window is the limit, a prompt that it would cut is refused.
static void check_window(struct tiny *t)
{
    struct bench *b = &t->bench;
    const int window = model_files_config(b->files)->window;
    if (!window)
        return;
    assert_int_equal(t->model->max_tokens, window);
    struct em_prompt prompt = {.tokens = arena_array(b->arena, int, (size_t) window + 1),
                               .num_tokens = window + 1};
    const struct em_pass pass = {.prompts = &prompt, .num_prompts = 1};
    assert_int_equal(em_run(b->s, &pass), EM_ERR_CONFIG);
    assert_string_equal(
        log_error(b->log),
        arena_print(b->arena,
                    "a prompt has %d tokens; the model takes 1 to %d, its sliding window; "
                    "attention that leaves tokens behind is not supported",
                    window + 1, window));
    log_clear(b->log);
    prompt.num_tokens = window;
    check_ok(b->log, em_run(b->s, &pass));
}

static void test_model(void **state)
{
    struct tiny t = {0};
    const struct model *model = *state;
    if (!open_tiny(&t, model))
        skip();
    static const int lengths[] = {1, 7, 40, 150};
    const int num = model->gguf ? 3 : 4; // the same numbers from another file: shorter texts do
    for (int i = 0; i < num; i++)
        check_logits(&t, lengths[i]);
    for (int i = 1; i < num; i++)
        check_gradients(&t, EM_SITE_BLOCK_OUT, lengths[i]);
    for (enum em_site site = 0; site < EM_SITE_COUNT; site++)
        if (st_find(&t.golden, arena_print(t.bench.arena, "value.%s.7", site_names[site])))
            check_gradients(&t, site, 7);
    check_window(&t);
    close_tiny(&t);
}

int main(void)
{
    static const char *const names[] = {
        "tiny-mha",    "tiny-gqa-llama3", "tiny-tied",       "tiny-linear",  "tiny-llama32",
        "tiny-biases", "tiny-qwen2",      "tiny-qwen2-tied", "tiny-mistral",
    };
    static const struct model ways[] = {
        {NULL, OP_MATMUL_AUTO, false, false},  {NULL, OP_MATMUL_SHADER, false, false},
        {NULL, OP_MATMUL_AUTO, true, false},   {NULL, OP_MATMUL_AUTO, false, true},
        {NULL, OP_MATMUL_SHADER, false, true},
    };
    enum { NAMES = sizeof(names) / sizeof(names[0]), WAYS = sizeof(ways) / sizeof(ways[0]) };
    enum { OUTSIDE = 3 }; // the first of the names
    struct model models[NAMES * WAYS];
    struct CMUnitTest tests[NAMES * WAYS];
    char titles[NAMES * WAYS][64];
    int num = 0;
    for (int i = 0; i < NAMES * WAYS; i++) {
        struct model *m = &models[num];
        *m = ways[i / NAMES];
        m->name = names[i % NAMES];
        if (m->outside && i % NAMES >= OUTSIDE)
            continue;
        snprintf(titles[num], sizeof(titles[num]), "%s%s%s%s", m->outside ? "outside " : "",
                 m->name, m->gguf ? " as GGUF" : "",
                 m->matmul == OP_MATMUL_SHADER ? " with shaders alone" : "");
        tests[num] = (struct CMUnitTest) {titles[num], test_model, NULL, NULL, m};
        num++;
    }
    return _cmocka_run_group_tests("tiny", tests, (size_t) num, NULL, NULL);
}
