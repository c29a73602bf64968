// The covariance: C against its own definition, solves and eigenvectors against C, the corpus's
// forms, the cache.

#include "fixture.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file/file.h"
#include "session/moment/corpus.h"

static const int layers[] = {2, 1, 2}; // in any order, named twice

static void open_corpus(struct fixture *f, const char *path, uint64_t tokens, const char *cache)
{
    fixture_open(f, &(struct fixture_params) {.cache = cache});
    const struct session_corpus corpus = {.paths = &path, .num_paths = 1, .tokens = tokens};
    fixture_ok(f, session_corpus_set(f->s, &corpus, layers, 3));
}

// Keys of every token of the corpus, one document at a time.
static void add_keys(struct fixture *f, const struct corpus *corpus, int layer, double *c)
{
    const size_t F = (size_t) em_model(f->s)->ffn;
    for (int d = 0; d < corpus->num; d++) {
        const struct em_prompt *doc = &corpus->docs[d];
        const size_t n = (size_t) doc->num_tokens;
        float *keys = em_floats(f->s, n * F);
        struct em_row *rows = em_alloc(f->s, n * sizeof(*rows));
        for (int t = 0; t < doc->num_tokens; t++)
            rows[t] = (struct em_row) {0, t};
        const struct em_probe probe = {.site = EM_SITE_MLP_KEY,
                                       .layer = layer,
                                       .rows = rows,
                                       .num_rows = (int) n,
                                       .value = keys};
        fixture_ok(
            f,
            em_run(f->s, &(struct em_pass) {
                             .prompts = doc, .num_prompts = 1, .probes = &probe, .num_probes = 1}));
        for (size_t t = 0; t < n; t++)
            for (size_t i = 0; i < F; i++)
                for (size_t j = 0; j < F; j++)
                    c[i * F + j] += (double) keys[t * F + i] * keys[t * F + j];
    }
}

static void test_definition(void **state)
{
    (void) state;
    struct fixture f;
    const uint64_t tokens = 400;
    open_corpus(&f, EMEND_WORLD "/corpus.txt", tokens, NULL);
    const size_t F = (size_t) em_model(f.s)->ffn;
    struct corpus corpus;
    fixture_ok(&f, corpus_read(f.s, &f.s->corpus, tokens, &corpus));
    assert_true(corpus.num > 3);
    const double *c;
    for (int l = 0; l < 2; l++) {
        double *want = em_doubles(f.s, F * F);
        add_keys(&f, &corpus, layers[l], want);
        fixture_ok(&f, em_covariance(f.s, layers[l], &c));
        for (size_t i = 0; i < F; i++)
            for (size_t j = 0; j < F; j++) {
                const double scale = sqrt(c[i * F + i] * c[j * F + j]);
                assert_true(fabs(c[i * F + j] - want[i * F + j] / (double) tokens) <= 1e-6 * scale);
                assert_true(c[i * F + j] == c[j * F + i]);
            }
    }
    corpus_free(&corpus);
    fixture_close(&f);
}

// One pass measures the layers that were named, each once, and no other.
static void test_layers(void **state)
{
    (void) state;
    struct fixture f;
    open_corpus(&f, EMEND_WORLD "/corpus.txt", 400, NULL);
    fixture_ok(&f, session_covariance_prepare(f.s));
    for (int layer = 0; layer < em_model(f.s)->layers; layer++)
        assert_int_equal(session_covariance_is_kept(f.s, layer), layer == 1 || layer == 2);
    fixture_close(&f);
}

static void test_solves(void **state)
{
    (void) state;
    struct fixture f;
    open_corpus(&f, EMEND_WORLD "/corpus.txt", 4000, NULL);
    const size_t F = (size_t) em_model(f.s)->ffn;
    const float *keys = fixture_floats(&f, 2 * F, 1);
    double *half = em_doubles(f.s, 2 * F), *full = em_doubles(f.s, 2 * F);
    const double *c, *values, *vectors;
    fixture_ok(&f, em_whiten(f.s, 1, keys, 2, half, full));
    fixture_ok(&f, em_covariance(f.s, 1, &c));
    for (size_t n = 0; n < 2; n++) {
        double halves = 0, share = 0;
        for (size_t i = 0; i < F; i++) {
            double sum = 0;
            for (size_t j = 0; j < F; j++)
                sum += c[i * F + j] * full[n * F + j];
            assert_true(fabs(sum - keys[n * F + i]) < 1e-8);
            halves += half[n * F + i] * half[n * F + i];
            share += full[n * F + i] * keys[n * F + i];
        }
        assert_true(fabs(halves / share - 1) < 1e-9);
    }
    fixture_ok(&f, em_covariance_eigen(f.s, 1, &values, &vectors));
    for (size_t v = 0; v < F; v += F - 1) // the smallest and the largest
        for (size_t i = 0; i < F; i++) {
            double sum = 0;
            for (size_t j = 0; j < F; j++)
                sum += c[i * F + j] * vectors[v * F + j];
            assert_true(fabs(sum - values[v] * vectors[v * F + i]) < 1e-10 * values[F - 1]);
        }
    assert_true(values[0] > 0 && values[0] < values[F - 1]);
    fixture_close(&f);
}

