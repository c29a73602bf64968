// What an experiment may not say: each message exactly, before anything is computed or written.

#include <unistd.h>

#include "room.h"

// A whole experiment, one member a line; a test replaces one of them.
static const char *const members[] = {
    "\"model\": \"" WORLD "\"",
    "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 2}",
    "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"}",
    "\"algorithm\": {\"name\": \"rome\", \"layers\": [1]}",
    "\"seed\": 0",
};
enum { MEMBERS = sizeof(members) / sizeof(*members), FIRST_LINE = 2 };

struct refusal {
    int line; // that `text` replaces
    const char *text, *message;
};

static const struct refusal refusals[] = {
    {2, "\"about\": \"no model\"", "@/x.json:1: model: is missing"},
    {2, "\"model\": \"models/none\"",
     "@/x.json:2: model: \"models/none\": there is no such file or folder (looked for "
     "@/models/none)"},
    {2, "\"model\": \"none.gguf\"",
     "@/x.json:2: model: \"none.gguf\": there is no such file or folder (looked for @/none.gguf)"},
    {2, "\"model\": \"smallm2\"",
     "@/x.json:2: model: \"smallm2\": there is no such file, folder or known model (looked for "
     "@/smallm2)"},
    {2, "\"modle\": \"x\"",
     "@/x.json:2: modle: unknown member of an experiment; did you mean \"model\"?"},
    {2, "\"sweep\": {}", "@/x.json:2: sweep: is for \"emend run\"; one experiment is needed here"},
    {3, "\"about\": \"no data\"", "@/x.json:1: data: is missing"},
    {3, "\"data\": [1]", "@/x.json:3: data: an object with the options is needed here"},
    {3, "\"data\": {\"format\": \"zrse\", \"path\": \"x\"}",
     "@/x.json:3: data.format: is \"zrse\"; one of \"counterfact\", \"jsonl\", \"inline\", "
     "\"zsre\", \"mquake\", \"csv\" is needed; did you mean \"zsre\"?"},
    {3, "\"data\": {\"count\": 2}", "@/x.json:3: data.path: is missing"},
    {3, "\"data\": {\"path\": \"none.json\"}",
     "@/x.json:3: data.path: \"none.json\": there is no such file (looked for @/none.json)"},
    {3, "\"data\": {\"path\": \"" WORLD "/facts.json\", \"cuont\": 2}",
     "@/x.json:3: data.cuont: unknown option of data; did you mean \"count\"?"},
    {3, "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 5000}",
     "@/x.json:3: data.count: is 5000; facts.json has 108 records"},
    {3, "\"data\": {\"path\": \"" WORLD "/facts.json\", \"first\": 100, \"count\": 9}",
     "@/x.json:3: data.count: is 9; facts.json has 108 records, of which data.first leaves 8"},
    {3, "\"data\": {\"path\": \"" WORLD "/facts.json\", \"first\": 108}",
     "@/x.json:3: data.first: is 108; facts.json has 108 records"},
    {3, "\"data\": {\"format\": \"inline\"}",
     "@/x.json:3: data.facts: is nothing; a list of facts is needed"},
    {3, "\"data\": {\"format\": \"inline\", \"facts\": []}",
     "@/x.json:3: data: @/x.json has no records"},
    {3, "\"data\": {\"path\": \"" WORLD "/facts.json\", \"facts\": []}",
     "@/x.json:3: data.facts: stands only beside \"format\": \"inline\""},
    {3,
     "\"data\": {\"format\": \"inline\", \"facts\": [\n{\"prompt\": \"a b\", \"subject\": \"b\", "
     "\"target_new\": \"c\"}]}",
     "@/x.json:4: data.facts[0].prompt: \"a b\" holds no {}; put it where the subject \"b\" "
     "stands"},
    {4, "\"covariance\": {\"tokens\": 5000}",
     "@/x.json:4: covariance.corpus: is missing; rome measures the model's keys on a text, or "
     "takes covariance.import"},
    {4, "\"covariance\": {\"corpus\": \"none.txt\"}",
     "@/x.json:4: covariance.corpus: \"none.txt\": there is no such file (looked for @/none.txt)"},
    {4, "\"covariance\": {\"corpus\": [\"" WORLD "/corpus.txt\",\n\"" WORLD "\"]}",
     "@/x.json:5: covariance.corpus[1]: \"" WORLD "\" is a folder (" WORLD "); a file is needed"},
    {4, "\"covariance\": {\"import\": {\"1\": \"" WORLD "\"}}",
     "@/x.json:4: covariance.import.1: \"" WORLD "\" is a folder (" WORLD "); a file is needed"},
    {4, "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\", \"max_length\": 257}",
     "@/x.json:4: covariance.max_length: is 257; the model takes documents of 2 to 256 tokens"},
    {4, "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\", \"max_length\": 1}",
     "@/x.json:4: covariance.max_length: is 1; the model takes documents of 2 to 256 tokens"},
    {4, "\"covariance\": {\"corpus\": [\"" WORLD "/corpus.txt\", 3]}",
     "@/x.json:4: covariance.corpus[1]: is a number; a path in quotes is needed"},
    {4, "\"covariance\": {\"corpus\": []}", "@/x.json:4: covariance.corpus: is an empty list"},
    {4, "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\", \"tokens\": 100}",
     "@/x.json:4: covariance.tokens: is 100; at least 176, the width of a key, are needed for a "
     "covariance that has an inverse (the default is 10 times as many)"},
    {4, "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\", \"tokens\": 500, \"documents\": 5}",
     "@/x.json:4: covariance.documents: stands beside covariance.tokens; give one of the two"},
    {4, "\"covariance\": {\"import\": {\"five\": \"" WORLD "/model.safetensors\"}}",
     "@/x.json:4: covariance.import.five: \"five\" is not the number of a layer"},
    {4, "\"covariance\": {\"import\": {\"5\": \"" WORLD "/model.safetensors\"}}",
     "@/x.json:4: covariance.import.5: layer 5 is beyond the model, which has layers 0 to 3"},
    {4, "\"covariance\": {\"import\": \"c.safetensors\"}",
     "@/x.json:4: covariance.import: is a text; an object of layers and files is needed, such as "
     "{\"5\": \"covariance-5.safetensors\"}"},
    {5, "\"about\": \"no algorithm\"", "@/x.json:1: algorithm: is missing"},
    {5, "\"algorithm\": 3",
     "@/x.json:5: algorithm: is a number; a name, or an object with a name and options, is "
     "needed"},
    {5, "\"algorithm\": {\"layers\": [1]}", "@/x.json:5: algorithm.name: is missing"},
    {5, "\"algorithm\": \"roem\"",
     "@/x.json:5: algorithm: \"roem\" is not an algorithm that was found; did you mean \"rome\"?"},
    {5, "\"algorithm\": {\"name\": \"roem\"}",
     "@/x.json:5: algorithm.name: \"roem\" is not an algorithm that was found; did you mean "
     "\"rome\"?"},
    {5, "\"algorithm\": {\"name\": \"rome\", \"layres\": [1]}",
     "@/x.json:5: algorithm.layres: unknown option of rome; did you mean \"layers\"?"},
    {5, "\"algorithm\": {\"name\": \"rome\",\n\"layers\": [4]}",
     "@/x.json:6: algorithm.layers: layer 4 is beyond the model, which has layers 0 to 3"},
    {5, "\"algorithm\": {\"name\": \"memit\",\n\"layers\": [1, 0]}",
     "@/x.json:6: algorithm.layers[1]: is 0, behind 1; list them in ascending order"},
    {5, "\"algorithm\": {\"name\": \"emmet\", \"layers\": [0, 2, 2]}",
     "@/x.json:5: algorithm.layers[2]: is 2, behind 2; list them in ascending order"},
    {5, "\"algorithm\": {\"name\": \"alphaedit\", \"layers\": [3, 2, 1]}",
     "@/x.json:5: algorithm.layers[1]: is 2, behind 3; list them in ascending order"},
    {5, "\"algorithm\": {\"name\": \"rome\", \"layers\": [0, 1]}",
     "@/x.json:5: algorithm.layers: is [0,1]; a list of one whole number from 0 to 9999 is needed"},
    {5, "\"algorithm\": {\"name\": \"rome\", \"variant\": \"orginal\"}",
     "@/x.json:5: algorithm.variant: is \"orginal\"; one of \"study\", \"original\", \"r-rome\" is "
     "needed; did you mean \"original\"?"},
    {6, "\"seed\": -1",
     "@/x.json:6: seed: is -1; a whole number from 0 to 2147483647 is "
     "needed"},
    {6, "\"seed\": 1.5",
     "@/x.json:6: seed: is 1.5; a whole number from 0 to 2147483647 is "
     "needed"},
    {6, "\"name\": \"../up\"",
     "@/x.json:6: name: \"../up\" cannot name a run folder: letters, "
     "digits, - _ and . are needed, with no . in front"},
    {6, "\"name\": \"..\"",
     "@/x.json:6: name: \"..\" cannot name a run folder: letters, digits, - "
     "_ and . are needed, with no . in front"},
    {6, "\"name\": \"\"",
     "@/x.json:6: name: \"\" cannot name a run folder: letters, digits, - _ "
     "and . are needed, with no . in front"},
    {6, "\"tokens\": {\"bos\": \"always\"}",
     "@/x.json:6: tokens.bos: is \"always\"; one of \"auto\", \"none\" is needed"},
    {6, "\"run\": {\"mode\": \"singel\"}",
     "@/x.json:6: run.mode: is \"singel\"; one of \"single\", \"batch\", \"sequential\", "
     "\"sequential-batched\" is needed; did you mean \"single\"?"},
    {6, "\"run\": {\"mode\": \"sequential\", \"batch_size\": 3}",
     "@/x.json:6: run.batch_size: is 3, but run.mode is \"sequential\", one fact at a time; more "
     "are edited together in \"mode\": \"sequential-batched\""},
    {6, "\"evaluate\": {\"retained\": \"end\"}",
     "@/x.json:6: evaluate.retained: run.mode is \"single\", which keeps no edit that could be "
     "asked about again; leave it out, or choose a sequential mode"},
    {6, "\"evaluate\": {\"retained\": \"always\"}",
     "@/x.json:6: evaluate.retained: \"end\", \"none\", or an object such as {\"every\": 100} is "
     "needed"},
    {6, "\"evaluate\": {\"retained\":\n{\"every\": 0.5}}",
     "@/x.json:7: evaluate.retained.every: a whole number of edits, 1 or more, is needed"},
    {6, "\"evaluate\": {\"retained\": {\"each\": 4}}",
     "@/x.json:6: evaluate.retained: \"end\", \"none\", or an object such as {\"every\": 100} is "
     "needed"},
    {6, "\"run\": {\"mode\": \"single\", \"batch_size\": 3}",
     "@/x.json:6: run.batch_size: is 3, but run.mode is \"single\", one fact at a time; more are "
     "edited together in \"mode\": \"batch\""},
    {6, "\"run\": {\"mode\": \"batch\", \"batch_size\": -1}",
     "@/x.json:6: run.batch_size: is -1; a whole number from 0 to 2147483647 is needed"},
    {6, "\"run\": {\"mode\": \"batch\",\n\"batch_size\": 3}",
     "@/x.json:7: run.batch_size: is 3; there are 2 facts to edit"},
    {6, "\"run\": {\"mode\": \"batch\", \"batch_size\": 2}",
     "@/x.json:6: run.batch_size: is 2; rome takes at most 1 at once; algorithms that take as "
     "many: alphaedit, emmet, memit"},
    {6, "\"run\": {\"mode\": \"batch\"}",
     "@/x.json:6: run.batch_size: is 0, which means all 2 facts; rome takes at most 1 at once; "
     "algorithms that take as many: alphaedit, emmet, memit"},
    {6, "\"evaluate\": {\"before\": \"yes\"}",
     "@/x.json:6: evaluate.before: is \"yes\"; true or false is needed"},
    {6, "\"templates\": {\"path\": \"t.json\"}",
     "@/x.json:6: templates.path: \"t.json\": there is no such file (looked for @/t.json)"},
    {6, "\"import\": {\"values\": \"z.safetensors\"}",
     "@/x.json:6: import.values: \"z.safetensors\": there is no such file (looked for "
     "@/z.safetensors)"},
    {6, "\"metrics\": \"efficacy\"", "@/x.json:6: metrics: is a text; a list of metrics is needed"},
    {6, "\"metrics\": [\"efficacy\", \"efficiency\"]",
     "@/x.json:6: metrics[1]: \"efficiency\" is not a metric that was found; did you mean "
     "\"efficacy\"?"},
    {6, "\"metrics\": [\"efficacy\", \"efficacy\"]",
     "@/x.json:6: metrics[1]: \"efficacy\" is in the list twice"},
    {6, "\"metrics\": [\"efficacy\", \"score\"]",
     "@/x.json:6: metrics[1]: score is made of \"paraphrase\", which is not in the list; put it "
     "into the list"},
    {6, "\"metrics\": [{\"name\": \"efficacy\", \"strict\": true}]",
     "@/x.json:6: metrics[0].strict: unknown option of efficacy; it has none"},
};

