// What runs share on disk: values of facts between batch sizes and algorithms of one family,
// templates and the unedited model's answers between all; the same bytes with them and without.

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "house.h"

static const char experiment[] =
    "{\"name\": \"small\", \"model\": \"" WORLD "\",\n"
    "\"data\": {\"path\": \"" WORLD "/facts.json\", \"count\": 4},\n"
    "\"covariance\": {\"corpus\": \"" WORLD "/corpus.txt\"},\n"
    "\"algorithm\": {\"name\": \"memit\", \"layers\": [1], \"lambda\": 50, "
    "\"v_num_grad_steps\": 5},\n"
    "\"run\": {\"mode\": \"batch\", \"batch_size\": 3},\n"
    "\"evaluate\": {\"texts\": 2, \"text_length\": 12}}\n";

static int set_up(void **state)
{
    return house_set_up(state, experiment);
}

// Keys of a kind in a cache.
static int count(struct house *h, const char *cache, const char *kind)
{
    int num = 0;
    DIR *folder = opendir(path_join(h->room.arena, cache, kind));
    for (const struct dirent *d; folder && (d = readdir(folder));)
        num += d->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return num;
}

static const char *run(struct house *h, const char *cache, const char *name, const char *set,
                       const char *also)
{
    const char *out = room_path(&h->room, name);
    room_ok(&h->room,
            house_run(h, &(struct attempt) {.out = out, .set = set, .also = also, .cache = cache}));
    return out;
}

static void test_same_bytes(void **state)
{
    struct house *h = *state;
    const char *cache = room_path(&h->room, "cache");
    house_check_same(h, run(h, cache, "filling", NULL, NULL));
    assert_int_equal(count(h, cache, "values"), 1);
    assert_int_equal(count(h, cache, "texts"), 2); // templates, and what is shown of the cases
    assert_int_equal(count(h, cache, "answers"), 1);
    assert_int_equal(count(h, cache, "covariance"), 1);
    house_check_same(h, run(h, cache, "filled", NULL, NULL));
    assert_int_equal(count(h, cache, "values"), 1);
    assert_int_equal(count(h, cache, "texts"), 2);
}

// Batch sizes, lambda and the algorithms of the family have one value of a fact.
static void test_shared(void **state)
{
    struct house *h = *state;
    const char *cache = room_path(&h->room, "shared");
    static const char *const others[][2] = {
        {"run.batch_size=3", NULL},
        {"run.batch_size=4", NULL},
        {"algorithm.lambda=9", NULL},
        {"algorithm={\"name\": \"emmet\", \"layers\": [1], \"v_num_grad_steps\": 5}", NULL},
        {"algorithm={\"name\": \"alphaedit\", \"layers\": [1], \"v_num_grad_steps\": 5}", NULL},
        {"run={\"mode\": \"sequential-batched\", \"batch_size\": 4}", NULL},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        const char *name = arena_print(h->room.arena, "shared-%zu", i);
        run(h, cache, name, others[i][0], others[i][1]);
        assert_int_equal(count(h, cache, "values"), 1);
        assert_int_equal(count(h, cache, "answers"), 1);
        assert_int_equal(count(h, cache, "texts"), 2);
        if (i == 0)
            house_check_same(h, room_path(&h->room, name));
    }
    // and what was found is what is computed
    const char *alone = run(h, NULL, "alone", others[3][0], NULL);
    assert_string_equal(house_read(h, alone, "cases.jsonl"),
                        house_read(h, room_path(&h->room, "shared-3"), "cases.jsonl"));
}

static void test_not_shared(void **state)
{
    struct house *h = *state;
    const char *cache = room_path(&h->room, "other-cache");
    run(h, cache, "other", NULL, NULL);
    const char *templates = room_write(&h->room, "t.json", "{\"memit\": [\"{}\", \"So. {}\"]}");
    const char *const others[] = {
        "algorithm.v_num_grad_steps=4",
        "algorithm.layers=[2]",
        "algorithm={\"name\": \"rome\", \"layers\": [1], \"v_num_grad_steps\": 5}",
        "seed=1",
        arena_print(h->room.arena, "templates.path=%s", templates),
        "data.count=3",
        // the second batch meets an edited model
        "run={\"mode\": \"sequential-batched\", \"batch_size\": 2}",
    };
    int values = 1;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        const bool rome = strstr(others[i], "rome");
        const bool sequential = strstr(others[i], "sequential");
        run(h, cache, arena_print(h->room.arena, "other-%zu", i), others[i],
            rome ? "run={\"mode\": \"single\"}" : NULL);
        values += sequential ? 2 : 1;
        assert_int_equal(count(h, cache, "values"), values);
    }
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = room_path(&h->room, "other-matmul"),
                                                      .matmul = OP_MATMUL_SHADER,
                                                      .cache = cache}));
    assert_int_equal(count(h, cache, "values"), values + 1);
    assert_int_equal(count(h, cache, "answers"), 3); // of three facts, and of the other arithmetic
}

