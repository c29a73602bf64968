// Run folders: whose they are, how far they got, who else works in them, whether there is room.

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "experiment/result/folder.h"
#include "room.h"

enum { ROOM_NEEDED = 1000 };

struct sample {
    cJSON *experiment, *identity;
};

static struct sample make_sample(void)
{
    return (struct sample) {
        cJSON_Parse("{\"name\":\"x\",\"about\":\"a\",\"model\":\"/m\",\"seed\":0,\"data\":{"
                    "\"path\":\"/d\",\"count\":3},\"device\":null}"),
        cJSON_Parse("{\"chunk\":64,\"model\":\"abc\",\"data\":\"def\",\"profile\":\"lavapipe\"}"),
    };
}

static void drop_sample(struct sample *s)
{
    cJSON_Delete(s->experiment);
    cJSON_Delete(s->identity);
}

static struct folder folder_in(struct room *r, const char *name)
{
    return (struct folder) {.log = r->log, .arena = r->arena, .path = room_path(r, name)};
}

static enum folder_state look(struct room *r, const struct folder *f, const struct sample *s)
{
    enum folder_state state;
    room_ok(r, folder_look(f, s->experiment, s->identity, ROOM_NEEDED, &state));
    return state;
}

static void check_look(struct room *r, const struct folder *f, const struct sample *s,
                       const char *message)
{
    enum folder_state state;
    assert_int_equal(folder_look(f, s->experiment, s->identity, ROOM_NEEDED, &state),
                     EM_ERR_CONFIG);
    room_check_error(r, message);
    log_clear(r->log);
}

static void begin(struct room *r, struct folder *f, const struct sample *s)
{
    room_ok(r, folder_begin(f, s->experiment, s->identity));
}

static void test_life(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct sample s = make_sample();
    struct folder f = folder_in(&r, "runs/x");
    assert_int_equal(look(&r, &f, &s), FOLDER_NEW);
    assert_false(file_exists(f.path));
    begin(&r, &f, &s);
    log_detail(r.log, "into the log");
    folder_end(&f);
    folder_end(&f);
    assert_non_null(strstr(room_read(&r, folder_file(&f, "log.txt")), "into the log"));
    assert_int_equal(look(&r, &f, &s), FOLDER_UNFINISHED);
    begin(&r, &f, &s);
    folder_end(&f);
    room_ok(&r, folder_write_json(&f, "summary.json", s.identity));
    assert_int_equal(look(&r, &f, &s), FOLDER_FINISHED);
    drop_sample(&s);
    room_close(&r);
}

static const struct difference {
    const char *section, *key, *value, *message; // section NULL: of the identity
} differences[] = {
    {"", "seed", "7", "its seed is 0, here it is 7"},
    {"data", "count", "4", "its data.count is 3, here it is 4"},
    {"", "extra", "true", "its extra is null, here it is true"},
    {NULL, "model", "\"abd\"", "its SHA-256 of the model is \"abc\", here it is \"abd\""},
    {"", "about", "\"other words\"", NULL},
    {"", "device", "\"cpu\"", NULL},
    {"", "model", "\"/elsewhere\"", NULL}, // its content is in the identity
    {"data", "path", "\"/elsewhere\"", NULL},
};

static void test_other_experiments(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct sample s = make_sample();
    struct folder f = folder_in(&r, "x");
    begin(&r, &f, &s);
    folder_end(&f);
    for (size_t i = 0; i < sizeof(differences) / sizeof(*differences); i++) {
        const struct difference *d = &differences[i];
        struct sample other = make_sample();
        cJSON *at = !d->section   ? other.identity
                    : *d->section ? cJSON_GetObjectItem(other.experiment, d->section)
                                  : other.experiment;
        cJSON_DeleteItemFromObject(at, d->key);
        cJSON_AddItemToObject(at, d->key, cJSON_Parse(d->value));
        if (d->message)
            check_look(&r, &f, &other,
                       arena_print(r.arena,
                                   "@/x: belongs to another experiment: %s; choose another folder "
                                   "with --out, or move this one aside with --fresh",
                                   d->message));
        else
            assert_int_equal(look(&r, &f, &other), FOLDER_UNFINISHED);
        drop_sample(&other);
    }
    drop_sample(&s);
    room_close(&r);
}

static void test_other_arithmetic(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct sample s = make_sample(), other = make_sample();
    struct folder f = folder_in(&r, "x");
    begin(&r, &f, &s);
    folder_end(&f);
    cJSON_ReplaceItemInObject(other.identity, "profile", cJSON_CreateString("a GPU"));
    assert_int_equal(folder_begin(&f, other.experiment, other.identity), EM_ERR_CONFIG);
    room_check_error(&r, "@/x: was begun with other arithmetic (lavapipe) than now (a GPU), so its "
                         "results would be of two kinds; go on where it was begun, or begin anew "
                         "with --fresh");
    folder_end(&f);
    drop_sample(&s);
    drop_sample(&other);
    room_close(&r);
}

