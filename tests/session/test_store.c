// Values of facts: found again by content and by nothing else, in memory and on disk; a chunk that
// was cut off is not there at all.

#include "fixture.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file/file.h"

enum { FACTS = 3, WIDTH = 5 };

static const struct em_fact facts[FACTS] = {
    {.id = "0", .prompt = "{} is in", .subject = "Rome", .target_new = "Spain"},
    {.id = "1", .prompt = "{} is in", .subject = "Oslo", .target_new = "Chile"},
    {.id = "2", .prompt = "{} is in", .subject = "Rome", .target_new = "Spain"}, // as the first
};

struct room {
    char folder[64];
    struct fixture f;
};

static void open_session(struct room *r, bool cached)
{
    fixture_open(&r->f, &(struct fixture_params) {.cache = cached ? r->folder : NULL});
    session_store_key(r->f.s, "family\nlayers=5\n", "memit");
    session_call_begin(r->f.s);
}

static void reopen(struct room *r)
{
    fixture_close(&r->f);
    open_session(r, true);
}

static int set_up(void **state)
{
    struct room *r = *state = calloc(1, sizeof(*r));
    assert_non_null(r);
    strcpy(r->folder, "/tmp/emend-store-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    open_session(r, true);
    return 0;
}

static int tear_down(void **state)
{
    struct room *r = *state;
    fixture_close(&r->f);
    folder_remove(r->folder);
    free(r);
    return 0;
}

static bool known(struct room *r, const struct em_fact *fact, float first)
{
    float v[WIDTH];
    if (!em_store_get(r->f.s, fact, "z", v, WIDTH))
        return false;
    for (int i = 0; i < WIDTH; i++)
        assert_true(v[i] == first + (float) i);
    return true;
}

static void put(struct room *r, const struct em_fact *fact, float first)
{
    float v[WIDTH];
    for (int i = 0; i < WIDTH; i++)
        v[i] = first + (float) i;
    fixture_ok(&r->f, em_store_put(r->f.s, fact, "z", v, WIDTH));
}

// As an algorithm would; how many of the facts were computed. Values tell `first` and their place.
static int prepare(struct room *r, const struct em_fact *of, int n, float first)
{
    int computed = 0;
    fixture_ok(&r->f, session_chunk_begin(r->f.s, of, n));
    for (int i = 0; i < n; i++)
        if (!em_store_get(r->f.s, &of[i], "z", (float[WIDTH]) {0}, WIDTH)) {
            put(r, &of[i], first + 10 * (float) i);
            computed++;
        }
    fixture_ok(&r->f, session_chunk_end(r->f.s, EM_OK));
    return computed;
}

static int num_files(struct room *r)
{
    int num = 0;
    DIR *folder = opendir(path_join(r->f.arena, r->folder, "values"));
    for (const struct dirent *d; folder && (d = readdir(folder));)
        num += d->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return num;
}

static void test_found_again(void **state)
{
    struct room *r = *state;
    assert_int_equal(prepare(r, facts, 2, 100), 2);
    for (int i = 0; i < 3; i++) { // in memory, and twice from disk
        assert_int_equal(prepare(r, facts, 2, 200), 0);
        assert_true(known(r, &facts[0], 100) && known(r, &facts[1], 110));
        assert_true(known(r, &facts[2], 100)); // an id is no content
        reopen(r);
    }
    assert_false(known(r, &facts[0], 100)); // in a file that was not asked for
    assert_false(em_store_get(r->f.s, &facts[0], "key", (float[WIDTH]) {0}, WIDTH));
    assert_int_equal(prepare(r, facts, 2, 200), 0);
    assert_false(em_store_get(r->f.s, &facts[0], "z", (float[WIDTH]) {0}, WIDTH - 1));
    assert_int_equal(num_files(r), 1);
}

// With host BLAS the last bits of a value depend on what was computed beside it.
static void test_values_belong_to_their_company(void **state)
{
    struct room *r = *state;
    assert_int_equal(prepare(r, facts, 2, 100), 2);
    assert_int_equal(prepare(r, facts, 1, 200), 1);
    assert_true(known(r, &facts[0], 200)); // of the newest chunk it is in
    assert_true(known(r, &facts[1], 110));
    assert_int_equal(prepare(r, facts, 2, 300), 0);
    assert_true(known(r, &facts[0], 100));
    const struct em_fact turned[] = {facts[1], facts[0]};
    assert_int_equal(prepare(r, turned, 2, 300), 2);
    assert_int_equal(num_files(r), 3);
    assert_int_equal(prepare(r, facts, 3, 400), 2); // the third is the first
    assert_true(known(r, &facts[2], 400));
}

static void add_to_weights(struct room *r)
{
    const struct em_model *m = em_model(r->f.s);
    const float *left = fixture_floats(&r->f, (size_t) m->dim, 1e-3f);
    const float *right = fixture_floats(&r->f, (size_t) m->ffn, 1e-3f);
    fixture_ok(&r->f, em_weight_add(r->f.s, EM_MATRIX_DOWN, 1, left, right, 1));
    session_call_begin(r->f.s);
}

// Everything that a value depends on makes another chunk, and taken back finds the first.
static void test_context(void **state)
{
    struct room *r = *state;
    static const char *const texts[] = {"{}", "So. {}"};
    assert_int_equal(prepare(r, facts, 2, 100), 2);
    session_store_key(r->f.s, "family\nlayers=6\n", "memit");
    assert_int_equal(prepare(r, facts, 2, 200), 2);
    session_store_key(r->f.s, "family\nlayers=5\n", "memit");
    assert_int_equal(prepare(r, facts, 2, 300), 0);
    assert_true(known(r, &facts[0], 100));

    add_to_weights(r);
    assert_false(known(r, &facts[0], 100));
    assert_int_equal(prepare(r, facts, 2, 300), 2);
    fixture_ok(&r->f, session_revert(r->f.s));
    session_call_begin(r->f.s);
    assert_int_equal(prepare(r, facts, 2, 400), 0);

    r->f.s->bos = !r->f.s->bos;
    assert_int_equal(prepare(r, facts, 2, 400), 2);
    r->f.s->bos = !r->f.s->bos;
    char *profile = r->f.s->profile;
    r->f.s->profile = "another machine";
    assert_int_equal(prepare(r, facts, 2, 500), 2);
    r->f.s->profile = profile;
    assert_int_equal(prepare(r, facts, 2, 600), 0);
    fixture_ok(&r->f, session_templates_set(r->f.s, "memit", texts, 2));
    assert_int_equal(prepare(r, facts, 2, 600), 2);
    assert_int_equal(num_files(r), 6);
    fixture_ok(&r->f, session_templates_set(r->f.s, "rome", texts, 2)); // is not read
    assert_int_equal(prepare(r, facts, 2, 700), 0);
}

// Without a cache values are shared in memory, as far as they are of one context.
static void test_in_memory(void **state)
{
    struct room *r = *state;
    fixture_close(&r->f);
    open_session(r, false);
    assert_int_equal(prepare(r, facts, 2, 100), 2);
    assert_int_equal(prepare(r, facts, 2, 200), 0);
    put(r, &facts[1], 300); // outside a chunk: the chunk's own come first
    assert_true(known(r, &facts[1], 110));
    const struct em_fact other = {.prompt = "{}", .subject = "Kyoto", .target_new = "Peru"};
    put(r, &other, 400);
    assert_true(known(r, &other, 400));
    add_to_weights(r);
    assert_false(known(r, &other, 400));
    assert_int_equal(num_files(r), 0);
}

static void test_damaged_is_computed_again(void **state)
{
    struct room *r = *state;
    prepare(r, facts, 2, 100);
    char command[256];
    snprintf(command, sizeof(command),
             "for f in %s/values/*/*; do printf x | dd of=$f bs=1 seek=20 conv=notrunc "
             "status=none; done",
             r->folder);
    assert_int_equal(system(command), 0);
    reopen(r);
    assert_int_equal(prepare(r, facts, 2, 100), 2);
    reopen(r);
    assert_int_equal(prepare(r, facts, 2, 100), 0);
}

// A prepare that fails, or whose process is killed, leaves nothing of its chunk.
static void test_cut_off(void **state)
{
    struct room *r = *state;
    fixture_ok(&r->f, session_chunk_begin(r->f.s, facts, 2));
    put(r, &facts[0], 100);
    assert_int_equal(session_chunk_end(r->f.s, EM_ERR_NUMERIC), EM_ERR_NUMERIC);
    assert_false(known(r, &facts[0], 100));
    const pid_t pid = fork();
    if (!pid) {
        if (session_chunk_begin(r->f.s, facts, 2) != EM_OK)
            _exit(1);
        put(r, &facts[0], 100);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(prepare(r, facts, 2, 200), 2);
    assert_true(known(r, &facts[0], 200));
}

// What prepare() computes may not depend on the covariance: its chunk would not tell.
static void test_covariance_is_refused(void **state)
{
    struct room *r = *state;
    const double *c;
    fixture_ok(&r->f, session_chunk_begin(r->f.s, facts, 2));
    const enum em_status status = session_chunk_end(r->f.s, em_covariance(r->f.s, 1, &c));
    assert_int_equal(status, EM_ERR_CONFIG);
    assert_non_null(strstr(log_error(r->f.log), "the algorithm's prepare() asks for the covar"));
}

// A copy of a file of the small world, with one text replaced by another.
static void copy_file(struct room *r, const char *folder, const char *name, const char *from,
                      const char *to)
{
    struct log *log = r->f.log;
    struct arena *a = r->f.arena;
    char *text;
    fixture_ok(&r->f, file_read(log, a, path_join(a, EMEND_WORLD, name), &text, NULL));
    const char *at = strstr(text, from);
    assert_non_null(at);
    const char *other = arena_print(a, "%.*s%s%s", (int) (at - text), text, to, at + strlen(from));
    fixture_ok(&r->f, file_write(log, path_join(a, folder, name), other, strlen(other)));
}

// A key of the cache for a model with the small world's weights and other files beside them.
static void key_beside(struct room *r, const char *base, const char *ignore_merges, char key[65])
{
    struct fixture f;
    const char *folder = arena_print(r->f.arena, "%s/model", r->folder);
    const char *weights = path_join(r->f.arena, folder, "model.safetensors");
    fixture_ok(&r->f, folder_make(r->f.log, folder));
    assert_int_equal(symlink(EMEND_WORLD "/model.safetensors", weights), 0);
    copy_file(r, folder, "config.json", "10000.0", base);
    copy_file(r, folder, "tokenizer.json", "\"ignore_merges\":false", ignore_merges);
    fixture_open(&f, &(struct fixture_params) {.model = folder});
    assert_string_equal(session_model_hash(f.s), session_model_hash(r->f.s));
    session_covariance_key(f.s, 1, key);
    fixture_close(&f);
    folder_remove(folder);
}

// What a model computes depends on its configuration and its tokenizer too.
static void test_files_beside_the_weights(void **state)
{
    struct room *r = *state;
    char own[65], same[65], other[65];
    session_covariance_key(r->f.s, 1, own);
    key_beside(r, "10000.0", "\"ignore_merges\":false", same);
    assert_string_equal(own, same);
    key_beside(r, "20000.0", "\"ignore_merges\":false", other);
    assert_string_not_equal(own, other);
    key_beside(r, "10000.0", "\"ignore_merges\":true", other);
    assert_string_not_equal(own, other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_found_again),
        TEST(test_values_belong_to_their_company),
        TEST(test_context),
        TEST(test_in_memory),
        TEST(test_damaged_is_computed_again),
        TEST(test_cut_off),
        TEST(test_covariance_is_refused),
        TEST(test_files_beside_the_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
