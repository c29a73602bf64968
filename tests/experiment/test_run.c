// Runs on the small world: the files a run leaves, that two runs leave the same bytes, and that a
// run which was cut off at any place goes on and ends with them too.

#include <math.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "room.h"

static const char experiment[] =
    "{\"name\": \"small\", \"model\": \"" WORLD "\",\n"
    "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 4},\n"
    "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"
    "\"algorithm\": {\"name\": \"rome\", \"layers\": [0], \"v_num_grad_steps\": 6},\n"
    "\"evaluate\": {\"texts\": 2, \"text_length\": 12}}\n";

static const char *const result_files[] = {
    "experiment.json", "identity.json", "templates.json",
    "before.jsonl",    "cases.jsonl",   "summary.json",
};
enum { RESULT_FILES = sizeof(result_files) / sizeof(*result_files), FACTS = 4 };

struct house { // of the whole group: one finished run serves several tests
    struct room room;
    const char *finished;
};

struct attempt {
    const char *out, *set;
    enum op_matmul matmul;
    bool fresh;
    bool stops;        // after two edits
    const char *fills; // a disk, after two edits
};

struct accident { // what befalls a run
    struct house *house;
    const struct attempt *attempt;
};

// A file as large as the disk has room for.
static void fill_disk(struct house *h, const char *disk)
{
    static const char page[4096];
    FILE *f = fopen(path_join(h->room.arena, disk, "filler"), "w");
    assert_non_null(f);
    setbuf(f, NULL);
    while (fwrite(page, 1, sizeof(page), f) == sizeof(page))
        ;
    fclose(f);
}

static void after_two_edits(void *user, const char *what, int done, int total)
{
    const struct accident *a = user;
    (void) total;
    if (strcmp(what, "edit") != 0 || done != 2)
        return;
    if (a->attempt->stops)
        log_stop(a->house->room.log);
    if (a->attempt->fills)
        fill_disk(a->house, a->attempt->fills);
}

static enum em_status run(struct house *h, const struct attempt *a)
{
    room_new_log(&h->room);
    struct accident accident = {h, a};
    struct experiment *e =
        experiment_open(&(struct experiment_params) {.log = h->room.log,
                                                     .registry = h->room.registry,
                                                     .path = room_path(&h->room, "small.json"),
                                                     .sets = &a->set,
                                                     .num_sets = a->set ? 1 : 0,
                                                     .out = a->out,
                                                     .device = "cpu",
                                                     .matmul = a->matmul,
                                                     .fresh = a->fresh,
                                                     .progress = after_two_edits,
                                                     .progress_user = &accident});
    if (!e)
        return log_status(h->room.log);
    const enum em_status status = experiment_run(e);
    experiment_destroy(&e);
    return status;
}

static char *read_result(struct house *h, const char *folder, const char *name)
{
    return room_read(&h->room, path_join(h->room.arena, folder, name));
}

static void check_same(struct house *h, const char *folder)
{
    for (int i = 0; i < RESULT_FILES; i++)
        if (strcmp(read_result(h, folder, result_files[i]),
                   read_result(h, h->finished, result_files[i])) != 0)
            fail_msg("%s/%s differs", folder, result_files[i]);
}

// A folder as a run that was cut off has it: `bytes` of each journal, no results.
static const char *cut_off(struct house *h, const char *name, size_t before, size_t cases)
{
    const char *folder = room_path(&h->room, name);
    room_ok(&h->room, folder_make(h->room.log, folder));
    for (int i = 0; i < RESULT_FILES; i++) {
        const char *text = read_result(h, h->finished, result_files[i]);
        const bool is_before = strcmp(result_files[i], "before.jsonl") == 0;
        const bool is_cases = strcmp(result_files[i], "cases.jsonl") == 0;
        size_t size = strlen(text);
        if (strcmp(result_files[i], "summary.json") == 0)
            continue;
        if (is_before || is_cases)
            size = is_before ? (before < size ? before : size) : (cases < size ? cases : size);
        if (size)
            room_ok(&h->room,
                    file_write(h->room.log, path_join(h->room.arena, folder, result_files[i]), text,
                               size));
    }
    return folder;
}

