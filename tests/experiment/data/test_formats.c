// Data files of every format: what they are read as, and runs on those whose questions are not
// CounterFact's.

#include "base/text/json.h"
#include "house.h"
#include "records.h"

// --- good files

static const struct expected {
    struct spec_data data;
    int facts, records;
    int fact; // that is looked at:
    const char *id, *prompt, *target_new, *target_true;
    const char *questions; // its groups' first letters
    const char *last;      // the last question, as PROMPT>NEW/TRUE
} files[] = {
    {{.path = DATA "/multi_counterfact.json"},
     2,
     2,
     1,
     "1",
     "The birthplace of {} is",
     "Vamo",
     "Vaites",
     "rppnn",
     "Kråhin Holert grew up in>Vamo/Vaites"},
    {{.path = DATA "/facts.jsonl", .format = SPEC_JSONL},
     2,
     2,
     0,
     "tongue",
     "The mother tongue of {} is",
     "Krutian",
     "Grerian",
     "rpn",
     "The mother tongue of Megesh Rito is>Krutian/Grerian"},
    {{.path = DATA "/zsre.json", .format = SPEC_ZSRE},
     4,
     4,
     0,
     "0",
     "The mother tongue of {} is",
     "Grerian",
     NULL,
     "rpn",
     "nq question: The mother tongue of Megesh Rito is?>-/Grerian"},
    {{.path = DATA "/zsre.json", .format = SPEC_ZSRE, .target = SPEC_ALT},
     4,
     4,
     1,
     "1",
     "The birthplace of {} is",
     "Vamo",
     "Vaites",
     "rpn",
     "nq question: Kråhin Holert grew up in?>-/Vaites"},
    {{.path = DATA "/mquake.json", .format = SPEC_MQUAKE},
     3,
     2,
     0,
     "7.1",
     "The birthplace of {} is",
     "Vamo",
     "Vaites",
     "rp",
     "Where was Ludroum Pidrüm born?>Vamo/Vaites"},
    {{.path = DATA "/mquake.json", .format = SPEC_MQUAKE},
     3,
     2,
     1,
     "7.2",
     "{} lies in the land of",
     "Lania",
     "Nivonia",
     "rphhhhhh",
     "The birthplace of Ludroum Pidrüm lies in the land of>the land of Lania/-"},
    {{.path = DATA "/mquake.json", .format = SPEC_MQUAKE},
     3,
     2,
     2,
     "8",
     "The mother tongue of {} is",
     "Krutian",
     "Grerian",
     "rphh",
     "Gabreim Kozal grew up speaking>Krutian/Grerian"},
    {{.path = DATA "/facts.csv", .format = SPEC_CSV},
     3,
     3,
     0,
     "tongue",
     "The mother tongue of {} is",
     "Krutian",
     "Grerian",
     "rppn",
     "The mother tongue of Megesh Rito is>Krutian/Grerian"},
    {{.path = DATA "/facts.csv", .format = SPEC_CSV},
     3,
     3,
     1,
     "birth",
     "The \"birthplace\", as they say, of\r\n{} is",
     "Vamo",
     "Vaites",
     "r",
     "The \"birthplace\", as they say, of\r\nLudroum Pidrüm is>Vamo/Vaites"},
    {{.path = DATA "/facts.csv", .format = SPEC_CSV},
     3,
     3,
     2,
     "trade",
     "{} works as a",
     "mason",
     NULL,
     "rnn",
     "Stereir Laistes works as a>mason/-"},
};

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static void check_file(struct room *r, const struct expected *x)
{
    struct data_set set;
    char groups[32] = "";
    const bool hops = x->data.format == SPEC_MQUAKE;
    room_ok(r, records_read(r, hops ? "hop_accuracy" : NULL, &x->data, &set));
    assert_int_equal(set.num, x->facts);
    assert_int_equal(set.num_records, x->records);
    const struct em_fact *f = &set.facts[x->fact];
    const struct em_case *c = &set.cases[x->fact];
    assert_string_equal(f->id, x->id);
    assert_string_equal(f->prompt, x->prompt);
    assert_string_equal(f->target_new, x->target_new);
    assert_string_equal(or_dash(f->target_true), or_dash(x->target_true));
    for (int i = 0; i < c->num_questions; i++)
        groups[i] = c->questions[i].group[0];
    assert_string_equal(groups, x->questions);
    const struct em_question *q = &c->questions[c->num_questions - 1];
    assert_string_equal(arena_print(r->arena, "%s>%s/%s", q->prompt, or_dash(q->target_new),
                                    or_dash(q->target_true)),
                        x->last);
}

