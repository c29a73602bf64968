// Data sets: CounterFact and JSON lines, and what is wrong with a record, by file, line and record.

#include "records.h"

#define RECORD(id, more)                                                                           \
    "{\"case_id\": " id ", \"requested_rewrite\": {\"prompt\": \"{} is in\", \"subject\": "        \
    "\"Rome\", \"target_new\": {\"str\": \"Spain\"}, \"target_true\": {\"str\": \"Italy\"}}" more  \
    "}"

static enum em_status read_data(struct room *r, const struct spec_data *data, struct data_set *out)
{
    return records_read(r, NULL, data, out);
}

static void test_counterfact(void **state)
{
    (void) state;
    struct room r;
    struct data_set set;
    room_open(&r);
    const char *path = room_write(
        &r, "facts.json",
        "[" RECORD("7", ", \"paraphrase_prompts\": [\"So. Rome lies in\", \"See Rome, in\"], "
                        "\"neighborhood_prompts\": [\"Milan is in\"], \"generation_prompts\": "
                        "[\"Rome is\"], \"pararel_idx\": 3") ", " RECORD("8", "") "]");
    room_ok(&r, read_data(&r, &(struct spec_data) {.path = path}, &set));
    assert_int_equal(set.cases[0].num_questions, 4); // no metric reads texts
    room_ok(&r, records_read(&r, "fluency", &(struct spec_data) {.path = path}, &set));
    assert_int_equal(set.num, 2);
    const struct em_fact *f = &set.facts[0];
    assert_string_equal(f->id, "7");
    assert_string_equal(f->prompt, "{} is in");
    assert_string_equal(f->subject, "Rome");
    assert_string_equal(f->target_new, "Spain");
    assert_string_equal(f->target_true, "Italy");
    const struct em_case *c = &set.cases[0];
    static const char *const expected[][2] = {
        {"rewrite", "Rome is in"},      {"paraphrase", "So. Rome lies in"},
        {"paraphrase", "See Rome, in"}, {"neighborhood", "Milan is in"},
        {"generation", "Rome is"},
    };
    assert_ptr_equal(c->facts, f);
    assert_int_equal(c->num_questions, 5);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(c->questions[i].group, expected[i][0]);
        assert_string_equal(c->questions[i].prompt, expected[i][1]);
        assert_int_equal(c->questions[i].target_new != NULL, i < 4);
    }
    assert_int_equal(set.cases[1].num_questions, 1);
    room_close(&r);
}

static void test_order(void **state)
{
    (void) state;
    struct room r;
    struct data_set set;
    room_open(&r);
    const char *path = room_write(&r, "facts.json",
                                  "[" RECORD("0", "") "," RECORD("1", "") "," RECORD("2", "") "]");
    const char *order = room_write(&r, "order.json", "{\"0\": [2, 0, 1], \"1\": [0]}");
    room_ok(&r, read_data(&r, &(struct spec_data) {.path = path, .order = order}, &set));
    assert_string_equal(set.facts[0].id, "2");
    assert_string_equal(set.facts[2].id, "1");
    room_ok(&r, read_data(
                    &r, &(struct spec_data) {.path = path, .order = order, .first = 1, .count = 1},
                    &set));
    assert_int_equal(set.num, 1);
    assert_string_equal(set.facts[0].id, "0");
    room_close(&r);
}

static void test_lines(void **state)
{
    (void) state;
    struct room r;
    struct data_set set;
    room_open(&r);
    const char *path = room_write(
        &r, "facts.jsonl",
        "{\"id\": \"a\", \"prompt\": \" {} is in\", \"subject\": \"Rome\", \"target_new\": "
        "\"Spain\"}\r\n\n{\"prompt\": \"{} is in\", \"subject\": \"Milan\", \"target_new\": \" "
        "Spain\", \"target_true\": \"Italy\", \"neighborhood\": [\"Rome is in\"]}");
    room_ok(&r, read_data(&r, &(struct spec_data) {.format = SPEC_JSONL, .path = path}, &set));
    assert_int_equal(set.num, 2);
    assert_string_equal(set.facts[0].id, "a");
    assert_null(set.facts[0].target_true);
    assert_string_equal(set.facts[1].id, "1");
    assert_string_equal(set.facts[1].target_new, "Spain");
    assert_int_equal(set.cases[1].num_questions, 2);
    room_close(&r);
}