static int set_up(void **state)
{
    struct house *h = *state = calloc(1, sizeof(*h));
    assert_non_null(h);
    room_open(&h->room);
    room_write(&h->room, "small.json", experiment);
    h->finished = room_path(&h->room, "finished");
    room_ok(&h->room, run(h, &(struct attempt) {.out = h->finished}));
    return 0;
}

static int tear_down(void **state)
{
    struct house *h = *state;
    room_close(&h->room);
    free(h);
    return 0;
}

static double number_at(struct house *h, const cJSON *json, const char *path)
{
    char *save = NULL, *copy = arena_copy(h->room.arena, path);
    for (char *part = strtok_r(copy, ".", &save); part; part = strtok_r(NULL, ".", &save))
        json = cJSON_GetObjectItem(json, part);
    return cJSON_IsNumber(json) ? json->valuedouble : NAN;
}

// The model knows its facts before the edit and asserts the new ones after it.
static void test_results(void **state)
{
    struct house *h = *state;
    cJSON *summary = cJSON_Parse(read_result(h, h->finished, "summary.json"));
    assert_true(number_at(h, summary, "before.efficacy.mean") <= 25);
    assert_true(number_at(h, summary, "before.neighborhood.mean") >= 75);
    assert_true(number_at(h, summary, "metrics.efficacy.mean") >= 75);
    assert_true(number_at(h, summary, "metrics.efficacy.n") == FACTS);
    assert_true(number_at(h, summary, "metrics.score.mean") > 50);
    cJSON_Delete(summary);
    cJSON *timing = cJSON_Parse(read_result(h, h->finished, "timing.json"));
    static const char *const phases[] = {"load",  "templates", "covariance", "value",
                                         "apply", "evaluate",  "total"};
    for (int i = 0; i < 7; i++)
        assert_true(number_at(h, timing, arena_print(h->room.arena, "seconds.%s", phases[i])) > 0);
    assert_true(number_at(h, timing, "peak_memory.resident") > 1e6);
    assert_true(number_at(h, timing, "peak_memory.device") > 1e6);
    cJSON_Delete(timing);
}

// ES worked out from the journal alone.
static void test_summary_follows_from_journal(void **state)
{
    struct house *h = *state;
    int lines = 0, right = 0;
    char *save = NULL, *text = read_result(h, h->finished, "cases.jsonl");
    for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save), lines++) {
        cJSON *line = cJSON_Parse(l);
        const cJSON *post = cJSON_GetObjectItem(line, "post");
        const cJSON *pair =
            cJSON_GetArrayItem(cJSON_GetObjectItem(post, "rewrite_prompts_probs"), 0);
        right += number_at(h, pair, "target_true") > number_at(h, pair, "target_new");
        assert_int_equal(cJSON_GetObjectItem(post, "text") != NULL, lines < 2);
        assert_int_equal(
            cJSON_GetArraySize(cJSON_GetObjectItem(post, "neighborhood_prompts_probs")), 10);
        const cJSON *series = cJSON_GetObjectItem(line, "series");
        assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(series, "loss")) > 0);
        cJSON_Delete(line);
    }
    assert_int_equal(lines, FACTS);
    cJSON *summary = cJSON_Parse(read_result(h, h->finished, "summary.json"));
    assert_true(number_at(h, summary, "metrics.efficacy.mean") == 100.0 * right / FACTS);
    cJSON_Delete(summary);
}

static void test_two_runs_leave_the_same_bytes(void **state)
{
    struct house *h = *state;
    const char *again = room_path(&h->room, "again");
    room_ok(&h->room, run(h, &(struct attempt) {.out = again}));
    check_same(h, again);
}

