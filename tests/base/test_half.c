// 16-bit floats: every one survives the way to float32 and back, and what lies between two goes to
// the nearer, at equal distance to the even one.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/number/half.h"

struct kind {
    float (*to_float)(uint16_t);
    uint16_t (*of_float)(float);
    uint16_t infinity;
};
static const struct kind kinds[] = {
    {float_of_f16, f16_of_float, 0x7c00},
    {float_of_bf16, bf16_of_float, 0x7f80},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void test_there_and_back(void **state)
{
    (void) state;
    for (int k = 0; k < KINDS; k++)
        for (uint32_t h = 0; h <= 0xffff; h++) {
            const float value = kinds[k].to_float((uint16_t) h);
            const uint16_t back = kinds[k].of_float(value);
            if (isnan(value))
                assert_true(isnan(kinds[k].to_float(back)));
            else
                assert_int_equal(back, h);
        }
}

static void check(const struct kind *k, float value, uint16_t expected)
{
    assert_int_equal(k->of_float(value), expected);
    assert_int_equal(k->of_float(-value), expected | 0x8000);
}

static void test_between(void **state)
{
    (void) state;
    for (int k = 0; k < KINDS; k++)
        for (uint16_t h = 0; h + 1 < kinds[k].infinity; h++) {
            const float low = kinds[k].to_float(h), high = kinds[k].to_float((uint16_t) (h + 1));
            const float middle = low + (high - low) / 2; // exact, but for bfloat16's smallest
            check(&kinds[k], middle, h & 1 ? h + 1 : h);
            check(&kinds[k], nextafterf(middle, low), h);
            check(&kinds[k], nextafterf(middle, high), h + 1);
        }
}

static void test_too_large(void **state)
{
    (void) state;
    check(&kinds[0], nextafterf(65520, 0), 0x7bff);
    check(&kinds[0], 65520, 0x7c00);
    check(&kinds[0], 3e38f, 0x7c00);
    check(&kinds[1], 3.4028234e38f, 0x7f80);
    for (int k = 0; k < KINDS; k++)
        check(&kinds[k], INFINITY, kinds[k].infinity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
