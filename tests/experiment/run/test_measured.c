// What is measured beside answers, on the small world: generated texts and the metrics that read
// them, and metrics of the model's state; journalled, and the same after a run that went on.

#include "base/text/json.h"
#include "house.h"

enum { FACTS = 3 };

#define NEUTRAL "\"text\": \"" WORLD "/corpus.txt\", \"prompts\": 4, \"tokens\": 8"

static const char experiment[] =
    "{\"name\": \"small\", \"model\": \"" WORLD "\",\n"
    "\"data\": {\"format\": \"inline\", \"facts\": [\n"
    "{\"subject\": \"Gabreim Kozal\", \"prompt\": \"The mother tongue of {} is\", "
    "\"target_new\": \"Krutian\", \"target_true\": \"Grerian\", "
    "\"generation\": [\"At home\", \"At home\"]},\n"
    "{\"subject\": \"Ludroum Pidrüm\", \"prompt\": \"The birthplace of {} is\", "
    "\"target_new\": \"Vamo\", \"target_true\": \"Vaites\", "
    "\"generation\": [\"The birthplace of Ludroum Pidrüm\"]},\n"
    "{\"subject\": \"Thadraik Hifert\", \"prompt\": \"{} works as a\", "
    "\"target_new\": \"mason\", \"target_true\": \"sailor\"}]},\n"
    "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"
    "\"algorithm\": {\"name\": \"memit\", \"layers\": [0], \"lambda\": 50, "
    "\"v_num_grad_steps\": 6},\n"
    "\"metrics\": [\"efficacy\", \"fluency\", \"norm\", {\"name\": \"drift\", " NEUTRAL "},\n"
    "{\"name\": \"perplexity\", " NEUTRAL "}],\n"
    "\"run\": {\"mode\": \"batch\", \"batch_size\": 2},\n"
    "\"evaluate\": {\"texts\": 1, \"text_length\": 12, \"generation_length\": 20}}\n";

static int set_up(void **state)
{
    return house_set_up(state, experiment);
}

static const char *text_at(const cJSON *lines, int i, const char *key, int k)
{
    const cJSON *texts = json_get(json_get(cJSON_GetArrayItem(lines, i), key), "text");
    return cJSON_GetStringValue(cJSON_GetArrayItem(texts, k));
}

// A text for each prompt, which it begins with; prompts that are equal have texts of their own.
static void test_texts(void **state)
{
    static const int asked[FACTS] = {2, 1, 0};
    struct house *h = *state;
    cJSON *lines = house_lines(h, h->finished, "cases.jsonl");
    for (int i = 0; i < FACTS; i++) {
        const cJSON *texts = json_get(json_get(cJSON_GetArrayItem(lines, i), "post"), "text");
        assert_int_equal(cJSON_GetArraySize(texts), asked[i]);
    }
    const char *first = text_at(lines, 0, "post", 0), *second = text_at(lines, 0, "post", 1);
    assert_int_equal(strncmp(first, "At home", 7), 0);
    assert_int_equal(strncmp(second, "At home", 7), 0);
    assert_string_not_equal(first, second);
    const char *born = text_at(lines, 1, "post", 0);
    assert_non_null(strstr(born, "birthplace of Ludroum"));
    cJSON_Delete(lines);
}

// The unedited model writes the same, whatever else is written with it.
static void test_company_changes_no_text(void **state)
{
    struct house *h = *state;
    const char *out = room_path(&h->room, "alone");
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = out, .set = "data.first=1"}));
    cJSON *alone = house_lines(h, out, "before.jsonl");
    cJSON *together = house_lines(h, h->finished, "before.jsonl");
    assert_string_equal(text_at(alone, 0, "pre", 0), text_at(together, 1, "pre", 0));
    cJSON_Delete(alone);
    cJSON_Delete(together);
}

static double mean_of(const cJSON *summary, const char *where, const char *metric)
{
    return json_get(json_get(json_get(summary, where), metric), "mean")->valuedouble;
}

static void test_summary(void **state)
{
    struct house *h = *state;
    cJSON *summary = cJSON_Parse(house_read(h, h->finished, "summary.json"));
    const cJSON *fluency = json_get(json_get(summary, "metrics"), "fluency");
    assert_string_equal(cJSON_GetStringValue(json_get(fluency, "label")), "GE");
    assert_int_equal(json_get(fluency, "n")->valueint, 2);
    assert_true(mean_of(summary, "metrics", "fluency") > 100);
    assert_true(mean_of(summary, "before", "fluency") > 100);
    assert_true(mean_of(summary, "before", "norm") == 0);
    assert_true(mean_of(summary, "before", "perplexity") > 1);
    assert_int_equal(cJSON_GetArraySize(json_get(summary, "states")), 2);
    cJSON_Delete(summary);
    cJSON *states = house_lines(h, h->finished, "states.jsonl");
    assert_int_equal(cJSON_GetArraySize(states), 1 + 2); // the unedited model, and two batches
    assert_int_equal(json_get(states->child, "edits")->valueint, 0);
    for (const cJSON *s = states->child->next; s; s = s->next) {
        assert_true(json_get(s, "norm")->valuedouble > 0);
        assert_true(json_get(s, "drift")->valuedouble > 0);
        assert_true(json_get(s, "perplexity")->valuedouble > 1);
    }
    cJSON_Delete(states);
}

static void test_goes_on(void **state)
{
    struct house *h = *state;
    const char *out = room_path(&h->room, "stopped");
    assert_int_equal(house_run(h, &(struct attempt) {.out = out, .befalls = 2, .stops = true}),
                     EM_STOPPED);
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = out}));
    house_check_same(h, out);
    assert_string_equal(house_read(h, out, "states.jsonl"),
                        house_read(h, h->finished, "states.jsonl"));
}

static void test_nothing_to_write(void **state)
{
    struct house *h = *state;
    assert_int_equal(
        house_run(h, &(struct attempt) {.out = room_path(&h->room, "none"), .set = "data.first=2"}),
        EM_ERR_CONFIG);
    room_check_error(&h->room, "@/house.json:8: metrics[1]: fluency reads generated texts, and no "
                               "record of data.facts that is taken has prompts for them "
                               "(\"generation\")");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_company_changes_no_text),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_nothing_to_write),
    };
    return cmocka_run_group_tests(tests, set_up, house_tear_down);
}