static void kill_at_values(void *user, struct experiment *e, const char *what)
{
    (void) user, (void) e;
    if (strcmp(what, "value") == 0)
        kill(getpid(), SIGKILL);
}

// A chunk that was cut off is computed whole again.
static void test_killed_within_a_chunk(void **state)
{
    struct house *h = *state;
    const char *cache = room_path(&h->room, "killed-cache"), *out = room_path(&h->room, "killed");
    struct attempt a = {.out = out, .cache = cache, .watch = kill_at_values};
    const pid_t pid = fork();
    if (!pid)
        _exit(house_run(h, &a) == EM_OK ? 0 : 1);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    a.watch = NULL;
    room_ok(&h->room, house_run(h, &a));
    house_check_same(h, out);
    assert_int_equal(count(h, cache, "values"), 1);
}

// A cache with a byte changed in every file of it.
static void test_damaged(void **state)
{
    struct house *h = *state;
    const char *cache = room_path(&h->room, "damaged-cache");
    run(h, cache, "before-damage", NULL, NULL);
    assert_int_equal(
        system(arena_print(h->room.arena,
                           "for f in %s/*/*/*; do s=$(stat -c %%s $f); printf '\\377' | "
                           "dd of=$f bs=1 seek=$((s / 2)) conv=notrunc status=none; done",
                           cache)),
        0);
    house_check_same(h, run(h, cache, "damaged", NULL, NULL));
    house_check_same(h, run(h, cache, "repaired", NULL, NULL));
}

// --- values out and in

static void check_values(struct house *h, const char *folder, const char *other)
{
    char *here, *there;
    size_t sizes[2];
    struct room *r = &h->room;
    const char *name = "values.safetensors";
    room_ok(r, file_read(r->log, r->arena, path_join(r->arena, folder, name), &here, &sizes[0]));
    room_ok(r, file_read(r->log, r->arena, path_join(r->arena, other, name), &there, &sizes[1]));
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(here, there, sizes[0]);
    assert_false(file_exists(path_join(r->arena, folder, "values")));
}

// What a run exports and another imports makes the same edits, without a search for values.
static void test_out_and_in(void **state)
{
    struct house *h = *state;
    const char *out = run(h, NULL, "out", "export.values=true", NULL);
    const char *cases = house_read(h, h->finished, "cases.jsonl");
    assert_string_equal(house_read(h, out, "cases.jsonl"), cases);
    const char *import = arena_print(h->room.arena, "import.values=%s/values.safetensors", out);
    const char *cache = room_path(&h->room, "in-cache");
    const char *in = run(h, cache, "in", import, "export.values=true");
    assert_string_equal(house_read(h, in, "cases.jsonl"), cases);
    check_values(h, in, out);
    // even where the search would have been another
    const char *other = run(h, cache, "in-other", import, "algorithm.v_num_grad_steps=4");
    cJSON *summaries[] = {cJSON_Parse(house_read(h, other, "summary.json")),
                          cJSON_Parse(house_read(h, out, "summary.json"))};
    assert_true(cJSON_Compare(cJSON_GetObjectItem(summaries[0], "metrics"),
                              cJSON_GetObjectItem(summaries[1], "metrics"), true));
    assert_null(strstr(house_read(h, other, "cases.jsonl"), "\"loss\""));
    cJSON_Delete(summaries[0]);
    cJSON_Delete(summaries[1]);
}

// Each batch of a sequence has the values of the model that it met; the file is the same however
// often the run was cut off.
static void test_out_goes_on(void **state)
{
    struct house *h = *state;
    static const char sequence[] = "run={\"mode\": \"sequential-batched\", \"batch_size\": 2}";
    struct attempt a = {.set = sequence,
                        .also = "export.values=true",
                        .out = room_path(&h->room, "sequence-stopped"),
                        .befalls = 2,
                        .stops = true};
    const char *whole = run(h, NULL, "sequence", a.set, a.also);
    assert_int_equal(house_run(h, &a), EM_STOPPED);
    const char *part = path_join(h->room.arena, a.out, "values/000000.safetensors");
    assert_true(file_exists(part));
    assert_int_equal(truncate(part, 100), 0); // its batch is done again
    a.stops = false;
    room_ok(&h->room, house_run(h, &a));
    check_values(h, a.out, whole);
    const char *summary = path_join(h->room.arena, a.out, "summary.json");
    assert_int_equal(unlink(summary), 0); // cut off between the file and the summary
    room_ok(&h->room, house_run(h, &a));
    check_values(h, a.out, whole);
    assert_string_equal(house_read(h, a.out, "cases.jsonl"), house_read(h, whole, "cases.jsonl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes),  cmocka_unit_test(test_shared),
        cmocka_unit_test(test_not_shared),  cmocka_unit_test(test_killed_within_a_chunk),
        cmocka_unit_test(test_damaged),     cmocka_unit_test(test_out_and_in),
        cmocka_unit_test(test_out_goes_on),
    };
    return cmocka_run_group_tests(tests, set_up, house_tear_down);
}
