// Metrics of a model's state on the small world: nothing has moved before an edit, and what has
// moved after one is what plain sums over distributions and weights say.

#include "../session/fixture.h"

#include <math.h>
#include <unistd.h>

#include "base/file/file.h"
#include "plugin/options.h"
#include "plugin/registry.h"

#define TEXT                                                                                       \
    "A river is older than the valley that it runs through.\n\n\n"                                 \
    "To make bread, take flour, water and salt.\nWait. \n \n"                                      \
    "The road to the sea is long, and the third paragraph is not read to its end.\n"

enum { LAYER = 1, PROMPTS = 3, TOKENS = 7 };

struct state { // a session, and the metrics of its state
    struct fixture f;
    struct registry *registry;
    const char *path; // of the neutral text
};

static void open_state(struct state *t)
{
    static const char *const folders[] = {PLUGINS};
    fixture_open(&t->f, &(struct fixture_params) {0});
    t->registry = registry_create(t->f.log, folders, 1);
    const char *folder = getenv("TMPDIR");
    t->path = arena_print(t->f.arena, "%s/emend-neutral-%d.txt", folder ? folder : "/tmp",
                          (int) getpid());
    fixture_ok(&t->f, file_write(t->f.log, t->path, TEXT, strlen(TEXT)));
}

static void close_state(struct state *t)
{
    unlink(t->path);
    registry_destroy(&t->registry);
    fixture_close(&t->f);
}

static const struct em_metric *open_metric(struct state *t, const char *name, bool reads_text,
                                           void **options)
{
    struct fixture *f = &t->f;
    const struct em_metric *m = registry_metric(t->registry, name);
    fixture_ok(f, log_status(f->log));
    assert_int_equal(m->scope, EM_PER_STATE);
    *options = arena_alloc(f->arena, m->options_size + 1);
    cJSON *json = cJSON_CreateObject();
    if (reads_text) {
        cJSON_AddStringToObject(json, "text", t->path);
        cJSON_AddNumberToObject(json, "tokens", TOKENS);
    }
    const struct options_source source = {.log = f->log, .arena = f->arena, .owner = name};
    fixture_ok(f, options_fill(&source, m->options, json, *options));
    cJSON_Delete(json);
    session_call_end(f->s);
    session_call_begin_in(f->s, f->arena);
    if (m->open)
        fixture_ok(f, m->open(f->s, *options));
    session_call_end(f->s);
    session_call_begin(f->s);
    return m;
}

static double inspect(struct state *t, const struct em_metric *m, const void *options)
{
    double value = NAN;
    fixture_ok(&t->f, m->inspect(t->f.s, options, &value));
    return value;
}

// One row more in the down projection of a layer; the product of its factors' norms.
static double edit(struct fixture *f)
{
    const struct em_model *model = em_model(f->s);
    const float *left = fixture_floats(f, (size_t) model->dim, 0.5f);
    const float *right = fixture_floats(f, (size_t) model->ffn, 0.5f);
    double l = 0, r = 0;
    for (int i = 0; i < model->dim; i++)
        l += (double) left[i] * left[i];
    for (int i = 0; i < model->ffn; i++)
        r += (double) right[i] * right[i];
    fixture_ok(f, em_weight_add(f->s, EM_MATRIX_DOWN, LAYER, left, right, 1));
    return sqrt(l * r);
}

static void test_norm(void **state)
{
    (void) state;
    struct state t;
    open_state(&t);
    struct fixture *f = &t.f;
    void *options;
    const struct em_metric *norm = open_metric(&t, "norm", false, &options);
    assert_true(inspect(&t, norm, options) == 0);
    const size_t num = (size_t) em_model(f->s)->dim * (size_t) em_model(f->s)->ffn;
    float *w = arena_array(f->arena, float, num);
    fixture_ok(f, em_weight_read(f->s, EM_MATRIX_DOWN, LAYER, w));
    double w0 = 0;
    for (size_t i = 0; i < num; i++)
        w0 += (double) w[i] * w[i];
    const double moved = edit(f);
    assert_true(fabs(inspect(&t, norm, options) / (moved / sqrt(w0)) - 1) < 1e-6);
    // A second matrix counts together with the first: twice W0 is as far from it as W0 from 0.
    double change, original, other;
    fixture_ok(f, em_weight_read(f->s, EM_MATRIX_DOWN, 0, w));
    for (size_t i = 0; i < num; i++)
        w[i] *= 2;
    fixture_ok(f, em_weight_write(f->s, EM_MATRIX_DOWN, 0, w));
    fixture_ok(f, em_weight_change(f->s, EM_MATRIX_DOWN, 0, &change, &other));
    assert_true(change == other && other > 0);
    fixture_ok(f, em_weight_change(f->s, EM_MATRIX_DOWN, LAYER, &change, &original));
    const double both =
        sqrt((change * change + other * other) / (original * original + other * other));
    assert_true(fabs(inspect(&t, norm, options) / both - 1) < 1e-12);
    fixture_ok(f, em_weight_change(f->s, EM_MATRIX_UP, LAYER, &change, &original));
    assert_true(change == 0 && original == 0);
    fixture_ok(f, session_revert(f->s));
    assert_true(inspect(&t, norm, options) == 0);
    close_state(&t);
}