static char *write_file(struct fixture *f, const char *name, const char *text)
{
    char *path = arena_print(f->arena, "/tmp/emend-%ld-%s", (long) getpid(), name);
    fixture_ok(f, file_write(f->log, path, text, strlen(text)));
    return path;
}

static void test_corpus_forms(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    const char *paths[] = {
        write_file(&f, "a.txt", "One two.\nThree.\n\n\n Four five. \n"),
        write_file(&f, "b.jsonl", "{\"text\": \"Six.\"}\n\n{\"text\": \"Seven\"}\n")};
    f.s->bos = true;
    const struct session_corpus from = {
        .paths = paths, .num_paths = 2, .documents = 100, .max_length = 128};
    struct corpus corpus;
    const int ffn = f.s->config->ffn;
    assert_int_equal(corpus_read(f.s, &from, 0, &corpus), EM_ERR_CONFIG);
    assert_non_null(strstr(log_error(f.log), "needs at least 176"));
    log_clear(f.log);
    ((struct model_config *) f.s->config)->ffn = 1; // as little as this is enough for once
    fixture_ok(&f, corpus_read(f.s, &from, 0, &corpus));
    ((struct model_config *) f.s->config)->ffn = ffn;
    assert_int_equal(corpus.num, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(corpus.docs[i].tokens[0], tokenizer_bos(f.s->tokenizer));
    const char *first = tokenizer_decode(f.s->tokenizer, f.arena, corpus.docs[0].tokens + 1,
                                         corpus.docs[0].num_tokens - 1, true);
    assert_string_equal(first, "One two. Three.");
    corpus_free(&corpus);
    unlink(paths[0]);
    unlink(paths[1]);
    fixture_close(&f);
}

// Files whose lines end as on other systems are the same corpus.
static void test_corpus_line_ends(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    const char *paths[] = {
        write_file(&f, "a.txt", "One two.\r\nThree.\r\n\r\n\r\n Four five. \r\n"),
        write_file(&f, "b.jsonl", "{\"text\": \"Six.\"}\r\n\r\n{\"text\": \"Seven\"}\r\n")};
    const struct session_corpus from = {
        .paths = paths, .num_paths = 2, .documents = 100, .max_length = 128};
    struct corpus corpus;
    const int ffn = f.s->config->ffn;
    ((struct model_config *) f.s->config)->ffn = 1;
    fixture_ok(&f, corpus_read(f.s, &from, 0, &corpus));
    ((struct model_config *) f.s->config)->ffn = ffn;
    assert_int_equal(corpus.num, 4);
    assert_string_equal(tokenizer_decode(f.s->tokenizer, f.arena, corpus.docs[0].tokens,
                                         corpus.docs[0].num_tokens, true),
                        "One two. Three.");
    corpus_free(&corpus);
    unlink(paths[0]);
    unlink(paths[1]);
    fixture_close(&f);
}

static void test_corpus_refusals(void **state)
{
    (void) state;
    static const struct {
        const char *name, *text;
        size_t size;
        const char *message;
    } bad[] = {
        {"c.jsonl", "{\"text\": \"Six.\"}\n{\"words\": 1}\n", 0,
         ":2: a line of a corpus is a JSON object with a string \"text\""},
        {"d.jsonl", "{\"text\": \"Six.\"}\n\n{\"text\": Six}\n", 0,
         ":3: this is not valid JSON, at `Six}`"},
        {"e.jsonl", "{\"text\": \"Six\\u0000 seven\"}\n", 0,
         ":1: the character U+0000 is not allowed, at `\\u0000 seven\"}`"},
        {"f.txt", "One.\0Two.", 9, ":1: holds a NUL byte, so it is not a text"},
        {"g.txt", "One.\n\nCaf\xE9.\n", 0,
         ":3: the byte 0xE9 is not UTF-8; save the file in that encoding"},
    };
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const size_t size = bad[i].size ? bad[i].size : strlen(bad[i].text);
        const char *path = write_file(&f, bad[i].name, "");
        struct corpus corpus;
        fixture_ok(&f, file_write(f.log, path, bad[i].text, size));
        const struct session_corpus from = {
            .paths = &path, .num_paths = 1, .documents = 100, .max_length = 128};
        assert_int_equal(corpus_read(f.s, &from, 0, &corpus), EM_ERR_CONFIG);
        assert_string_equal(log_error(f.log), arena_print(f.arena, "%s%s", path, bad[i].message));
        log_clear(f.log);
        unlink(path);
    }
    fixture_close(&f);
}

static void test_too_few_tokens(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    const char *path = EMEND_WORLD "/corpus.txt";
    const struct session_corpus corpus = {.paths = &path, .num_paths = 1, .tokens = 175};
    assert_int_equal(session_corpus_set(f.s, &corpus, layers, 3), EM_ERR_CONFIG);
    assert_non_null(strstr(log_error(f.log), "175 tokens cannot determine a 176 x 176 covariance"));
    fixture_close(&f);
}