static const char *write_experiment(struct room *r, int line, const char *text)
{
    char *json = arena_copy(r->arena, "{");
    for (int i = 0; i < MEMBERS; i++)
        json = arena_print(r->arena, "%s%s\n%s", json, i ? "," : "",
                           i + FIRST_LINE == line ? text : members[i]);
    return room_write(r, "x.json", arena_print(r->arena, "%s\n}\n", json));
}

static struct experiment *open_with(struct room *r, const char *path, const char *set)
{
    return experiment_open(&(struct experiment_params) {.log = r->log,
                                                        .registry = r->registry,
                                                        .path = path,
                                                        .sets = &set,
                                                        .num_sets = set ? 1 : 0,
                                                        .out = room_path(r, "out")});
}

static void test_refusals(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        room_new_log(&r);
        const char *path = write_experiment(&r, refusals[i].line, refusals[i].text);
        assert_null(open_with(&r, path, NULL));
        room_check_error(&r, refusals[i].message);
        assert_int_equal(log_status(r.log), EM_ERR_CONFIG);
        assert_false(file_exists(room_path(&r, "out")));
    }
    room_close(&r);
}

static void test_set_refused(void **state)
{
    (void) state;
    static const char *const sets[][2] = {
        {"algorithm.lamda=3", "--set algorithm.lamda=3: unknown option of rome; allowed: layers, "
                              "variant, "},
        {"algorithm.layers=[40]",
         "--set algorithm.layers=[40]: layer 40 is beyond the model, which "
         "has layers 0 to 3"},
        {"data.path=none.json", "--set data.path=none.json: \"none.json\": there is no such file "
                                "(looked for none.json)"},
        {"seeds=3", "--set seeds=3: unknown member of an experiment; did you mean \"seed\"?"},
    };
    struct room r;
    room_open(&r);
    const char *path = write_experiment(&r, 0, NULL);
    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        room_new_log(&r);
        assert_null(open_with(&r, path, sets[i][0]));
        const char *message = log_error(r.log);
        if (strncmp(message, sets[i][1], strlen(sets[i][1])) != 0)
            fail_msg("%s", message);
    }
    room_close(&r);
}

