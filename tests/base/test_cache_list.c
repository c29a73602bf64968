// What lies in a cache: keys, files of older versions and links are told apart; what a process
// computes stays, and what a link points to stays.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file/cache.h"
#include "base/file/cache_list.h"

struct room {
    struct arena *a;
    struct log *log;
    char folder[64];
};

static int set_up(void **state)
{
    struct room *r = *state = calloc(1, sizeof(*r));
    assert_non_null(r);
    strcpy(r->folder, "/tmp/emend-cache-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    r->a = arena_create();
    r->log = log_create(NULL, LOG_QUIET);
    return 0;
}

static int tear_down(void **state)
{
    struct room *r = *state;
    folder_remove(r->folder);
    log_destroy(&r->log);
    arena_destroy(&r->a);
    free(r);
    return 0;
}

static void put(const struct room *r, const char *kind, const char *key, const char *text)
{
    struct cache *c = cache_create(r->log, r->folder);
    struct cache_entry e;
    assert_int_equal(cache_open(c, kind, key, &e), EM_OK);
    cache_put(&e, &(struct file_part) {text, strlen(text)}, 1);
    assert_non_null(e.data);
    cache_close(&e);
    cache_destroy(&c);
}

static struct cache_item *list(const struct room *r, int expected)
{
    struct cache_item *items;
    int num;
    assert_int_equal(cache_list(r->log, r->a, r->folder, &items, &num), EM_OK);
    assert_int_equal(num, expected);
    return items;
}

static void check(const struct cache_item *item, const char *kind, bool is_key, uint64_t size)
{
    assert_string_equal(item->kind, kind);
    assert_int_equal(item->is_key, is_key);
    assert_int_equal(item->size, size);
}

static void test_list(void **state)
{
    const struct room *r = *state;
    const char *outside = arena_print(r->a, "%s/outside", r->folder);
    list(r, 0);
    put(r, "values", "01", "seven..");
    put(r, "covariance", "02", "nine.....");
    put(r, "covariance", "03", "x");
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    char hex[HASH_SIZE];
    hash_of("x", 1, hex);
    const char *old = arena_print(r->a, "%s/covariance/03/%s", r->folder, hex);
    assert_int_equal(utimensat(AT_FDCWD, old, long_ago, 0), 0);
    assert_int_equal(file_write(r->log, path_join(r->a, r->folder, "pipelines-10-2"), "ab", 2), 0);
    assert_int_equal(
        file_write(r->log, path_join(r->a, r->folder, "values/old.safetensors"), "abc", 3), 0);
    assert_int_equal(symlink("/etc", outside), 0);
    const struct cache_item *items = list(r, 5);
    check(&items[0], "covariance", true, 1);
    assert_int_equal(items[0].used, 2000);
    check(&items[1], "covariance", true, 9);
    assert_true(items[1].used > 1000000);
    check(&items[2], "pipelines", false, 2);
    assert_string_equal(items[3].kind, "values");
    assert_int_equal(items[3].size + items[4].size, 10);
    for (int i = 0; i < 5; i++)
        assert_int_equal(cache_item_remove(&items[i]), CACHE_REMOVED);
    list(r, 0);
    assert_true(file_exists(outside));
    put(r, "values", "01", "again");
    list(r, 1);
}

// A child computes a key until it is told to go on.
static pid_t compute(const struct room *r, int ready[2], int go[2])
{
    assert_int_equal(pipe(ready) + pipe(go), 0);
    const pid_t child = fork();
    if (child)
        return child;
    struct cache *c = cache_create(r->log, r->folder);
    struct cache_entry e;
    char byte = 0;
    bool fine = cache_open(c, "values", "0a", &e) == EM_OK && write(ready[1], &byte, 1) == 1 &&
                read(go[0], &byte, 1) == 1;
    cache_put(&e, &(struct file_part) {"done", 4}, 1);
    fine = fine && e.data;
    cache_close(&e);
    _exit(fine ? 0 : 1);
}

static void test_in_use(void **state)
{
    const struct room *r = *state;
    int ready[2], go[2], status;
    char byte = 0;
    const pid_t child = compute(r, ready, go);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    const struct cache_item *busy = list(r, 1);
    assert_int_equal(cache_item_remove(busy), CACHE_IN_USE);
    assert_int_equal(write(go[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    const struct cache_item *done = list(r, 1);
    check(done, "values", true, 4);
    assert_int_equal(cache_item_remove(done), CACHE_REMOVED);
    assert_int_equal(cache_item_remove(done), CACHE_REMOVED); // by two at once
    list(r, 0);
}

static void test_foreign(void **state)
{
    const struct room *r = *state;
    const char *key = arena_print(r->a, "%s/values/0b", r->folder);
    const char *target = arena_print(r->a, "%s.target", r->folder);
    put(r, "values", "0b", "text");
    assert_int_equal(file_write(r->log, target, "mine", 4), EM_OK);
    assert_int_equal(symlink(target, path_join(r->a, key, "link")), 0);
    cache_item_remove(list(r, 1));
    assert_true(file_exists(target));
    unlink(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