// Reference texts, by relation and target; entries under the same names are one.
static void test_references(void **state)
{
    (void) state;
    struct room r;
    struct data_set set;
    room_open(&r);
    const char *snippets = room_write(
        &r, "snippets.json",
        "[{\"relation_id\": \"P17\", \"target_id\": \"Q29\", \"samples\": [{\"text\": \"one\"}]},"
        "{\"relation_id\": \"P17\", \"target_id\": \"Q38\", \"samples\": [{\"text\": \"no\"}]},"
        "{\"relation_id\": \"P17\", \"target_id\": \"Q29\", \"samples\": [{\"text\": \"two\"},"
        "{\"text\": \"three\", \"name\": \"Rome\"}]}]");
    const char *path = room_write(
        &r, "facts.json",
        "[{\"requested_rewrite\": {\"prompt\": \"{} is in\", \"subject\": \"Rome\", "
        "\"relation_id\": \"P17\", \"target_new\": {\"str\": \"Spain\", \"id\": \"Q29\"}}},"
        "{\"requested_rewrite\": {\"prompt\": \"{} is in\", \"subject\": \"Milan\", "
        "\"relation_id\": \"P18\", \"target_new\": {\"str\": \"Spain\", \"id\": \"Q29\"}}}]");
    room_ok(&r, read_data(&r, &(struct spec_data) {.path = path, .snippets = snippets}, &set));
    int letters = 0, texts = 0;
    for (; set.cases[0].references[texts]; texts++)
        letters += (int) strlen(set.cases[0].references[texts]);
    assert_int_equal(texts, 3);
    assert_int_equal(letters, 3 + 3 + 5);
    assert_null(set.cases[1].references);
    const char *lines =
        room_write(&r, "facts.jsonl",
                   "{\"prompt\": \"{} is in\", \"subject\": \"Rome\", \"target_new\": \"Spain\", "
                   "\"generation\": [\"Rome\"], \"references\": [\"a\", \"b\"]}\n");
    const struct spec_data own = {.format = SPEC_JSONL, .path = lines};
    room_ok(&r, records_read(&r, "consistency", &own, &set));
    assert_string_equal(set.cases[0].references[1], "b");
    assert_null(set.cases[0].references[2]);
    room_write(&r, "facts.jsonl",
               "{\"prompt\": \"{} is in\", \"subject\": \"Rome\", "
               "\"target_new\": \"Spain\", \"generation\": [\"Rome\"]}\n");
    assert_int_equal(records_read(&r, "consistency", &own, &set), EM_ERR_CONFIG);
    room_check_error(&r, "@/x.json:1: metrics[0]: consistency compares with reference texts, and "
                         "no record of facts.jsonl that is taken has any; they stand in its "
                         "\"references\", a list of texts");
    log_clear(r.log);
    const struct spec_data wrong = {.format = SPEC_JSONL, .path = lines, .snippets = snippets};
    assert_int_equal(read_data(&r, &wrong, &set), EM_ERR_CONFIG);
    room_check_error(&r, "@/x.json:2: data.snippets: stands only beside \"format\": "
                         "\"counterfact\"; other facts have their own \"references\"");
    room_close(&r);
}

