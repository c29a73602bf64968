// Every kernel compiles for this device; where its compiler tells what became of them, none spills.
// Runs on devices that execute nothing, too: EMEND_TEST_DEVICE chooses.

#include "fixture.h"

#include "push.h"

// To memory, that is: NVK also counts the harmless moves of predicates to registers.
static bool is_spill(const char *name)
{
    return (strcasestr(name, "spill") || strcasestr(name, "scratch")) && !strstr(name, "to reg");
}

static void test_kernels(void **state)
{
    (void) state;
    struct fixture f;
    fixture_begin(&f);
    fixture_gpu(&f, (struct gpu_params) {0});
    struct gpu_statistic *list;
    int num, spills = 0;
    assert_int_equal(gpu_kernel_statistics(f.gpu, f.arena, &list, &num), EM_OK);
    bool told[KERNEL_COUNT] = {false};
    for (int i = 0; i < num; i++) {
        const struct gpu_statistic *s = &list[i];
        told[s->kernel] = true;
        if (getenv("EMEND_TEST_VERBOSE"))
            printf("%s, %s: %s = %g\n", gpu_kernel_info(s->kernel)->name, s->executable, s->name,
                   s->value);
        if (!is_spill(s->name) || s->value == 0)
            continue;
        printf("%s: %s %g\n", gpu_kernel_info(s->kernel)->name, s->name, s->value);
        spills++;
    }
    for (int k = 0; k < KERNEL_COUNT && num; k++)
        assert_true(told[k]);
    assert_int_equal(spills, 0);
    fixture_end(&f);
}

// Constants that a kernel was used with are compiled for, too.
static void test_used_constants(void **state)
{
    (void) state;
    struct fixture f;
    fixture_begin(&f);
    fixture_gpu(&f, (struct gpu_params) {0});
    struct gpu_slice buf = fixture_buffer(&f, 4096, GPU_LOCAL);
    struct gpu_cmd *cmd = gpu_cmd_create(f.gpu, "use");
    const struct push_add push = {.rows = 1, .cols = 64};
    gpu_cmd_dispatch(
        cmd, &(struct gpu_dispatch) {
                 .kernel = KERNEL_add, .bind = {buf, buf, buf}, .push = &push, .spec = {16}});
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    struct gpu_statistic *list;
    int num, with_defaults = 0, with_16 = 0;
    assert_int_equal(gpu_kernel_statistics(f.gpu, f.arena, &list, &num), EM_OK);
    for (int i = 0; i < num; i++) {
        with_defaults += list[i].kernel == KERNEL_add && list[i].spec[0] == 0;
        with_16 += list[i].kernel == KERNEL_add && list[i].spec[0] == 16;
    }
    assert_int_equal(with_16, with_defaults);
    assert_int_equal(with_16 > 0, num > 0);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
    fixture_end(&f);
}

static void test_table(void **state)
{
    (void) state;
    assert_int_equal(strlen(gpu_kernel_hash()), 64);
    for (int k = 0; k < KERNEL_COUNT; k++) {
        const struct gpu_kernel_info *info = gpu_kernel_info((enum gpu_kernel) k);
        assert_int_equal(strlen(info->bindings), info->num_bindings);
        assert_int_equal(strspn(info->bindings, "rwm"), info->num_bindings);
        assert_true(is_within(info->push_size, 4, GPU_MAX_PUSH));
        assert_int_equal(info->spirv[0], 0x07230203); // SPIR-V's first word
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_used_constants),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