static void test_files(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        check_file(&r, &files[i]);
    room_close(&r);
}

static void test_single_hops(void **state)
{
    (void) state;
    struct room r;
    struct data_set set;
    const struct spec_data data = {.path = DATA "/mquake.json", .format = SPEC_MQUAKE};
    room_open(&r);
    room_ok(&r, records_read(&r, "single_hop_accuracy", &data, &set));
    const struct em_case *c = &set.cases[1];
    assert_int_equal(c->num_questions, 2 + 3);
    assert_string_equal(c->questions[3].prompt, "The birthplace of Ludroum Pidrüm is");
    assert_string_equal(c->questions[3].target_new, "the town of Vamo");
    assert_string_equal(set.cases[2].questions[2].prompt,
                        "Which language does Gabreim Kozal speak?");
    // the two steps: the first by its other name, the second not
    struct em_reply replies[5] = {[3] = {.new_ = {.hit = true}}};
    struct em_case asked = *c;
    double value;
    asked.replies = replies;
    assert_true(registry_metric(r.registry, "single_hop_accuracy")->measure(NULL, &asked, &value));
    assert_true(value == 0.5);
    room_close(&r);
}

// A table with another delimiter and separator, a mark before it, empty lines and no last line end.
static void test_other_tables(void **state)
{
    (void) state;
    static const char *const tables[] = {
        "\xEF\xBB\xBFprompt;subject;target_new;paraphrases\n\n{} is in;Rome;Spain;a, b // c\n\n",
        "subject\ttarget_new\tparaphrases\tprompt\r\nRome\tSpain\ta, b // c\t{} is in",
        "\"prompt\",subject,\"target_new\",paraphrases\n\"{} is in\",Rome,Spain,\"a, b//c\"",
    };
    struct room r;
    room_open(&r);
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        struct data_set set;
        const struct spec_data data = {
            .format = SPEC_CSV, .path = room_write(&r, "t.csv", tables[i]), .separator = "//"};
        room_ok(&r, records_read(&r, NULL, &data, &set));
        assert_int_equal(set.num, 1);
        assert_string_equal(set.facts[0].subject, "Rome");
        assert_int_equal(set.cases[0].num_questions, 3);
        assert_string_equal(set.cases[0].questions[1].prompt, "a, b");
        assert_string_equal(set.cases[0].questions[2].prompt, "c");
    }
    room_close(&r);
}

static void test_order_lists(void **state)
{
    (void) state;
    struct room r;
    struct data_set set;
    struct spec_data data = {.format = SPEC_ZSRE,
                             .path = DATA "/zsre.json",
                             .order = DATA "/order.json",
                             .order_list = "1",
                             .count = 2};
    room_open(&r);
    room_ok(&r, records_read(&r, NULL, &data, &set));
    assert_string_equal(set.facts[0].id, "2");
    assert_string_equal(set.facts[1].id, "3");
    data.order_list = "7";
    assert_int_equal(records_read(&r, NULL, &data, &set), EM_ERR_CONFIG);
    room_check_error(&r,
                     DATA "/order.json:1: has no list \"7\"; data.order_list names one of those "
                          "it has: 0, 1, 2");
    log_clear(r.log);
    data.order = room_write(&r, "order", "[0, 1]");
    assert_int_equal(records_read(&r, NULL, &data, &set), EM_ERR_CONFIG);
    room_check_error(&r, "@/x.json:2: data.order_list: is \"7\", and order is a single list; leave "
                         "it out");
    room_close(&r);
}

