// An experiment's JSON: files extended, values set, and where each was written.

#include "experiment/read/document.h"
#include "room.h"

static struct document *open_with(struct room *r, const char *path, const char *const *sets,
                                  int num)
{
    return document_open(
        &(struct document_params) {.log = r->log, .path = path, .sets = sets, .num_sets = num});
}

static void check_text(const struct document *d, const char *expected)
{
    char *text = cJSON_PrintUnformatted(document_root(d));
    assert_string_equal(text, expected);
    free(text);
}

static void check_where(struct room *r, const struct document *d, const char *path,
                        const char *expected)
{
    document_fail(d, path, "said");
    room_check_error(r, expected);
    log_clear(r->log);
}

static void test_extends(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    room_ok(&r, folder_make(r.log, room_path(&r, "deep")));
    room_write(&r, "deep/base.json",
               "{\"seed\": 1, \"data\": {\"path\": \"a\", \"count\": 3},\n"
               " \"algorithm\": {\"name\": \"memit\", \"lambda\": 2}}");
    room_write(&r, "middle.json", "{\"extends\": \"deep/base.json\", \"data\": {\"count\": 4}}");
    const char *top = room_write(&r, "top.json",
                                 "{\"extends\": \"middle.json\",\n\"algorithm\": "
                                 "{\"name\": \"rome\",\n\"layers\": [1, 2]}}");
    struct document *d = open_with(&r, top, NULL, 0);
    assert_non_null(d);
    check_text(d, "{\"seed\":1,\"data\":{\"path\":\"a\",\"count\":4},\"algorithm\":{\"name\":"
                  "\"rome\",\"layers\":[1,2]}}");
    assert_string_equal(document_stem(d), "top");
    assert_string_equal(document_folder(d, "data.path"), room_path(&r, "deep"));
    assert_string_equal(document_folder(d, "data.count"), r.folder);
    check_where(&r, d, "algorithm.layers[1]", "@/top.json:3: algorithm.layers[1]: said");
    check_where(&r, d, "data.count", "@/middle.json:1: data.count: said");
    check_where(&r, d, "algorithm.absent", "@/top.json:2: algorithm.absent: said");
    check_where(&r, d, "seed", "@/deep/base.json:1: seed: said");
    document_close(&d);
    room_close(&r);
}

static void test_sets(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    const char *path = room_write(&r, "x.json", "{\"a\": {\"b\": 1}, \"list\": [1, {\"c\": 2}]}");
    const char *const sets[] = {"a.b=[5]",   "name=some words", "new.deep.one=true", "list[1].c=3",
                                "list[0]=7", "a.c={\"d\": 1}",  "text=\"7\""};
    struct document *d = open_with(&r, path, sets, 7);
    assert_non_null(d);
    check_text(d, "{\"a\":{\"b\":[5],\"c\":{\"d\":1}},\"list\":[7,{\"c\":3}],\"name\":\"some "
                  "words\",\"new\":{\"deep\":{\"one\":true}},\"text\":\"7\"}");
    check_where(&r, d, "a.b", "--set a.b=[5]: said");
    check_where(&r, d, "a.b[0]", "--set a.b=[5]: a.b[0]: said");
    check_where(&r, d, "a.c.d", "--set a.c={\"d\": 1}: a.c.d: said");
    assert_string_equal(document_folder(d, "a.b"), ".");
    const struct json *in;
    const cJSON *found = document_find(d, "a.c.d", &in);
    assert_int_equal(found->valueint, 1);
    assert_string_equal(in->path, "--set a.c={\"d\": 1}");
    document_close(&d);
    room_close(&r);
}

static const struct refusal {
    const char *text, *set, *message;
} refusals[] = {
    {"[]", NULL, "@/x.json:1: is a list; an experiment is an object"},
    {"{\"a\": 1,\n \"a\": 2}", NULL, "@/x.json:1: a: is given twice"},
    {"{\"a\": {\"b\": 1, \"b\": 1}}", NULL, "@/x.json:1: a.b: is given twice"},
    {"{\"extends\": 3}", NULL, "@/x.json:1: extends: is a number; a text is needed"},
    {"{\"extends\": \"y.json\"}", NULL, "@/x.json:1: extends: \"@/y.json\": there is no such file"},
    {"{\"extends\": \"x.json\"}", NULL,
     "@/x.json:1: extends: goes in a circle, or more than 8 files deep"},
    {"{}", "a", "--set a: PATH=VALUE is needed, such as algorithm.layers=[5]"},
    {"{}", "=3", "--set =3: PATH=VALUE is needed, such as algorithm.layers=[5]"},
    {"{}", "a b=3", "--set a b=3: PATH=VALUE is needed, such as algorithm.layers=[5]"},
    {"{}", "a..b=3", "--set a..b=3: PATH=VALUE is needed, such as algorithm.layers=[5]"},
    {"{\"a\": 1}", "a.b=3",
     "--set a.b=3: there is no such place: a part of the path is not an object"},
    {"{\"a\": [1]}", "a[1]=3",
     "--set a[1]=3: there is no such place: a part of the path is not an object"},
    {"{\"a\": [1]}", "a[4294967296]=3",
     "--set a[4294967296]=3: there is no such place: a part of the path is not an object"},
    {"{\"a\": [1]}", "a.b=3",
     "--set a.b=3: there is no such place: a part of the path is not an object"},
};

static void test_refusals(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct room r;
        room_open(&r);
        const char *path = room_write(&r, "x.json", refusals[i].text);
        struct document *d = open_with(&r, path, &refusals[i].set, refusals[i].set ? 1 : 0);
        assert_null(d);
        assert_int_equal(log_status(r.log), EM_ERR_CONFIG);
        room_check_error(&r, refusals[i].message);
        room_close(&r);
    }
}

static void test_syntax_error(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    assert_null(open_with(&r, room_write(&r, "x.json", "{\"a\": 1,\n \"b\" 2}"), NULL, 0));
    room_check_error(&r, "@/x.json:2: this is not valid JSON, at `2}`");
    log_clear(r.log);
    assert_null(open_with(&r, room_path(&r, "none.json"), NULL, 0));
    room_check_error(&r, "@/none.json: cannot be opened: No such file or directory");
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extends),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_syntax_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