// As many documents as are asked for may be too few, and so may all that there are.
static void test_too_few_documents(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, &(struct fixture_params) {0});
    const char *path = write_file(&f, "few.txt", "One two.\n\nOne two.\n\nOne two.\n");
    int *ids, num;
    fixture_ok(&f, tokenizer_encode(f.s->tokenizer, f.arena, "One two.", false, &ids, &num));
    struct session_corpus from = {
        .paths = &path, .num_paths = 1, .documents = 2, .max_length = 128};
    struct corpus corpus;
    assert_int_equal(corpus_read(f.s, &from, 0, &corpus), EM_ERR_CONFIG);
    assert_string_equal(log_error(f.log),
                        arena_print(f.arena,
                                    "covariance.documents: 2 of the corpus have %d tokens; a "
                                    "covariance of 176 x 176 needs at least 176, better 1760: use "
                                    "more documents",
                                    2 * num));
    log_clear(f.log);
    from.documents = 3;
    assert_int_equal(corpus_read(f.s, &from, 0, &corpus), EM_ERR_CONFIG);
    assert_string_equal(log_error(f.log),
                        arena_print(f.arena,
                                    "the corpus has %d tokens; a covariance of 176 x 176 needs at "
                                    "least 176, better 1760: add text to covariance.corpus",
                                    3 * num));
    log_clear(f.log);
    unlink(path);
    fixture_close(&f);
}

static void damage(const char *folder)
{
    char command[256];
    snprintf(command, sizeof(command),
             "for f in %s/covariance/*/*; do printf x | dd of=$f bs=1 seek=5000 conv=notrunc "
             "status=none; done",
             folder);
    assert_int_equal(system(command), 0);
}

// A cached covariance is the measured one, bit for bit; a damaged file is found out and measured
// again.
static void test_cache(void **state)
{
    (void) state;
    char folder[] = "/tmp/emend-cache-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    double *first = NULL;
    for (int run = 0; run < 3; run++) {
        struct fixture f;
        const double *c;
        if (run == 2)
            damage(folder);
        open_corpus(&f, EMEND_WORLD "/corpus.txt", 2000, folder);
        const size_t size = (size_t) f.s->config->ffn * (size_t) f.s->config->ffn * sizeof(double);
        fixture_ok(&f, em_covariance(f.s, 1, &c));
        assert_true(run == 1 ? f.s->cost.flop == 0 : f.s->cost.flop > 0);
        if (!first)
            first = memcpy(malloc(size), c, size);
        assert_memory_equal(first, c, size);
        fixture_close(&f);
    }
    free(first);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static double *copy_covariance(struct fixture *f, int layer)
{
    const size_t F = (size_t) em_model(f->s)->ffn;
    const double *c;
    fixture_ok(f, em_covariance(f->s, layer, &c));
    return arena_copy_bytes(f->arena, c, F * F * sizeof(double));
}

// With room for one layer's matrix: two passes, and a layer leaves when another is asked for in a
// later call, to come back with the same bytes. What a call was given stays until it ends.
static void test_little_memory(void **state)
{
    (void) state;
    struct fixture f, g;
    char folder[] = "/tmp/emend-cache-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    open_corpus(&f, EMEND_WORLD "/corpus.txt", 400, NULL);
    const size_t F = (size_t) em_model(f.s)->ffn, size = F * F * sizeof(double);
    const double *want[] = {copy_covariance(&f, 1), copy_covariance(&f, 2)};
    f.s->covariance_limit = size;
    session_call_end(f.s);
    assert_non_null(f.s->covariances[1].c); // no file has it
    open_corpus(&g, EMEND_WORLD "/corpus.txt", 400, folder);
    g.s->covariance_limit = size;
    session_call_begin(g.s);
    fixture_ok(&g, session_covariance_prepare(g.s));
    session_call_end(g.s);
    for (int i = 0; i < 4; i++) {
        const int layer = 1 + i % 2;
        session_call_begin(g.s);
        assert_memory_equal(copy_covariance(&g, layer), want[layer - 1], size);
        session_call_end(g.s);
        assert_non_null(g.s->covariances[layer].c);
        assert_null(g.s->covariances[3 - layer].c);
    }
    session_call_begin(g.s);
    copy_covariance(&g, 1);
    copy_covariance(&g, 2);
    assert_non_null(g.s->covariances[1].c);
    session_call_end(g.s);
    assert_null(g.s->covariances[1].c);
    fixture_close(&g);
    fixture_close(&f);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_solves),
        cmocka_unit_test(test_corpus_forms),
        cmocka_unit_test(test_corpus_line_ends),
        cmocka_unit_test(test_corpus_refusals),
        cmocka_unit_test(test_too_few_tokens),
        cmocka_unit_test(test_too_few_documents),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
