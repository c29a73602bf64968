// Members that are more than options: templates as the model is to write them, a paper's figures,
// files that are not there.

#include "room.h"

#include "experiment/sweep/sweep.h"

static const char *write_experiment(struct room *r, const char *member)
{
    return room_write(r, "x.json",
                      arena_print(r->arena,
                                  "{\n%s,\n"
                                  "\"model\": \"" WORLD "\",\n"
                                  "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 2},\n"
                                  "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"
                                  "\"algorithm\": {\"name\": \"memit\", \"layers\": [1]}}\n",
                                  member));
}

static struct experiment *open_path(struct room *r, const char *path)
{
    return experiment_open(
        &(struct experiment_params) {.log = r->log, .registry = r->registry, .path = path});
}

static struct experiment *open_member(struct room *r, const char *member)
{
    struct experiment *e = open_path(r, write_experiment(r, member));
    if (!e)
        fail_msg("%s: %s", member, log_error(r->log));
    return e;
}

struct refusal {
    const char *member, *message;
};

static void check_refusals(const struct refusal *refusals, int num)
{
    struct room r;
    room_open(&r);
    for (int i = 0; i < num; i++) {
        room_new_log(&r);
        struct experiment *e = open_path(&r, write_experiment(&r, refusals[i].member));
        if (e)
            fail_msg("accepted: %s", refusals[i].member);
        room_check_error(&r, refusals[i].message);
    }
    room_close(&r);
}

static void test_templates_refused(void **state)
{
    (void) state;
    static const struct refusal refusals[] = {
        {"\"templates\": {\"memti\": {}}",
         "@/x.json:2: templates.memti: unknown option of templates; did you mean \"memit\"?"},
        {"\"templates\": {\"memit\": [5]}",
         "@/x.json:2: templates.memit: an object with the options is needed here"},
        {"\"templates\": {\"memit\": {\"length\": 10}}",
         "@/x.json:2: templates.memit.length: unknown option of templates.memit; did you mean "
         "\"lengths\"?"},
        {"\"templates\": {\"rome\": {\"lengths\": [5, 0]}}",
         "@/x.json:2: templates.rome.lengths[1]: is 0; a whole number from 1 to 1024 is needed"},
        {"\"templates\": {\"rome\": {\"top_k\": 65}}",
         "@/x.json:2: templates.rome.top_k: is 65; a whole number from 1 to 64 is needed"},
        {"\"templates\": {\"rome\": {\"starts\": []}}",
         "@/x.json:2: templates.rome.starts: a list of 1 to 64 texts is needed"},
        {"\"templates\": {\"rome\": {\n\"starts\": [\"The\", \" {}\"]}}",
         "@/x.json:3: templates.rome.starts[1]: a text in quotes is needed, not of spaces and "
         "{} alone"},
        {"\"templates\": {\"path\": \"" WORLD "/facts.json\", \"memit\": {}}",
         "@/x.json:2: templates.memit: stands beside templates.path, whose file holds the texts; "
         "give one of the two"},
    };
    check_refusals(refusals, sizeof(refusals) / sizeof(*refusals));
}

static void check_set(const struct experiment *e, const char *set, const char *expected)
{
    const cJSON *templates = cJSON_GetObjectItem(experiment_json(e), "templates");
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(templates, set));
    assert_string_equal(text, expected);
    free(text);
}