// The resolved experiment is itself an experiment, from where it lies.
static void test_resolved_runs_alike(void **state)
{
    struct house *h = *state;
    const char *out = room_path(&h->room, "resolved");
    room_write(&h->room, "small.json", read_result(h, h->finished, "experiment.json"));
    const enum em_status status = run(h, &(struct attempt) {.out = out});
    room_write(&h->room, "small.json", experiment);
    room_ok(&h->room, status);
    check_same(h, out);
}

static void test_finished_is_left_alone(void **state)
{
    struct house *h = *state;
    const char *path = path_join(h->room.arena, h->finished, "timing.json");
    const char *timing = room_read(&h->room, path);
    room_ok(&h->room, run(h, &(struct attempt) {.out = h->finished}));
    assert_string_equal(room_read(&h->room, path), timing);
}

static void test_goes_on(void **state)
{
    struct house *h = *state;
    const size_t before = strlen(read_result(h, h->finished, "before.jsonl"));
    const size_t cases = strlen(read_result(h, h->finished, "cases.jsonl"));
    const size_t places[][2] = {
        {0, 0},              // killed before anything
        {before / 3, 0},     // within a line of the unedited model's answers
        {before, 10},        // within the first case
        {before, cases / 2}, // between two cases, or within one
        {before, cases},     // before the summary
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const char *folder =
            cut_off(h, arena_print(h->room.arena, "cut-%zu", i), places[i][0], places[i][1]);
        room_ok(&h->room, run(h, &(struct attempt) {.out = folder}));
        check_same(h, folder);
    }
}

static void test_stopped_and_resumed(void **state)
{
    struct house *h = *state;
    const char *out = room_path(&h->room, "stopped");
    assert_int_equal(run(h, &(struct attempt) {.out = out, .stops = true}), EM_STOPPED);
    const char *text = read_result(h, out, "cases.jsonl");
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    assert_int_equal(lines, 2);
    assert_false(file_exists(path_join(h->room.arena, out, "summary.json")));
    room_ok(&h->room, run(h, &(struct attempt) {.out = out}));
    check_same(h, out);
}

static void check_refused(struct house *h, const struct attempt *a, const char *expected)
{
    assert_int_equal(run(h, a), EM_ERR_CONFIG);
    const char *message = log_error(h->room.log);
    if (strncmp(message, expected, strlen(expected)) != 0)
        fail_msg("%s", message);
}

static void test_belongs_to_another(void **state)
{
    struct house *h = *state;
    check_refused(h, &(struct attempt) {.out = h->finished, .set = "seed=1"},
                  arena_print(h->room.arena,
                              "%s: belongs to another experiment: its seed is 0, here it is 1; "
                              "choose another folder with --out, or move this one aside with "
                              "--fresh",
                              h->finished));
    check_refused(h, &(struct attempt) {.out = h->finished, .set = "data.count=3"},
                  arena_print(h->room.arena,
                              "%s: belongs to another experiment: its data.count is 4, here it "
                              "is 3",
                              h->finished));
    const char *other = cut_off(h, "arithmetic", 0, 0);
    check_refused(h, &(struct attempt) {.out = other, .matmul = OP_MATMUL_SHADER},
                  arena_print(h->room.arena, "%s: was begun with other arithmetic (", other));
}

// A corpus, a data file or templates that changed make another experiment, by content.
static void test_changed_content(void **state)
{
    struct house *h = *state;
    room_write(&h->room, "corpus.txt",
               arena_print(h->room.arena, "%s\nOne line more.\n",
                           room_read(&h->room, WORLD "/corpus.txt")));
    check_refused(h,
                  &(struct attempt) {.out = h->finished,
                                     .set = arena_print(h->room.arena, "covariance.corpus=%s",
                                                        room_path(&h->room, "corpus.txt"))},
                  arena_print(h->room.arena,
                              "%s: belongs to another experiment: its SHA-256 of the corpus is ",
                              h->finished));
    room_write(&h->room, "copy.txt", room_read(&h->room, WORLD "/corpus.txt"));
    room_ok(&h->room,
            run(h, &(struct attempt) {.out = h->finished,
                                      .set = arena_print(h->room.arena, "covariance.corpus=%s",
                                                         room_path(&h->room, "copy.txt"))}));
}