static const struct refusal {
    enum spec_format format;
    const char *text, *message;
} refusals[] = {
    {SPEC_COUNTERFACT, "{}", "@/facts:1: is an object; a list of records is needed"},
    {SPEC_COUNTERFACT, "[]", "@/x.json:2: data: @/facts has no records"},
    {SPEC_COUNTERFACT, "[1]", "@/facts:1: [0]: is a number; a record is an object"},
    {SPEC_COUNTERFACT, "[{}]", "@/facts:1: [0].requested_rewrite: is missing"},
    {SPEC_COUNTERFACT, "[" RECORD("0", "") ",\n" RECORD("0", "") "]",
     "@/facts:2: [1]: has the id 0, which record 0 has too; results are told apart by id"},
    {SPEC_COUNTERFACT, "[" RECORD("1.5", "") "]",
     "@/facts:1: [0].case_id: is a number; a whole number or a text is needed"},
    {SPEC_COUNTERFACT,
     "[" RECORD("0", "") ",\n" RECORD("1", ",\n\"paraphrase_prompts\": [\"a\", 3]") "]",
     "@/facts:3: [1].paraphrase_prompts[1]: is a number; a prompt is needed"},
    {SPEC_COUNTERFACT, "[" RECORD("0", ", \"neighborhood_prompts\": [\" \"]") "]",
     "@/facts:1: [0].neighborhood_prompts[0]: is empty; a prompt is needed"},
    {SPEC_COUNTERFACT, "[" RECORD("0", ", \"neighborhood_prompts\": \"x\"") "]",
     "@/facts:1: [0].neighborhood_prompts: is a text; a list is needed"},
    {SPEC_COUNTERFACT,
     "[{\"requested_rewrite\": {\"prompt\": \"{} is in\", \"target_new\": {\"str\": \"a\"}}}]",
     "@/facts:1: [0].requested_rewrite.subject: is missing"},
    {SPEC_COUNTERFACT,
     "[{\"requested_rewrite\": {\"prompt\": \"{} is in\",\n\"subject\": \"\", \"target_new\": "
     "{\"str\": \"a\"}}}]",
     "@/facts:2: [0].requested_rewrite.subject: is empty; a text is needed"},
    {SPEC_COUNTERFACT,
     "[{\"requested_rewrite\": {\"prompt\": \"{} and {}\", \"subject\": \"a\", \"target_new\": "
     "{\"str\": \"a\"}}}]",
     "@/facts:1: [0].requested_rewrite.prompt: \"{} and {}\" holds {} 2 times; the subject stands "
     "in one place"},
    {SPEC_COUNTERFACT,
     "[{\"requested_rewrite\": {\"prompt\": \"Rome is in\", \"subject\": \"Milan\", "
     "\"target_new\": {\"str\": \"a\"}}}]",
     "@/facts:1: [0].requested_rewrite.prompt: the subject \"Milan\" is not in \"Rome is in\", "
     "which holds no {}"},
    {SPEC_COUNTERFACT,
     "[{\"requested_rewrite\": {\"prompt\": \"Rome is in\", \"subject\": \"Rome\", "
     "\"target_new\": {\"str\": \"a\"}}}]",
     "@/facts:1: [0].requested_rewrite.prompt: \"Rome is in\" holds no {}; put it where the "
     "subject \"Rome\" stands"},
    {SPEC_COUNTERFACT,
     "[{\"requested_rewrite\": {\"prompt\": \"{} is in\", \"subject\": \"a\", \"target_new\": "
     "{\"str\": \"  \"}}}]",
     "@/facts:1: [0].requested_rewrite.target_new.str: is empty; a text is needed"},
    {SPEC_COUNTERFACT,
     "[{\"requested_rewrite\": {\"prompt\": \"{} is in\", \"subject\": \"a\", \"target_new\": "
     "\"a\"}}]",
     "@/facts:1: [0].requested_rewrite.target_new: is a text; an object is needed"},
    {SPEC_COUNTERFACT, "[{\"a\"\n1}]", "@/facts:2: this is not valid JSON, at `1}]`"},
    {SPEC_JSONL, "\n\n{\"prompt\": \"{} is\"}\n", "@/facts:3: subject: is missing"},
    {SPEC_JSONL, "\n{\"a\" 1}\n", "@/facts:2: this is not valid JSON, at `1}`"},
    {SPEC_JSONL, "[]\n", "@/facts:1: is a list; a fact is an object"},
    {SPEC_JSONL,
     "{\"prompt\": \"{} is\", \"subject\": \"a\", \"target_new\": \"b\", \"target\": \"c\"}\n",
     "@/facts:1: target: unknown member of a fact; allowed: id, prompt, subject, target_new, "
     "target_true, paraphrases, neighborhood, generation, references"},
    {SPEC_JSONL, "{\"prompt\": \"{} is\", \"subject\": \"a\", \"target_new\": 3}\n",
     "@/facts:1: target_new: is a number; a text is needed"},
    {SPEC_JSONL, "", "@/x.json:2: data: @/facts has no records"},
};

static void test_refusals(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct data_set set;
        room_new_log(&r);
        const struct spec_data data = {.format = refusals[i].format,
                                       .path = room_write(&r, "facts", refusals[i].text)};
        assert_int_equal(read_data(&r, &data, &set), EM_ERR_CONFIG);
        room_check_error(&r, refusals[i].message);
    }
    room_close(&r);
}

static void test_bad_order(void **state)
{
    (void) state;
    static const char *const orders[][2] = {
        {"[0, 1]", "@/order:1: [1]: is 1; @/facts has records 0 to 0"},
        {"[0,\n-1]", "@/order:2: [1]: is -1; @/facts has records 0 to 0"},
        {"[0.5]", "@/order:1: [0]: is 0.5; @/facts has records 0 to 0"},
        {"[\"0\"]", "@/order:1: [0]: is \"0\"; @/facts has records 0 to 0"},
        {"[0, 0]", "@/x.json:2: data.order: the record with id 0 is taken twice from @/facts"},
        {"3", "@/order:1: is a number; a list of record positions is needed"},
        {"{\"1\": [0]}",
         "@/order:1: has no list \"0\"; data.order_list names one of those it has: 1"},
    };
    struct room r;
    room_open(&r);
    const char *path = room_write(&r, "facts", "[" RECORD("0", "") "]");
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        struct data_set set;
        room_new_log(&r);
        const struct spec_data data = {.path = path,
                                       .order = room_write(&r, "order", orders[i][0])};
        assert_int_equal(read_data(&r, &data, &set), EM_ERR_CONFIG);
        room_check_error(&r, orders[i][1]);
    }
    room_close(&r);
}

// A NUL byte would hide everything behind it.
static void test_nul_byte(void **state)
{
    (void) state;
    struct room r;
    struct data_set set;
    room_open(&r);
    const char *path = room_path(&r, "facts");
    room_ok(&r, file_write(r.log, path, "{}\n\0{}\n", 7));
    assert_int_equal(read_data(&r, &(struct spec_data) {.format = SPEC_JSONL, .path = path}, &set),
                     EM_ERR_CONFIG);
    room_check_error(&r, "@/facts:2: holds a NUL byte, so it is not a text");
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counterfact), cmocka_unit_test(test_order),
        cmocka_unit_test(test_lines),       cmocka_unit_test(test_references),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_bad_order),
        cmocka_unit_test(test_nul_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