// Defaults are those of the published implementations, and written out.
static void test_templates_resolved(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct experiment *e =
        open_member(&r, "\"templates\": {\"memit\": {\"starts\": [\"So\"], \"lengths\": [7, 8]}}");
    check_set(e, "memit", "{\"starts\":[\"So\"],\"lengths\":[7,8],\"per_start\":1,\"top_k\":5}");
    check_set(e, "rome",
              "{\"starts\":[\"The\",\"Therefore\",\"Because\",\"I\",\"You\"],\"lengths\":[5,10],"
              "\"per_start\":2,\"top_k\":5}");
    char *text = cJSON_Print(experiment_json(e));
    struct experiment *again = open_path(&r, room_write(&r, "y.json", text));
    if (!again)
        fail_msg("%s", log_error(r.log));
    char *same = cJSON_Print(experiment_json(again));
    assert_string_equal(same, text);
    free(text);
    free(same);
    experiment_destroy(&again);
    experiment_destroy(&e);
    e = open_member(&r, "\"seed\": 1");
    check_set(e, "memit",
              "{\"starts\":[\"The\",\"Therefore\",\"Because\",\"I\",\"You\"],\"lengths\":[10],"
              "\"per_start\":1,\"top_k\":5}");
    experiment_destroy(&e);
    room_close(&r);
}

// What is said of templates is what the model writes.
static void test_templates_written(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct experiment *e = open_member(
        &r, "\"templates\": {\"memit\": {\"starts\": [\"At\", \"In\"], \"lengths\": [4]}}");
    room_ok(&r, experiment_setup(e));
    int num;
    const char *const *texts = em_contexts(experiment_session(e), "memit", &num);
    assert_int_equal(num, 3);
    assert_string_equal(texts[0], "{}");
    assert_memory_equal(texts[1], "At", 2);
    assert_memory_equal(texts[2], "In", 2);
    experiment_destroy(&e);
    room_close(&r);
}

#define ENTRY(rest) "\"reference\": [{\"label\": \"a\", " rest "}]"
#define POINTS(point) ENTRY("\"points\": [" point "]")

static void test_reference_refused(void **state)
{
    (void) state;
    static const struct refusal refusals[] = {
        {"\"reference\": {}", "@/x.json:2: reference: is an object; a list of figures is needed"},
        {"\"reference\": [3]", "@/x.json:2: reference[0]: is a number; an object is needed"},
        {"\"reference\": [{\"points\": []}]",
         "@/x.json:2: reference[0].label: is nothing; a text in quotes is needed"},
        {"\"reference\": [{\"lable\": \"a\"}]",
         "@/x.json:2: reference[0].lable: is not known here; did you mean \"label\"?"},
        {ENTRY("\"points\": []"),
         "@/x.json:2: reference[0].points: is empty; a list of points is needed"},
        {POINTS("{}"), "@/x.json:2: reference[0].points[0]: has no metric"},
        {POINTS("{\"score\": 1}, {\"score\": 2}"),
         "@/x.json:2: reference[0].points: are several; reference[0].x must name their axis"},
        {POINTS("\n{\"scroe\": 1}"),
         "@/x.json:3: reference[0].points[0].scroe: is not known here; did you mean \"score\"?"},
        {POINTS("{\"score\": \"1\"}"),
         "@/x.json:2: reference[0].points[0].score: is a text; a number is needed"},
        {POINTS("{\"score\": 1, \"x\": 2}"),
         "@/x.json:2: reference[0].points[0].x: has no meaning where reference[0].x names no "
         "axis"},
        {ENTRY("\"x\": \"edits\", \"points\": [{\"score\": 1}]"),
         "@/x.json:2: reference[0].points[0].x: is missing; where on edits does the point lie?"},
        {ENTRY("\"x\": \"run.batchsize\""),
         "@/x.json:2: reference[0].x: \"run.batchsize\" is no path of an experiment, such as "
         "run.batch_size"},
        {ENTRY("\"where\": {\"algoritm.name\": 3}"),
         "@/x.json:2: reference[0].where: \"algoritm.name\" is no path of an experiment, such as "
         "run.batch_size"},
        {ENTRY("\"where\": 3"),
         "@/x.json:2: reference[0].where: is a number; an object of paths and their values is "
         "needed"},
    };
    check_refusals(refusals, sizeof(refusals) / sizeof(*refusals));
}