static void test_fresh(void **state)
{
    struct house *h = *state;
    const char *out = cut_off(h, "old", 5, 5);
    room_ok(&h->room, run(h, &(struct attempt) {.out = out, .fresh = true}));
    check_same(h, out);
    assert_true(file_exists(room_path(&h->room, "old.1/before.jsonl")));
}

// The disk is full in the middle of the cases: the run stops, what is written is whole, and it goes
// on when there is room again.
static void test_full_disk(void **state)
{
    struct house *h = *state;
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        print_message("skipped: only root can mount a small disk\n");
        skip();
    }
    const char *disk = room_path(&h->room, "disk"), *out = path_join(h->room.arena, disk, "full");
    assert_int_equal(mkdir(disk, 0777), 0);
    if (mount("none", disk, "tmpfs", 0, "size=4m") != 0)
        fail_msg("a small disk cannot be mounted on %s", disk);
    const enum em_status status = run(h, &(struct attempt) {.out = out, .fills = disk});
    assert_string_equal(log_error(h->room.log),
                        arena_print(h->room.arena,
                                    "%s/cases.jsonl: cannot be written: No space left on device",
                                    out));
    assert_int_equal(status, EM_ERR_IO);
    const char *text = read_result(h, out, "cases.jsonl");
    assert_true(*text && text[strlen(text) - 1] == '\n');
    assert_memory_equal(text, read_result(h, h->finished, "cases.jsonl"), strlen(text));
    assert_int_equal(unlink(path_join(h->room.arena, disk, "filler")), 0);
    room_ok(&h->room, run(h, &(struct attempt) {.out = out}));
    check_same(h, out);
    umount(disk);
}

// Templates of a finished run, given to another, make the same values.
static void test_templates_from_file(void **state)
{
    struct house *h = *state;
    const char *out = room_path(&h->room, "given");
    const char *path = path_join(h->room.arena, h->finished, "templates.json");
    room_ok(&h->room,
            run(h, &(struct attempt) {
                       .out = out, .set = arena_print(h->room.arena, "templates.path=%s", path)}));
    assert_string_equal(read_result(h, out, "cases.jsonl"),
                        read_result(h, h->finished, "cases.jsonl"));
    static const char *const bad[][2] = {
        {"{\"rome\": [\"{}\"]}", "/t.json:1: memit: is missing"},
        {"{\"memit\": [\"{}\", \"x\"], \"rome\": [\"{}\"]}",
         "/t.json:1: memit[1]: a template is a text with one {}"},
        {"{\"memit\": [\"a {}\"], \"rome\": [\"{}\"]}",
         "/t.json:1: memit: a set's first template is \"{}\""},
    };
    for (int i = 0; i < 3; i++) {
        const char *file = room_write(&h->room, "t.json", bad[i][0]);
        check_refused(
            h,
            &(struct attempt) {.out = room_path(&h->room, "bad"),
                               .set = arena_print(h->room.arena, "templates.path=%s", file)},
            arena_print(h->room.arena, "%s%s", h->room.folder, bad[i][1]));
        assert_false(file_exists(room_path(&h->room, "bad")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_summary_follows_from_journal),
        cmocka_unit_test(test_two_runs_leave_the_same_bytes),
        cmocka_unit_test(test_resolved_runs_alike),
        cmocka_unit_test(test_finished_is_left_alone),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_stopped_and_resumed),
        cmocka_unit_test(test_belongs_to_another),
        cmocka_unit_test(test_changed_content),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_templates_from_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
