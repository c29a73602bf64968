// Shares of a task: each done once by its own number, whatever others do, and again and again.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/workers.h"

enum { MOST = 5, TIMES = 200 };

struct task {
    int done[MOST]; // how often a share was
};

static void count_share(void *one, int worker)
{
    struct task *t = one;
    t->done[worker]++;
}

static void test_shares(void **state)
{
    (void) state;
    for (int num = 1; num <= MOST; num++) {
        struct workers *w = workers_create(num);
        assert_non_null(w);
        assert_int_equal(workers_num(w), num);
        struct task t = {{0}};
        for (int i = 0; i < TIMES; i++)
            workers_run(w, 1 + i % num, count_share, &t);
        for (int i = 0; i < num; i++) {
            int expected = 0;
            for (int k = 0; k < TIMES; k++)
                expected += i <= k % num;
            assert_int_equal(t.done[i], expected);
        }
        workers_destroy(&w);
        assert_null(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