// --- runs

#define EXPERIMENT(data, metrics, run)                                                             \
    "{\"model\": \"" WORLD "\", \"data\": " data ",\n"                                             \
    "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"}, \"metrics\": [" metrics "],\n"        \
    "\"algorithm\": {\"name\": \"emmet\", \"layers\": [0]},\n"                                     \
    "\"run\": {\"mode\": \"" run "\"}, \"evaluate\": {\"texts\": 0}}\n"

static double mean_of(struct house *h, const char *metric, const char *when)
{
    cJSON *summary = cJSON_Parse(house_read(h, h->finished, "summary.json"));
    const cJSON *s = json_get(json_get(summary, when), metric);
    const double mean = json_get(s, "mean") ? json_get(s, "mean")->valuedouble : -1;
    assert_non_null(s);
    cJSON_Delete(summary);
    return mean;
}

// Questions with a true target alone are asked, journalled, read again and measured.
static void test_zsre_run(void **state)
{
    (void) state;
    struct house h;
    house_open(&h, EXPERIMENT("{\"format\": \"zsre\", \"path\": \"" DATA
                              "/zsre.json\", \"target\": \"alt\"}",
                              "\"efficacy_accuracy\", \"paraphrase_accuracy\", "
                              "\"neighborhood_accuracy\"",
                              "single"));
    assert_true(mean_of(&h, "efficacy_accuracy", "before") == 0);
    assert_true(mean_of(&h, "efficacy_accuracy", "metrics") == 100);
    assert_true(mean_of(&h, "neighborhood_accuracy", "before") >= 0);     // it has a value
    cJSON *line = cJSON_Parse(house_read(&h, h.finished, "cases.jsonl")); // the first
    const cJSON *probs = json_get(json_get(line, "post"), "neighborhood_prompts_probs");
    assert_int_equal(cJSON_GetArraySize(probs), 1);
    assert_null(json_get(probs->child, "target_new"));
    assert_true(json_get(probs->child, "target_true")->valuedouble > 0);
    cJSON_Delete(line);
    const char *again = room_path(&h.room, "again");
    room_ok(&h.room, house_run(&h, &(struct attempt) {.out = again}));
    house_check_same(&h, again);
    house_close(&h);
}

// The facts of a record edited together; its questions asked with the last one.
static void test_mquake_run(void **state)
{
    (void) state;
    struct house h;
    house_open(&h, EXPERIMENT("{\"format\": \"mquake\", \"path\": \"" DATA "/mquake.json\"}",
                              "\"efficacy\", \"efficacy_accuracy\", \"hop_accuracy\", "
                              "\"single_hop_accuracy\"",
                              "batch"));
    assert_true(mean_of(&h, "efficacy", "before") == 0);
    assert_true(mean_of(&h, "efficacy", "metrics") == 100);
    assert_true(mean_of(&h, "single_hop_accuracy", "before") == 0);
    assert_true(mean_of(&h, "single_hop_accuracy", "metrics") >= 50); // the first step is the edit
    assert_true(mean_of(&h, "hop_accuracy", "before") == 0);
    assert_true(mean_of(&h, "hop_accuracy", "metrics") >= 50); // a paraphrase, in the second record
    // the resolved experiment says how many records were taken, not facts
    cJSON *resolved = cJSON_Parse(house_read(&h, h.finished, "experiment.json"));
    assert_int_equal(json_get(json_get(resolved, "data"), "count")->valueint, 2);
    cJSON_Delete(resolved);
    house_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),        cmocka_unit_test(test_single_hops),
        cmocka_unit_test(test_other_tables), cmocka_unit_test(test_order_lists),
        cmocka_unit_test(test_zsre_run),     cmocka_unit_test(test_mquake_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
