// Covariances in files: both forms written and read again, what an .npz says to the published
// tools, and the files that are no covariance.

#include "fixture.h"

#include <math.h>
#include <unistd.h>

#include "base/file/file.h"
#include "model/npz.h"
#include "model/safetensors.h"
#include "session/session.h"

enum { LAYER = 1, TOKENS = 400 };

static size_t values_of(struct fixture *f)
{
    return (size_t) em_model(f->s)->ffn * (size_t) em_model(f->s)->ffn;
}

static void open_measured(struct fixture *f, const char *cache)
{
    static const char *const path = EMEND_WORLD "/corpus.txt";
    static const int layer = LAYER;
    fixture_open(f, &(struct fixture_params) {.cache = cache});
    const struct session_corpus corpus = {.paths = &path, .num_paths = 1, .tokens = TOKENS};
    fixture_ok(f, session_corpus_set(f->s, &corpus, &layer, 1));
}

static char *temporary(struct fixture *f, const char *name)
{
    return arena_print(f->arena, "/tmp/emend-%ld-%s", (long) getpid(), name);
}

static const double *covariance(struct fixture *f)
{
    const double *c;
    fixture_ok(f, em_covariance(f->s, LAYER, &c));
    return c;
}

// What is at most `apart` from the first file's C, relative to its diagonal, after a way through
// a file.
static void check_way(const char *name, bool single, double apart)
{
    struct fixture f, g;
    open_measured(&f, NULL);
    char *path = temporary(&f, name);
    fixture_ok(&f, session_covariance_export(f.s, LAYER,
                                             &(struct session_covariance_file) {path, single, 0}));
    const double *want = covariance(&f);
    fixture_open(&g, &(struct fixture_params) {0});
    fixture_ok(&g, session_covariance_import(g.s, LAYER, path));
    const double *c = covariance(&g);
    const size_t F = (size_t) em_model(f.s)->ffn;
    double most = 0;
    for (size_t i = 0; i < F * F; i++) {
        const double scale = sqrt(want[i / F * (F + 1)] * want[i % F * (F + 1)]);
        most = fmax(most, fabs(c[i] - want[i]) / scale);
    }
    if (!(most <= apart))
        fail_msg("%s: %g apart", name, most);
    assert_true(!single || most > 0);
    fixture_close(&g);
    unlink(path);
    fixture_close(&f);
}

static void test_ways(void **state)
{
    (void) state;
    check_way("c.safetensors", false, 0);
    check_way("c.npz", false, 0x1p-52);
    check_way("c.npz", true, 0x1p-23);
}

static double number_in(struct fixture *f, const char *path, const char *name)
{
    struct npz_file npz;
    struct npz_array x;
    double value;
    fixture_ok(f, npz_open(f->log, f->arena, path, &npz));
    fixture_ok(f, npz_read(&npz, name, &x));
    assert_true(x.num == 1 && x.kind == 'i');
    npz_values(&x, &value);
    npz_close(&npz);
    return value;
}

