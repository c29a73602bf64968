// Hazards by byte interval: which pieces of work need a barrier between them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "gpu/command/hazard.h"

static const char A, B; // two memories

static struct hazard_use reads(const void *memory, uint64_t begin, uint64_t end)
{
    return (struct hazard_use) {memory, begin, end, false};
}

static struct hazard_use writes(const void *memory, uint64_t begin, uint64_t end)
{
    return (struct hazard_use) {memory, begin, end, true};
}

// Whether a barrier stands between `first` and `next`.
static bool waits(struct hazard_use first, struct hazard_use next)
{
    struct arena *a = arena_create();
    struct hazards h = {0};
    assert_false(hazards_next(&h, a, &first, 1));
    const bool barrier = hazards_next(&h, a, &next, 1);
    arena_destroy(&a);
    return barrier;
}

static void test_kinds(void **state)
{
    (void) state;
    assert_true(waits(writes(&A, 0, 64), reads(&A, 0, 64)));  // read after write
    assert_true(waits(reads(&A, 0, 64), writes(&A, 0, 64)));  // write after read
    assert_true(waits(writes(&A, 0, 64), writes(&A, 0, 64))); // write after write
    assert_false(waits(reads(&A, 0, 64), reads(&A, 0, 64)));
}

static void test_intervals(void **state)
{
    (void) state;
    assert_false(waits(writes(&A, 0, 64), reads(&B, 0, 64)));
    assert_false(waits(writes(&A, 0, 64), reads(&A, 64, 128))); // they touch
    assert_false(waits(writes(&A, 64, 128), reads(&A, 0, 64)));
    assert_true(waits(writes(&A, 0, 65), reads(&A, 64, 128)));
    assert_true(waits(writes(&A, 32, 40), reads(&A, 0, 64)));
    assert_true(waits(writes(&A, 0, 64), reads(&A, 32, 40)));
    assert_false(waits(writes(&A, 8, 8), reads(&A, 0, 64))); // no bytes
    const uint64_t far = UINT64_C(1) << 40;
    assert_true(waits(writes(&A, 0, far + 1), reads(&A, far, far + 4)));
    assert_false(waits(writes(&A, 0, far), reads(&A, far, far + 4)));
}

static void test_one_piece(void **state)
{
    (void) state;
    struct arena *a = arena_create();
    struct hazards h = {0};
    // in place: the same bytes under two bindings of one piece are no hazard
    const struct hazard_use in_place[] = {reads(&A, 0, 64), writes(&A, 0, 64)};
    assert_false(hazards_next(&h, a, in_place, 2));
    // but its second run is one
    assert_true(hazards_next(&h, a, in_place, 2));
    // any of several uses counts
    const struct hazard_use mixed[] = {reads(&B, 0, 64), reads(&A, 60, 64)};
    assert_true(hazards_next(&h, a, mixed, 2));
    arena_destroy(&a);
}

static void test_barrier_covers_all_before(void **state)
{
    (void) state;
    struct arena *a = arena_create();
    struct hazards h = {0};
    const struct hazard_use wa = writes(&A, 0, 64), wb = writes(&B, 0, 64);
    const struct hazard_use ra = reads(&A, 0, 64), rb = reads(&B, 0, 64);
    assert_false(hazards_next(&h, a, &wa, 1));
    assert_false(hazards_next(&h, a, &wb, 1));
    assert_true(hazards_next(&h, a, &ra, 1));
    assert_false(hazards_next(&h, a, &rb, 1)); // the barrier before `ra` covered it
    assert_true(hazards_next(&h, a, &wb, 1));  // but not the read since
    hazards_clear(&h);
    assert_false(hazards_next(&h, a, &ra, 1));
    arena_destroy(&a);
}

// A byte-by-byte account of what happened since the last barrier, as the reference.
enum { BYTES = 97 };

struct account {
    bool was_read[BYTES], was_written[BYTES];
};

static bool account_next(struct account *c, const struct hazard_use *uses, int num)
{
    bool barrier = false;
    for (int i = 0; i < num; i++)
        for (uint64_t at = uses[i].begin; at < uses[i].end; at++)
            barrier |= c->was_written[at] || (uses[i].write && c->was_read[at]);
    if (barrier)
        *c = (struct account) {0};
    for (int i = 0; i < num; i++) {
        bool *was = uses[i].write ? c->was_written : c->was_read;
        for (uint64_t at = uses[i].begin; at < uses[i].end; at++)
            was[at] = true;
    }
    return barrier;
}

static void test_against_bytes(void **state)
{
    (void) state;
    struct random r = random_stream(1, "hazards");
    struct arena *a = arena_create();
    struct hazards h = {0};
    struct account account = {0};
    int barriers = 0;
    for (int i = 0; i < 20000; i++) {
        struct hazard_use uses[4];
        const int num = 1 + (int) random_below(&r, 4);
        for (int k = 0; k < num; k++) {
            const uint64_t begin = random_below(&r, BYTES);
            const uint64_t most = BYTES - begin < 12 ? BYTES - begin : 12;
            const uint64_t end = begin + random_below(&r, (uint32_t) most + 1);
            uses[k] = (struct hazard_use) {&A, begin, end, random_below(&r, 3) == 0};
        }
        const bool barrier = hazards_next(&h, a, uses, num);
        assert_int_equal(barrier, account_next(&account, uses, num));
        barriers += barrier;
    }
    assert_true(barriers > 1000 && barriers < 19000);
    arena_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_one_piece),     cmocka_unit_test(test_barrier_covers_all_before),
        cmocka_unit_test(test_against_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