// The resolved experiment names every default and reads back to itself from another folder.
static void test_resolved(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct experiment *e = open_with(&r, write_experiment(&r, 0, NULL), NULL);
    if (!e)
        fail_msg("%s", log_error(r.log));
    const cJSON *json = experiment_json(e);
    const cJSON *covariance = cJSON_GetObjectItem(json, "covariance");
    assert_int_equal(cJSON_GetObjectItem(covariance, "tokens")->valueint, 1760);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "metrics")), 4);
    assert_string_equal(cJSON_GetObjectItem(json, "name")->valuestring, "x");
    assert_string_equal(cJSON_GetObjectItem(json, "model")->valuestring, WORLD);
    char *text = cJSON_Print(json);
    room_ok(&r, folder_make(r.log, room_path(&r, "deep/er")));
    struct experiment *again = open_with(&r, room_write(&r, "deep/er/y.json", text), NULL);
    if (!again)
        fail_msg("%s", log_error(r.log));
    char *same = cJSON_Print(experiment_json(again));
    assert_string_equal(same, text);
    free(text);
    free(same);
    experiment_destroy(&e);
    experiment_destroy(&again);
    room_close(&r);
}

static void check_batch_size(struct room *r, const char *path, const char *set, int expected)
{
    room_new_log(r);
    struct experiment *e = open_with(r, path, set);
    if (!e)
        fail_msg("%s", log_error(r->log));
    const cJSON *run = cJSON_GetObjectItem(experiment_json(e), "run");
    assert_int_equal(cJSON_GetObjectItem(run, "batch_size")->valueint, expected);
    experiment_destroy(&e);
}

