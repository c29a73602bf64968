// RS against scikit-learn's TfidfVectorizer, and the files that it reads: each that is not what its
// name says is refused.

#include "../session/fixture.h"

#include <math.h>
#include <unistd.h>

#include "base/file/file.h"
#include "plugin/options.h"
#include "plugin/registry.h"

enum { TERMS = 7 };

static const double idf[TERMS] = {2.5, 1.25, 0.5, 3, 4, 0.75, 1.5};
static const char vocabulary[] = "{\"paris\": 0, \"tower\": 1, \"the\": 2, \"\\u00e9lan\": 3, "
                                 "\"b2_c\": 4, \"in\": 5, \"straße\": 6}";

struct state {
    struct fixture f;
    struct registry *registry;
    const struct em_metric *metric;
    void *options;
    const char *weights, *terms; // paths
};

static void write_file(struct state *t, const char *path, const void *data, size_t size)
{
    fixture_ok(&t->f, file_write(t->f.log, path, data, size));
}

// An .npy file as NumPy writes it.
static void write_npy(struct state *t, const char *type, const char *shape, const void *data,
                      size_t size)
{
    enum { HEADER = 118, ALL = 10 + HEADER };
    unsigned char file[ALL + sizeof(idf)] = "\x93NUMPY\x01";
    char header[HEADER + 1];
    snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type,
             shape);
    file[8] = HEADER;
    memset(file + 10, ' ', HEADER);
    memcpy(file + 10, header, strlen(header));
    file[ALL - 1] = '\n';
    memcpy(file + ALL, data, size);
    write_file(t, t->weights, file, ALL + size);
}

static const char *temporary(struct state *t, const char *name)
{
    const char *folder = getenv("TMPDIR");
    return arena_print(t->f.arena, "%s/emend-%d-%s", folder ? folder : "/tmp", (int) getpid(),
                       name);
}

static void open_state(struct state *t)
{
    static const char *const folders[] = {PLUGINS};
    fixture_open(&t->f, &(struct fixture_params) {0});
    t->registry = registry_create(t->f.log, folders, 1);
    t->metric = registry_metric(t->registry, "consistency");
    fixture_ok(&t->f, log_status(t->f.log));
    t->weights = temporary(t, "idf.npy");
    t->terms = temporary(t, "vocabulary.json");
    write_npy(t, "<f8", "(7,)", idf, sizeof(idf));
    write_file(t, t->terms, vocabulary, sizeof(vocabulary) - 1);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "idf", t->weights);
    cJSON_AddStringToObject(json, "vocabulary", t->terms);
    const struct options_source source = {
        .log = t->f.log, .arena = t->f.arena, .owner = "consistency"};
    t->options = arena_alloc(t->f.arena, t->metric->options_size);
    fixture_ok(&t->f, options_fill(&source, t->metric->options, json, t->options));
    cJSON_Delete(json);
}

static void close_state(struct state *t)
{
    unlink(t->weights);
    unlink(t->terms);
    registry_destroy(&t->registry);
    fixture_close(&t->f);
}

static const struct em_question questions[] = {{"generation", "g", NULL, NULL},
                                               {"rewrite", "r", "new", NULL},
                                               {"generation", "h", NULL, NULL}};
static const struct em_reply replies[] = {{.text = "The tower, the Tower in PARIS! a"},
                                          {.text = NULL},
                                          {.text = "ÉLAN b2_C élan unknown-paris"}};

// TfidfVectorizer(vocabulary=..., idf) of scikit-learn 1.7 says 0.7988496048752206.
static void test_cosine(void **state)
{
    (void) state;
    static const char *const references[] = {"Paris in the tower's élan",
                                             "Straße: in in x PARIS2 paris", NULL};
    static const char *const same[] = {"in the tower", "paris Paris THE tower", "élan,élan b2_c",
                                       NULL};
    static const char *const none[] = {"x y", "", NULL};
    struct state t;
    open_state(&t);
    const float single[TERMS] = {2.5f, 1.25f, 0.5f, 3, 4, 0.75f, 1.5f};
    struct em_case c = {.questions = questions, .replies = replies, .num_questions = 3};
    for (int i = 0; i < 2; i++) { // float64, then float32
        double value;
        fixture_ok(&t.f, t.metric->open(t.f.s, t.options));
        c.references = references;
        assert_true(t.metric->measure(t.options, &c, &value));
        assert_true(fabs(value - 0.7988496048752206) < 1e-12);
        c.references = same;
        assert_true(t.metric->measure(t.options, &c, &value));
        assert_true(fabs(value - 1) < 1e-12);
        c.references = none;
        assert_false(t.metric->measure(t.options, &c, &value));
        c.references = NULL;
        assert_false(t.metric->measure(t.options, &c, &value));
        write_npy(&t, "<f4", "(7,)", single, sizeof(single));
    }
    close_state(&t);
}

static void refuse(struct state *t, const char *message)
{
    assert_int_equal(t->metric->open(t->f.s, t->options), EM_ERR_CONFIG);
    if (!strstr(log_error(t->f.log), message))
        fail_msg("\"%s\" does not say \"%s\"", log_error(t->f.log), message);
    log_clear(t->f.log);
}

static void test_refusals(void **state)
{
    (void) state;
    static const struct {
        const char *type, *shape, *message;
        size_t size;
    } arrays[] = {
        {"<i8", "(7,)", "does not hold float64 or float32 numbers", 56},
        {"<f2", "(28,)", "does not hold float64 or float32 numbers", 56},
        {">f8", "(7,)", "its type is \">f8\"; floats of", 56},
        {"<f8", "(7, 1)", "its shape is not (N,)", 56},
        {"<f8", "()", "its shape is not (N,)", 8},
        {"<f8", "(0,)", "its shape is not (N,)", 0},
        {"<f8", "(-7,)", "its header is none of a plain array of numbers", 56},
        {"<f8", "(7,)", "its shape needs 56 bytes, but it has 55", 55},
        {"<f8", "(2305843009213693952,)", "its shape comes to 2^64 bytes or more", 0},
        {"<f8", "(6,)", "has 7 terms and", 48},
    };
    static const struct {
        const char *text, *message;
    } objects[] = {
        {"[1]", "is a list; an object of numbers is needed"},
        {"{\"a\": 0, \"b\": \"1\"}", "b: is a text; a number is needed"},
        {"{\"a\": 0, \"b\": 1, \"c\": 2, \"d\": 3, \"e\": 4, \"f\": 5, \"g\": 7}",
         "the place of \"g\" is 7; whole numbers from 0 to 6 are needed"},
        {"{\"a\": 0, \"b\": 1, \"c\": 2, \"d\": 3, \"e\": 4, \"f\": 5, \"g\": 1e300}",
         "the place of \"g\" is 1e+300; whole numbers"},
        {"{\"a\": 0", "vocabulary.json:1"},
    };
    struct state t;
    open_state(&t);
    for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++) {
        write_npy(&t, arrays[i].type, arrays[i].shape, idf, arrays[i].size);
        refuse(&t, arrays[i].message);
    }
    static const unsigned char cut[] = "\x93NUMPY\x01\x00\xff\xff{'descr': ";
    for (size_t size = 0; size < sizeof(cut); size++) {
        write_file(&t, t.weights, cut, size);
        refuse(&t, "an .npy file of one row of float64 or float32 is needed");
    }
    write_npy(&t, "<f8", "(7,)", idf, sizeof(idf));
    for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
        write_file(&t, t.terms, objects[i].text, strlen(objects[i].text));
        refuse(&t, objects[i].message);
    }
    close_state(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cosine),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
