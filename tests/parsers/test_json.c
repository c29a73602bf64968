// JSON: syntax errors with their lines, values by type and range, key paths.

#include "room.h"

#include "base/text/json.h"

static const char sample[] = "{\n"
                             "  \"name\": \"a \\\"quoted}, name\",\n"
                             "  \"algorithm\": {\n"
                             "    \"layers\": [3,\n"
                             "               5, {\"x\": null}],\n"
                             "    \"lambda\": 0.5, \"on\": true\n"
                             "  },\n"
                             "  \"count\": 12\n"
                             "}\n";

static struct json parse(struct room *r, const char *text)
{
    struct json j;
    if (json_parse(r->log, "x.json", 1, text, &j) != EM_OK)
        fail_msg("%s", log_error(r->log));
    return j;
}

static void syntax_errors_name_the_line(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "x.json:1: this is not valid JSON, at the end of the text"},
        {"{\n \"a\": tru\n}", "x.json:2: this is not valid JSON, at `tru`"},
        {"{\"a\": 1,\n\n}", "x.json:3: this is not valid JSON, at the end of the text"},
        {"{\"a\": 1,}\n\n[2]", "x.json:1: this is not valid JSON, at the end of the line"},
        {"{\"a\": \"x", "x.json:1: this is not valid JSON, at `x`"},
        {"{}\n{}", "x.json:2: there is more text after the JSON value, at `{}`"},
        {"{\"a\":\n\"\\\\u0000 \\u0000\"}",
         "x.json:2: the character U+0000 is not allowed, at `\\u0000\"}`"},
        {"{}\x1B[2J\xFF", "x.json:1: there is more text after the JSON value, at `\\x1B[2J\\xFF`"},
    };
    struct room *r = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json j;
        assert_int_equal(json_parse(r->log, "x.json", 1, cases[i].text, &j), EM_ERR_CONFIG);
        assert_null(j.root);
        expect_error(r, cases[i].text, "%s", cases[i].message);
    }
}

static void files_are_read_whole(void **state)
{
    struct room *r = *state;
    struct json j;
    const char *path = room_text(r, "good.json", "[1, 2]\n");
    assert_int_equal(json_read(r->log, r->a, path, &j), EM_OK);
    assert_int_equal(cJSON_GetArraySize(j.root), 2);
    json_close(&j);
    path = room_file(r, "nul.json", "[1]\0[2]", 7);
    assert_int_equal(json_read(r->log, r->a, path, &j), EM_ERR_CONFIG);
    expect_error(r, "a NUL byte", "%s:1: holds a NUL byte, so it is not a text", path);
    path = room_path(r, "none.json");
    assert_int_equal(json_read(r->log, r->a, path, &j), EM_ERR_IO);
    expect_error(r, "no file", "%s: cannot be opened: No such file or directory", path);
}

static void paths_and_lines_are_found(void **state)
{
    static const struct {
        const char *path;
        int line;
    } cases[] = {
        {"", 1},
        {"name", 2},
        {"algorithm", 3},
        {"algorithm.layers", 4},
        {"count", 8},
        {"algorithm.on", 6},
        {"algorithm.layers[0]", 4},
        {"algorithm.layers[1]", 5},
        {"nothing", 1},
        {"algorithm.lay", 3},
        {"algorithm.layers[7]", 4},
        {"algorithm.layers[2].x", 5},
        {"count.x", 8},
        {"name[0]", 2},
    };
    struct room *r = *state;
    struct json j = parse(r, sample);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (json_line(&j, cases[i].path) != cases[i].line)
            fail_msg("%s: line %d", cases[i].path, json_line(&j, cases[i].path));
    const cJSON *algorithm = json_get(j.root, "algorithm");
    const cJSON *layers = json_get(algorithm, "layers");
    assert_string_equal(json_key_path(&j, r->a, j.root), "");
    assert_string_equal(json_key_path(&j, r->a, cJSON_GetArrayItem(layers, 1)),
                        "algorithm.layers[1]");
    json_fail(&j, cJSON_GetArrayItem(layers, 1), NULL, "is %d", 5);
    expect_error(r, "an element", "x.json:5: algorithm.layers[1]: is 5");
    static const struct json_name names[] = {
        {"algorithm.layers", "--layers"}, {"count", "-n"}, {0}};
    j.names = names;
    json_fail(&j, cJSON_GetArrayItem(layers, 1), NULL, "is %d", 5);
    expect_error(r, "an element of what has a name", "--layers: is 5");
    json_fail(&j, algorithm, "layersome", "is wrong");
    expect_error(r, "another name", "x.json:3: algorithm.layersome: is wrong");
    json_fail(&j, algorithm, "lamda", "unknown option");
    expect_error(r, "a member that is not there", "x.json:3: algorithm.lamda: unknown option");
    json_close(&j);
}