// All facts, unless it is said; one in mode single, and for an algorithm that takes no more.
static void test_batch_size(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    check_batch_size(&r, write_experiment(&r, 0, NULL), NULL, 1);
    const char *path = write_experiment(&r, 6, "\"run\": {\"mode\": \"batch\"}");
    check_batch_size(&r, path, "algorithm.name=memit", 2);
    check_batch_size(&r, path, "run.batch_size=1", 1);
    room_close(&r);
}

// Facts within the experiment stay in its resolved form.
static void test_inline_facts(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    const char *path = write_experiment(
        &r, 3,
        "\"data\": {\"format\": \"inline\", \"facts\": [{\"id\": \"one\", \"prompt\": \"{} lives "
        "in\", \"subject\": \"Ann\", \"target_new\": \" Rome \", \"paraphrases\": [\"Ann has a "
        "house in\"]}]}");
    assert_null(open_with(&r, path, NULL)); // by default: ES, PS, NS and S
    room_check_error(&r, "@/x.json:1: metrics[0]: efficacy reads a new target and a true one of "
                         "each \"rewrite\" question, and no record that is taken has both; metrics "
                         "that apply here: \"metrics\": [\"efficacy_accuracy\", "
                         "\"paraphrase_accuracy\"]");
    room_new_log(&r);
    struct experiment *e = open_with(&r, path, "metrics=[\"efficacy_accuracy\"]");
    if (!e)
        fail_msg("%s", log_error(r.log));
    int num;
    const struct em_fact *facts = experiment_facts(e, &num);
    assert_int_equal(num, 1);
    assert_string_equal(facts[0].id, "one");
    assert_string_equal(facts[0].target_new, "Rome");
    assert_null(facts[0].target_true);
    const cJSON *data = cJSON_GetObjectItem(experiment_json(e), "data");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(data, "facts")), 1);
    assert_int_equal(cJSON_GetObjectItem(data, "count")->valueint, 1);
    experiment_destroy(&e);
    room_close(&r);
}

static void test_help(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    const char *help = experiment_help(r.arena);
    static const char *const lines[] = {
        "  seed               of everything that is left to chance (a whole number from 0 to "
        "2147483647; default 0)\n",
        "\ncovariance: the second moment of a layer's keys\n  corpus             a text file, a "
        "JSON lines file",
        "  max_length         tokens of a document, 0 for 128 or what the model takes if that is "
        "less (a whole number from 0 to 65536; default 0)\n",
        "\nmetrics: ",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        assert_non_null(strstr(help, lines[i]));
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_set_refused),
        cmocka_unit_test(test_resolved),   cmocka_unit_test(test_inline_facts),
        cmocka_unit_test(test_batch_size), cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