// The text's paragraphs as the metrics read them.
static void make_prompts(struct state *t, struct em_prompt *out)
{
    static const char *const paragraphs[PROMPTS] = {
        "A river is older than the valley that it runs through.",
        "To make bread, take flour, water and salt.\nWait.",
        "The road to the sea is long, and the third paragraph is not read to its end.",
    };
    for (int i = 0; i < PROMPTS; i++) {
        struct em_text text = {.prompt = "{}", .subject = paragraphs[i]};
        fixture_ok(&t->f, em_prompt_make(t->f.s, &text, &out[i]));
        assert_true(out[i].num_tokens > TOKENS);
        out[i].num_tokens = TOKENS;
        out[i].subject_last = TOKENS - 1;
        out[i].target_first = TOKENS;
    }
}

static float *read_log_probs(struct fixture *f, const struct em_prompt *prompts, int num,
                             bool unedited)
{
    float *out = arena_array(f->arena, float, (size_t) num *(size_t) em_model(f->s)->vocab);
    fixture_ok(f, em_run(f->s, &(struct em_pass) {.prompts = prompts,
                                                  .num_prompts = num,
                                                  .log_probs = out,
                                                  .unedited = unedited}));
    return out;
}

static void test_drift(void **state)
{
    (void) state;
    struct state t;
    open_state(&t);
    struct fixture *f = &t.f;
    void *options;
    const struct em_metric *drift = open_metric(&t, "drift", true, &options);
    assert_true(inspect(&t, drift, options) == 0);
    edit(f);
    struct em_prompt prompts[PROMPTS];
    make_prompts(&t, prompts);
    const size_t vocab = (size_t) em_model(f->s)->vocab;
    const float *p0 = read_log_probs(f, prompts, PROMPTS, true);
    const float *p = read_log_probs(f, prompts, PROMPTS, false);
    double kl = 0;
    for (size_t i = 0; i < PROMPTS * vocab; i++)
        kl += exp((double) p[i]) * ((double) p[i] - p0[i]) / PROMPTS;
    assert_true(kl > 1e-3);
    assert_true(fabs(inspect(&t, drift, options) / kl - 1) < 1e-4);
    fixture_ok(f, session_revert(f->s));
    assert_true(inspect(&t, drift, options) == 0);
    close_state(&t);
}

static void test_perplexity(void **state)
{
    (void) state;
    struct state t;
    open_state(&t);
    struct fixture *f = &t.f;
    void *options;
    const struct em_metric *perplexity = open_metric(&t, "perplexity", true, &options);
    struct em_prompt prompts[PROMPTS];
    make_prompts(&t, prompts);
    const size_t vocab = (size_t) em_model(f->s)->vocab;
    double sum = 0;
    for (int i = 0; i < PROMPTS; i++)
        for (int k = 1; k < TOKENS; k++) { // each token from those before it alone
            struct em_prompt start = prompts[i];
            start.num_tokens = start.target_first = k;
            start.subject_last = k - 1;
            const float *p = read_log_probs(f, &start, 1, false);
            double total = 0;
            for (size_t v = 0; v < vocab; v++)
                total += exp((double) p[v]);
            assert_true(fabs(total - 1) < 1e-5);
            sum -= p[prompts[i].tokens[k]];
        }
    const double expected = exp(sum / (PROMPTS * (TOKENS - 1)));
    assert_true(fabs(inspect(&t, perplexity, options) / expected - 1) < 1e-5);
    close_state(&t);
}

// Of a paragraph that is longer than the model takes no more is read than of a short one.
static void test_long_paragraph(void **state)
{
    (void) state;
    static const char *const names[] = {"drift", "perplexity"};
    struct state t;
    open_state(&t);
    struct fixture *f = &t.f;
    const char *start = "A river is older than the valley that it runs through", *text = start;
    for (int i = 0; i < 100; i++)
        text = arena_print(f->arena, "%s, and than the hills", text);
    const struct random chance = f->chance;
    for (int i = 0; i < 2; i++) {
        void *options;
        double values[2];
        for (int k = 0; k < 2; k++) {
            fixture_ok(f, file_write(f->log, t.path, k ? text : start, strlen(k ? text : start)));
            const struct em_metric *m = open_metric(&t, names[i], true, &options);
            f->chance = chance;
            edit(f);
            values[k] = inspect(&t, m, options);
            fixture_ok(f, session_revert(f->s));
        }
        assert_true(values[0] > 0 && values[0] == values[1]);
    }
    close_state(&t);
}

static void test_refusals(void **state)
{
    (void) state;
    struct state t;
    open_state(&t);
    struct fixture *f = &t.f;
    const struct em_metric *drift = registry_metric(t.registry, "drift");
    void *options = arena_alloc(f->arena, drift->options_size);
    const struct options_source source = {.log = f->log, .arena = f->arena, .owner = "drift"};
    assert_int_equal(options_fill(&source, drift->options, NULL, options), EM_ERR_CONFIG);
    assert_non_null(strstr(log_error(f->log), "text: is missing; drift needs it: a text"));
    log_clear(f->log);
    fixture_ok(f, file_write(f->log, t.path, " \n\n \t\n", 6));
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "text", t.path);
    fixture_ok(f, options_fill(&source, drift->options, json, options));
    cJSON_Delete(json);
    assert_int_equal(drift->open(f->s, options), EM_ERR_CONFIG);
    assert_non_null(strstr(log_error(f->log), "holds no paragraph"));
    log_clear(f->log);
    close_state(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norm),       cmocka_unit_test(test_drift),
        cmocka_unit_test(test_perplexity), cmocka_unit_test(test_long_paragraph),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
