// Leftovers of processes that are gone are taken away, and nothing else.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file/file.h"
#include "base/file/part.h"

static long dead_process(void)
{
    const pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return (long) child;
}

static void test_leftovers(void **state)
{
    (void) state;
    const long dead = dead_process(), alive = (long) getpid();
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    char folder[] = "/tmp/emend-part-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const struct {
        const char *name;
        bool is_left;
    } files[] = {
        {"page", false}, // first: it is written by way of a part of this process
        {arena_print(a, "page.part-%ld", dead), true},
        {arena_print(a, "page.part-%ld/weights", dead + 1000000000L), true}, // a folder, of no pid
        {arena_print(a, "page.part-%ld", alive), false},
        {arena_print(a, "pages.part-%ld", dead), false},
        {arena_print(a, "page.part-%ldx", dead), false},
        {"page.part-", false},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        const char *path = path_join(a, folder, files[i].name);
        assert_int_equal(folder_make(log, path_folder(a, path)), EM_OK);
        assert_int_equal(file_write(log, path, "x", 1), EM_OK);
    }
    part_sweep(path_join(a, folder, "page"));
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        assert_int_equal(file_exists(path_join(a, folder, files[i].name)), !files[i].is_left);
    part_sweep(path_join(a, folder, "nowhere/page")); // nothing to do
    folder_remove(folder);
    arena_destroy(&a);
    log_destroy(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_leftovers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