// The number of keys is what was measured, from the cache too; what says nothing counts as one.
static void test_counts(void **state)
{
    (void) state;
    char folder[] = "/tmp/emend-cache-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    struct fixture f;
    for (int run = 0; run < 2; run++) {
        open_measured(&f, folder);
        char *path = temporary(&f, "count.npz");
        const struct session_covariance_file to = {path, false, 25};
        fixture_ok(&f, session_covariance_export(f.s, LAYER, &to));
        assert_true(run ? f.s->cost.flop == 0 : f.s->cost.flop > 0);
        assert_true(number_in(&f, path, "mom2.count") == TOKENS);
        assert_true(number_in(&f, path, "sample_size") == 25);
        fixture_close(&f);
    }
    fixture_open(&f, &(struct fixture_params) {0});
    const char *from = temporary(&f, "count.npz"), *to = temporary(&f, "bare.safetensors");
    fixture_ok(&f, session_covariance_import(f.s, LAYER, from));
    assert_int_equal(f.s->covariances[LAYER].tokens, TOKENS);
    const uint64_t F = (uint64_t) em_model(f.s)->ffn;
    const struct st_tensor bare = {.name = "C",
                                   .type = ST_F64,
                                   .num_dims = 2,
                                   .dims = {F, F},
                                   .data = (const uint8_t *) covariance(&f)};
    fixture_ok(&f, st_write(f.log, to, &bare, 1, NULL));
    fixture_ok(&f, session_covariance_import(f.s, LAYER, to));
    fixture_ok(&f, session_covariance_export(f.s, LAYER,
                                             &(struct session_covariance_file) {from, false, 0}));
    assert_true(number_in(&f, from, "mom2.count") == 1);
    unlink(from);
    unlink(to);
    fixture_close(&f);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void expect_refusal(struct fixture *f, enum em_status status, const char *words)
{
    assert_int_equal(status, EM_ERR_CONFIG);
    if (!strstr(log_error(f->log), words))
        fail_msg("\"%s\" is not in: %s", words, log_error(f->log));
    log_clear(f->log);
    assert_null(f->s->covariances[LAYER].c);
}

// A moment of `num` names with these values at (0, 0), (0, 1) and (1, 0), ones on the diagonal.
struct moment {
    int num;
    char kind;
    int64_t count;
    double corner, above, below;
    const char *message;
};

static void check_moment(struct fixture *f, const struct moment *m)
{
    const uint64_t F = (uint64_t) em_model(f->s)->ffn;
    double *values = em_doubles(f->s, values_of(f));
    for (uint64_t i = 0; i < F; i++)
        values[i * F + i] = 1;
    values[0] = m->corner;
    values[1] = m->above;
    values[F] = m->below;
    const struct npz_array arrays[] = {
        {.name = "mom2.count", .kind = 'i', .width = 8, .data = (const uint8_t *) &m->count},
        {.name = "mom2.mom2",
         .kind = m->kind,
         .width = 8,
         .num_dims = 2,
         .dims = {F, F},
         .data = (const uint8_t *) values},
    };
    const char *path = temporary(f, "bad.npz");
    fixture_ok(f, npz_write(f->log, path, arrays, m->num));
    const enum em_status status = session_covariance_import(f->s, LAYER, path);
    if (m->message)
        expect_refusal(f, status, m->message);
    else
        fixture_ok(f, status);
    unlink(path);
}

static void test_refusals(void **state)
{
    static const struct moment moments[] = {
        {1, 'f', 4, 1, 0, 0, "bad.npz: there is no array \"mom2.mom2\" in it"},
        {2, 'i', 4, 1, 0, 0, "bad.npz: mom2.mom2 must be floats of [176, 176]"},
        {2, 'f', 0, 1, 0, 0, "bad.npz: mom2.count is no single number of 1 or more"},
        {2, 'f', -3, 1, 0, 0, "bad.npz: mom2.count is no single number of 1 or more"},
        {2, 'f', 4, NAN, 0, 0,
         "bad.npz: the value in row 0, column 0 or its mirror image is not a "
         "finite number"},
        {2, 'f', 4, 1, INFINITY, 0,
         "bad.npz: the value in row 1, column 0 or its mirror image is "
         "not a finite number"},
        {2, 'f', 4, 1, 0.5, 0.25,
         "bad.npz: is no covariance: row 1, column 0 has 0.0625, its "
         "mirror image 0.125, the diagonal 0.25 and 0.25"},
        {2, 'f', 4, -1, 0, 0, "bad.npz: is no covariance: row 0, column 0 has -0.25"},
        {2, 'f', 4, 1, 0.5, 0.5, NULL},
    };
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    expect_refusal(&f, session_covariance_import(f.s, LAYER, EMEND_NUMPY),
                   "numpy.npz: mom2.mom2 must be floats of [176, 176], as wide as the model's MLP");
    expect_refusal(&f, session_covariance_import(f.s, LAYER, EMEND_WORLD "/config.json"),
                   "config.json");
    const struct session_covariance_file to = {"/tmp/c.pt", false, 0};
    expect_refusal(&f, session_covariance_export(f.s, LAYER, &to),
                   "/tmp/c.pt: a covariance is written as .npz or .safetensors");
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
        check_moment(&f, &moments[i]);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
