// Cases as lines of JSON: the published keys, nine digits, and lines that a crash cut off.

#include <math.h>

#include "experiment/result/journal.h"
#include "room.h"

enum { QUESTIONS = 4 };

static const struct em_question questions[QUESTIONS] = {
    {"rewrite", "Rome is in", "Spain", "Italy"},
    {"neighborhood", "Milan is in", "Spain", "Italy"},
    {"generation", "Rome", NULL, NULL},
    {"neighborhood", "Turin is in", "Spain", "Italy"},
};
static const struct em_reply replies[QUESTIONS] = {
    {.new_ = {1.0 / 3, true}, .true_ = {12.5, false}},
    {.new_ = {4, false}, .true_ = {1e-9, true}},
    {.text = "Rome, a town."},
    {.new_ = {0, false}, .true_ = {123456.789012, false}},
};
static const struct em_fact fact = {"7", "{} is in", "Rome", "Spain", "Italy"};
static const struct em_case one = {
    .facts = &fact, .num_facts = 1, .questions = questions, .num_questions = QUESTIONS};

static const char post_text[] =
    "{\"rewrite_prompts_probs\":[{\"target_new\":0.333333333,\"target_true\":12.5,\"new_correct\":"
    "true,\"true_correct\":false}],\"rewrite_prompts_correct\":[true],"
    "\"neighborhood_prompts_probs\":[{\"target_new\":4,\"target_true\":1e-09,\"new_correct\":false,"
    "\"true_correct\":true},{\"target_new\":0,\"target_true\":123456.789,\"new_correct\":false,"
    "\"true_correct\":false}],\"neighborhood_prompts_correct\":[true,false],\"text\":[\"Rome, a "
    "town.\"],\"rewrite_text\":\"Rome is in Spain.\"}";

static void check_text(cJSON *json, const char *expected)
{
    char *text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(json);
}

static void test_keys(void **state)
{
    (void) state;
    check_text(journal_replies(&one, replies, "Rome is in Spain."), post_text);
    check_text(journal_case(&one),
               "{\"case_id\":7,\"requested_rewrite\":{\"prompt\":\"{} is in\",\"subject\":\"Rome\","
               "\"target_new\":{\"str\":\"Spain\"},\"target_true\":{\"str\":\"Italy\"}}}");
    static const char *const ids[] = {"a", "07", "-0", "99999999999999999999", "1e3"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        const struct em_fact named = {ids[i], "{}", "s", "t", NULL};
        cJSON *json = journal_case(&(struct em_case) {.facts = &named, .num_facts = 1});
        assert_string_equal(cJSON_GetStringValue(json_get(json, "case_id")), ids[i]);
        cJSON_Delete(json);
    }
    const struct session_series series[] = {{"loss", 1}, {"norm", 3}, {"loss", 0.1f}, {"bad", NAN}};
    check_text(journal_series(series, 4), "{\"loss\":[1,0.100000001],\"norm\":[3],\"bad\":[null]}");
}

static void test_read_back(void **state)
{
    (void) state;
    struct room r;
    struct json line;
    struct em_reply back[QUESTIONS] = {0};
    room_open(&r);
    const char *text = arena_print(r.arena, "{\"post\":%s}", post_text);
    room_ok(&r, json_parse(r.log, "cases.jsonl", 3, text, &line));
    room_ok(&r, journal_read_replies(&line, "post", &one, r.arena, back));
    assert_true(back[0].new_.nll == 0.333333333);
    assert_true(back[0].new_.hit);
    assert_true(back[3].true_.nll == 123456.789);
    assert_true(back[1].true_.hit);
    assert_string_equal(back[2].text, "Rome, a town.");
    const struct em_case more = {.facts = &fact, .questions = questions, .num_questions = 3};
    room_ok(&r, journal_read_replies(&line, "post", &more, r.arena, back));
    assert_int_equal(journal_read_replies(&line, "pre", &one, r.arena, back), EM_ERR_CONFIG);
    json_close(&line);
    log_clear(r.log);
    room_ok(&r, json_parse(r.log, "cases.jsonl", 3,
                           "{\"post\":{\"rewrite_prompts_probs\":[{\"target_new\":1}]}}", &line));
    assert_int_equal(journal_read_replies(&line, "post", &one, r.arena, back), EM_ERR_CONFIG);
    room_check_error(&r, "cases.jsonl:3: post.rewrite_prompts_probs: does not answer this "
                         "experiment's questions; begin anew with --fresh");
    json_close(&line);
    log_clear(r.log);
    const struct em_case text_only = {
        .facts = &fact, .questions = &questions[2], .num_questions = 1};
    room_ok(&r, json_parse(r.log, "cases.jsonl", 3, "{\"post\":{\"text\":[]}}", &line));
    assert_int_equal(journal_read_replies(&line, "post", &text_only, r.arena, back), EM_ERR_CONFIG);
    room_check_error(&r, "cases.jsonl:3: post.text: does not answer this experiment's questions; "
                         "begin anew with --fresh");
    json_close(&line);
    room_close(&r);
}

static void test_cut_line(void **state)
{
    (void) state;
    struct room r;
    const char **lines;
    int num;
    room_open(&r);
    const char *path = room_path(&r, "cases.jsonl");
    room_ok(&r, journal_read_lines(r.log, r.arena, path, &lines, &num));
    assert_int_equal(num, 0);
    room_write(&r, "cases.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"a\"");
    room_ok(&r, journal_read_lines(r.log, r.arena, path, &lines, &num));
    assert_int_equal(num, 2);
    assert_string_equal(lines[1], "{\"a\":2}");
    cJSON *more = cJSON_Parse("[{\"a\": 3}, {\"a\": 4}]");
    room_ok(&r, journal_append(r.log, path, more));
    cJSON_Delete(more);
    assert_string_equal(room_read(&r, path), "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"a\":4}\n");
    room_ok(&r, journal_read_lines(r.log, r.arena, path, &lines, &num));
    room_ok(&r, journal_keep_lines(r.log, path, lines, num, 4));
    room_ok(&r, journal_keep_lines(r.log, path, lines, num, 3));
    assert_string_equal(room_read(&r, path), "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    room_ok(&r, journal_keep_lines(r.log, path, lines, num, 0));
    assert_string_equal(room_read(&r, path), "");
    room_close(&r);
}

// A file that a machine made longer before it lost power ends with zeros.
static void test_zeros(void **state)
{
    (void) state;
    static const char text[] = "{\"a\":1}\n\0\0\0\0";
    struct room r;
    const char **lines;
    int num;
    room_open(&r);
    const char *path = room_path(&r, "cases.jsonl");
    room_ok(&r, file_write(r.log, path, text, sizeof(text) - 1));
    room_ok(&r, journal_read_lines(r.log, r.arena, path, &lines, &num));
    assert_int_equal(num, 1);
    cJSON *more = cJSON_Parse("[{\"a\": 2}]");
    room_ok(&r, journal_append(r.log, path, more));
    cJSON_Delete(more);
    assert_string_equal(room_read(&r, path), "{\"a\":1}\n{\"a\":2}\n");
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_cut_line),
        cmocka_unit_test(test_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