static void lines_of_a_jsonl_file_count_on(void **state)
{
    struct room *r = *state;
    struct json j;
    assert_int_equal(json_parse(r->log, "x.jsonl", 41, "{\"a\": 1}", &j), EM_OK);
    int a = 0;
    assert_int_equal(json_get_int(&j, j.root, "a", 2, 3, &a), EM_ERR_CONFIG);
    expect_error(r, "line 41", "x.jsonl:41: a: is 1; it must be in [2, 3]");
    json_close(&j);
    assert_int_equal(json_parse(r->log, "x.jsonl", 42, "{", &j), EM_ERR_CONFIG);
    expect_error(r, "line 42", "x.jsonl:42: this is not valid JSON, at the end of the text");
}

static void values_are_taken_by_type(void **state)
{
    struct room *r = *state;
    struct json j = parse(r, sample);
    const cJSON *algorithm, *list;
    int count = 1, absent = 7;
    double lambda = 0;
    bool on = false;
    const char *name = "";
    assert_int_equal(json_get_int(&j, j.root, "count", 0, 100, &count), EM_OK);
    assert_int_equal(json_get_int(&j, j.root, "absent", 0, 1, &absent), EM_OK);
    assert_int_equal(json_get_text(&j, j.root, "name", &name), EM_OK);
    assert_int_equal(json_get_object(&j, j.root, "algorithm", &algorithm), EM_OK);
    assert_int_equal(json_get_number(&j, algorithm, "lambda", 0, 1, &lambda), EM_OK);
    assert_int_equal(json_get_bool(&j, algorithm, "on", &on), EM_OK);
    assert_int_equal(json_get_list(&j, algorithm, "layers", &list), EM_OK);
    assert_int_equal(count, 12);
    assert_int_equal(absent, 7);
    assert_true(lambda == 0.5 && on);
    assert_string_equal(name, "a \"quoted}, name");
    assert_int_equal(cJSON_GetArraySize(list), 3);
    json_close(&j);
}

static void other_types_are_refused(void **state)
{
    struct room *r = *state;
    struct json j = parse(r, sample);
    const cJSON *algorithm = json_get(j.root, "algorithm"), *out;
    int whole;
    double number;
    bool flag;
    const char *text;
    assert_int_equal(json_get_int(&j, algorithm, "layers", 0, 1, &whole), EM_ERR_CONFIG);
    expect_error(r, "int", "x.json:4: algorithm.layers: is a list; a whole number is needed");
    assert_int_equal(json_get_int(&j, algorithm, "lambda", 0, 1, &whole), EM_ERR_CONFIG);
    expect_error(r, "int", "x.json:6: algorithm.lambda: is 0.5; a whole number is needed");
    assert_int_equal(json_get_number(&j, j.root, "name", 0, 1, &number), EM_ERR_CONFIG);
    expect_error(r, "number", "x.json:2: name: is a text; a number is needed");
    assert_int_equal(json_get_number(&j, j.root, "count", 0, 1, &number), EM_ERR_CONFIG);
    expect_error(r, "number", "x.json:8: count: is 12; it must be in [0, 1]");
    assert_int_equal(json_get_bool(&j, j.root, "count", &flag), EM_ERR_CONFIG);
    expect_error(r, "bool", "x.json:8: count: is a number; true or false is needed");
    assert_int_equal(json_get_text(&j, algorithm, "on", &text), EM_ERR_CONFIG);
    expect_error(r, "text", "x.json:6: algorithm.on: is true; a text is needed");
    assert_int_equal(json_get_list(&j, j.root, "algorithm", &out), EM_ERR_CONFIG);
    expect_error(r, "list", "x.json:3: algorithm: is an object; a list is needed");
    assert_int_equal(json_get_object(&j, j.root, "count", &out), EM_ERR_CONFIG);
    expect_error(r, "object", "x.json:8: count: is a number; an object is needed");
    assert_int_equal(json_need(&j, algorithm, "name", &out), EM_ERR_CONFIG);
    expect_error(r, "need", "x.json:3: algorithm.name: is missing");
    json_close(&j);
}

// A file's own words in a message: neither obeyed by a terminal, nor longer than one is wide
// for.
static void hostile_names_are_shown(void **state)
{
    struct room *r = *state;
    struct json j = parse(r, "{\"\\u001b[2J\\nb\": 1}");
    json_fail(&j, j.root->child, NULL, "is \"%s\"", "\x1B]0;x\x07");
    expect_error(r, "escapes", "x.json:1: \\x1B[2J\\nb: is \"\\x1B]0;x\\x07\"");
    json_close(&j);
    char *name = arena_alloc(r->a, 100001);
    memset(name, 'x', 100000);
    name[100000] = 0;
    j = parse(r, arena_print(r->a, "{\"%s\": 1}", name));
    json_fail(&j, j.root->child, NULL, "is wrong");
    expect_error(r, "a long name", "x.json:1: %.160s...: is wrong", name);
    json_close(&j);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_begin, room_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(syntax_errors_name_the_line), TEST(files_are_read_whole),
        TEST(paths_and_lines_are_found),   TEST(lines_of_a_jsonl_file_count_on),
        TEST(values_are_taken_by_type),    TEST(other_types_are_refused),
        TEST(hostile_names_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