static void test_not_a_run_folder(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct sample s = make_sample();
    room_ok(&r, folder_make(r.log, room_path(&r, "x")));
    struct folder f = folder_in(&r, "x");
    assert_int_equal(look(&r, &f, &s), FOLDER_NEW); // empty
    const char *path = room_write(&r, "x/thesis.tex", "years of work");
    check_look(&r, &f, &s,
               "@/x: is not a run folder, and not empty; choose another with --out, or "
               "move it aside with --fresh");
    f = folder_in(&r, "x/thesis.tex");
    check_look(&r, &f, &s,
               "@/x/thesis.tex: is not a run folder, and not empty; choose another "
               "with --out, or move it aside with --fresh");
    f = folder_in(&r, "x/thesis.tex/run");
    check_look(&r, &f, &s,
               "@/x/thesis.tex/run: the run folder cannot be made: @/x/thesis.tex is "
               "not a folder; choose another with --out");
    assert_string_equal(room_read(&r, path), "years of work");
    drop_sample(&s);
    room_close(&r);
}

static void test_fresh(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct sample s = make_sample();
    struct folder f = folder_in(&r, "x");
    for (int i = 0; i < 3; i++) {
        room_ok(&r, folder_make(r.log, f.path));
        room_write(&r, "x/mark", arena_print(r.arena, "%d", i));
        f.fresh = true;
        assert_int_equal(look(&r, &f, &s), FOLDER_NEW);
        begin(&r, &f, &s);
        folder_end(&f);
    }
    assert_string_equal(room_read(&r, room_path(&r, "x.1/mark")), "0");
    assert_string_equal(room_read(&r, room_path(&r, "x.3/mark")), "2");
    assert_false(file_exists(room_path(&r, "x/mark")));
    drop_sample(&s);
    room_close(&r);
}

// A child holds the folder until it is told to end.
static void test_two_processes(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct sample s = make_sample();
    struct folder f = folder_in(&r, "x");
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const bool fine = folder_begin(&f, s.experiment, s.identity) == EM_OK;
        if (write(ready[1], fine ? "y" : "n", 1) == 1)
            pause();
        _exit(0);
    }
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    const char *expected =
        arena_print(r.arena,
                    "@/x: another process (%ld) works in this run folder; wait for it, or choose "
                    "another with --out",
                    (long) child);
    check_look(&r, &f, &s, expected);
    f.fresh = true; // does not take it away either
    check_look(&r, &f, &s, expected);
    f.fresh = false;
    assert_int_equal(folder_begin(&f, s.experiment, s.identity), EM_ERR_CONFIG);
    room_check_error(&r, expected);
    folder_end(&f);
    log_clear(r.log);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    begin(&r, &f, &s); // a lock ends with its process
    folder_end(&f);
    close(ready[0]);
    close(ready[1]);
    drop_sample(&s);
    room_close(&r);
}

static void test_full_disk(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct sample s = make_sample();
    struct folder f = folder_in(&r, "x");
    enum folder_state unused;
    assert_int_equal(folder_look(&f, s.experiment, s.identity, UINT64_MAX / 2, &unused),
                     EM_ERR_CONFIG);
    assert_non_null(strstr(log_error(r.log), "/x: the disk has "));
    assert_non_null(strstr(log_error(r.log), " MB left, this run may write 9223372036854.8 MB; "
                                             "make room, or choose another place with --out"));
    drop_sample(&s);
    room_close(&r);
}

// A folder's mode keeps root out only of what it gave up the right to. (Becoming another user would
// not do: that one may not reach the folder at all.)
static bool obey_permissions(void)
{
    if (getuid() != 0)
        return true;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    return syscall(SYS_capset, &header, data) == 0;
}

static void test_read_only_folder(void **state)
{
    (void) state;
    struct room r;
    room_open(&r);
    struct sample s = make_sample();
    struct folder f = folder_in(&r, "closed/x");
    room_ok(&r, folder_make(r.log, room_path(&r, "closed")));
    assert_int_equal(chmod(room_path(&r, "closed"), 0555), 0);
    const pid_t child = fork();
    if (child == 0) {
        enum folder_state unused;
        if (!obey_permissions())
            _exit(2);
        const char *expected = arena_print(
            r.arena,
            "%s: the run folder cannot be written: %s: Permission denied; choose another with "
            "--out",
            f.path, room_path(&r, "closed"));
        const enum em_status status =
            folder_look(&f, s.experiment, s.identity, ROOM_NEEDED, &unused);
        _exit(status != EM_ERR_CONFIG || strcmp(log_error(r.log), expected) != 0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(chmod(room_path(&r, "closed"), 0755), 0);
    drop_sample(&s);
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_other_experiments),
        cmocka_unit_test(test_other_arithmetic),
        cmocka_unit_test(test_not_a_run_folder),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_two_processes),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_read_only_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