// Written out as it is, and no part of what makes a run the same.
static void test_reference(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct experiment *e =
        open_member(&r, ENTRY("\"where\": {\"algorithm.name\": \"memit\", \"seed\": 0}, \"x\": "
                              "\"run.batch_size\", \"points\": [{\"x\": 16, \"score\": 90.9}]"));
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(experiment_json(e), "reference"));
    assert_string_equal(text, "[{\"label\":\"a\",\"where\":{\"algorithm.name\":\"memit\",\"seed\":"
                              "0},\"x\":\"run.batch_size\",\"points\":[{\"x\":16,\"score\":90.9}]"
                              "}]");
    free(text);
    experiment_destroy(&e);
    room_close(&r);
}

// Figures stand over an axis of the sweep, or over the edits of a run.
static void test_reference_axis(void **state)
{
    (void) state;
    static const char *const axes[] = {"run.batch_size", "edits", "seed"};
    struct room r;
    room_open(&r);
    for (int i = 0; i < 3; i++) {
        room_new_log(&r);
        const char *path = write_experiment(
            &r, arena_print(r.arena,
                            "\"run\": {\"mode\": \"batch\"}, \"sweep\": {\"run.batch_size\": [1, "
                            "2]},\n\"reference\": [{\"label\": \"a\", \"x\": \"%s\", \"points\": "
                            "[{\"x\": 1, \"score\": 2}]}]",
                            axes[i]));
        struct sweep *s = sweep_open(&(struct experiment_params) {
            .log = r.log, .registry = r.registry, .path = path, .out = room_path(&r, "out")});
        assert_true(!s == (i == 2));
        if (!s)
            room_check_error(&r, "@/x.json:3: reference[0].x: \"seed\" is not swept; a path of the "
                                 "sweep, or \"edits\", is needed");
        sweep_destroy(&s);
    }
    room_close(&r);
}

// Files that are not there are told all at once, after what is wrong with the document itself.
static void test_missing(void **state)
{
    (void) state;
    static const struct refusal refusals[] = {
        {"\"templates\": {\"path\": \"none.json\"},\n\"import\": {\"values\": \"z.st\"}",
         "@/x.json:2: templates.path: \"none.json\": there is no such file (looked for "
         "@/none.json)\n"
         "@/x.json:3: import.values: \"z.st\": there is no such file (looked for @/z.st)\n"
         "2 files are missing; nothing else is wrong, as far as can be told without them"},
        {"\"templates\": {\"path\": \"none.json\"},\n\"sede\": 3",
         "@/x.json:3: sede: unknown member of an experiment; did you mean \"seed\"?"},
    };
    check_refusals(refusals, sizeof(refusals) / sizeof(*refusals));
}

static void expect(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("%s\nlacks %s", text, part);
}

// What is known of a file's source is said with it.
static void test_hints(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    const char *path = room_write(
        &r, "x.json",
        "{\"model\": \"models/Meta-Llama-3-8B\", \"data\": {\"path\": \"counterfact.json\"},\n"
        "\"covariance\": {\"corpus\": [\"wikipedia.jsonl\"]}, \"algorithm\": \"memit\"}");
    assert_null(open_path(&r, path));
    const char *text = log_error(r.log);
    expect(text, "x.json:1: model: \"models/Meta-Llama-3-8B\": there is no such file or folder");
    expect(text, "\n    fetch meta-llama/Meta-Llama-3-8B (16 GB) from Hugging Face, whose page "
                 "asks to accept");
    expect(text, arena_print(r.arena, "\n    to %s/models/Meta-Llama-3-8B\n", r.folder));
    expect(text, "x.json:1: data.path: \"counterfact.json\"");
    expect(text, "ROME project");
    expect(text, "x.json:2: covariance.corpus[0]: \"wikipedia.jsonl\"");
    expect(text, arena_print(r.arena, "\n    to %s/wikipedia.jsonl", r.folder));
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates_refused),
        cmocka_unit_test(test_templates_resolved),
        cmocka_unit_test(test_templates_written),
        cmocka_unit_test(test_reference_refused),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_reference_axis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
