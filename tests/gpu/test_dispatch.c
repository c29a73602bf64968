// Dispatches: barriers between what depends on each other, limits, submissions; by the kernel
// `add`.

#include "fixture.h"

#include "base/number/random.h"
#include "gpu/command/recording.h"
#include "push.h"

enum { COLS = 64, ROW = 4 * COLS, ROWS = 48, SIZE = ROW * ROWS }; // a row is GPU_ALIGN bytes

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_begin(f);
    fixture_gpu(f, (struct gpu_params) {0});
    *state = f;
    return 0;
}

static int end(void **state)
{
    fixture_end(*state);
    free(*state);
    return 0;
}

static struct gpu_slice row(struct gpu_slice s, uint32_t i)
{
    return gpu_sub(s, (uint64_t) ROW * i, ROW);
}

static struct gpu_dispatch add(const struct push_add *push, struct gpu_slice a, struct gpu_slice b,
                               struct gpu_slice y)
{
    return (struct gpu_dispatch) {
        .kernel = KERNEL_add, .bind = {a, b, y}, .push = push, .groups = {push->rows}};
}

static const struct push_add one_row = {
    .rows = 1, .cols = COLS, .a.stride = COLS, .b.stride = COLS, .y.stride = COLS};

static void download(struct fixture *f, void *data, struct gpu_slice from)
{
    assert_int_equal(gpu_download(f->gpu, data, from), EM_OK);
}

// Row i + 2 is the sum of rows i and i + 1: each dispatch reads what the one before it wrote.
static void test_chain(void **state)
{
    enum { LENGTH = 35 }; // Fibonacci numbers below 2^24 are exact
    struct fixture *f = *state;
    struct gpu_slice buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "chain");
    const float one = 1;
    uint32_t word;
    memcpy(&word, &one, sizeof(word));
    gpu_cmd_fill(cmd, gpu_sub(buf, 0, 2 * ROW), word);
    for (uint32_t i = 0; i + 2 < LENGTH; i++) {
        const struct gpu_dispatch d = add(&one_row, row(buf, i), row(buf, i + 1), row(buf, i + 2));
        gpu_cmd_dispatch(cmd, &d);
    }
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    for (int run = 0; run < 3; run++) {
        float back[LENGTH][COLS];
        assert_int_equal(gpu_cmd_run(cmd), EM_OK);
        download(f, back, gpu_sub(buf, 0, sizeof(back)));
        double before = 1, last = 1;
        for (int i = 2; i < LENGTH; i++) {
            const double next = before + last;
            before = last;
            last = next;
            assert_true(back[i][0] == next && back[i][COLS - 1] == next);
        }
    }
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
}

struct plan { // the same work, recorded and done on the host
    struct gpu_cmd *cmd;
    struct gpu_slice buf;
    float rows[ROWS][COLS];
};

static void add_random_work(struct plan *p, struct random *r, bool record)
{
    const uint32_t kind = random_below(r, 6), word = random_below(r, 4) << 20 | 0x3f000000;
    const uint32_t a = random_below(r, ROWS), b = random_below(r, ROWS), y = random_below(r, ROWS);
    if (kind == 0) {
        if (record)
            gpu_cmd_fill(p->cmd, row(p->buf, y), word);
        for (int i = 0; i < COLS && !record; i++)
            memcpy(&p->rows[y][i], &word, sizeof(word));
    } else if (kind == 1 && a != y) {
        if (record)
            gpu_cmd_copy(p->cmd, row(p->buf, y), row(p->buf, a));
        else
            memcpy(p->rows[y], p->rows[a], ROW);
    } else {
        const struct gpu_dispatch d = add(&one_row, row(p->buf, a), row(p->buf, b), row(p->buf, y));
        if (record)
            gpu_cmd_dispatch(p->cmd, &d);
        for (int i = 0; i < COLS && !record; i++)
            p->rows[y][i] = p->rows[a][i] + p->rows[b][i];
    }
}

// Hundreds of pieces that overlap at random give what doing them one after the other gives.
static void test_random_work(void **state)
{
    enum { WORK = 700, RUNS = 2 };
    struct fixture *f = *state;
    struct plan *p = arena_new(f->arena, struct plan);
    p->cmd = gpu_cmd_create(f->gpu, "random");
    p->buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    assert_int_equal(gpu_upload(f->gpu, p->buf, p->rows), EM_OK);
    gpu_cmd_timing(p->cmd, true);
    struct random r = random_stream(4, "work");
    for (int i = 0; i < WORK; i++)
        add_random_work(p, &r, true);
    assert_int_equal(gpu_cmd_end(p->cmd), EM_OK);
    for (int run = 0; run < RUNS; run++) {
        r = random_stream(4, "work");
        for (int i = 0; i < WORK; i++)
            add_random_work(p, &r, false);
        float back[ROWS][COLS];
        assert_int_equal(gpu_cmd_run(p->cmd), EM_OK);
        download(f, back, p->buf);
        assert_memory_equal(back, p->rows, SIZE);
    }
    gpu_cmd_destroy(&p->cmd);
    gpu_buf_destroy(&p->buf.buf);
}

// The same pipeline with other constants is another pipeline; defaults are the shader's own.
static void test_constants(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    float rows[3][COLS] = {{0}}, back[COLS];
    for (int i = 0; i < COLS; i++) {
        rows[0][i] = (float) i;
        rows[1][i] = 100;
    }
    assert_int_equal(gpu_upload(f->gpu, gpu_sub(buf, 0, sizeof(rows)), rows), EM_OK);
    const uint32_t specs[][2] = {{0, 0}, {16, 0}, {8, 1}, {16, 0}};
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "constants");
    for (uint32_t i = 0; i < 4; i++) {
        struct gpu_dispatch d = add(&one_row, row(buf, 0), row(buf, 1), row(buf, 2 + i));
        memcpy(d.spec, specs[i], sizeof(specs[i]));
        gpu_cmd_dispatch(cmd, &d);
    }
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    assert_int_equal(gpu_cmd_run(cmd), EM_OK);
    for (uint32_t i = 0; i < 4; i++) {
        download(f, back, row(buf, 2 + i));
        for (int k = 0; k < COLS; k++)
            assert_true(back[k] == (float) (100 + k));
    }
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
}

static void expect_refusal(struct fixture *f, struct gpu_dispatch d, const char *part,
                           const char *part2)
{
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "refused");
    gpu_cmd_dispatch(cmd, &d);
    assert_int_equal(gpu_cmd_end(cmd), EM_ERR_DEVICE);
    assert_int_equal(gpu_cmd_run(cmd), EM_ERR_DEVICE);
    fixture_expect(f, EM_ERR_DEVICE, "add", part, part2);
    gpu_cmd_destroy(&cmd);
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    gpu_destroy(&f->gpu);
    fixture_gpu(f, (struct gpu_params) {.max_range = 2 * ROW});
    assert_int_equal(gpu_info(f->gpu)->max_range, 2 * ROW);
    struct gpu_slice buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    struct gpu_dispatch d = add(&one_row, row(buf, 0), row(buf, 1), row(buf, 2));

    d.bind[1] = gpu_sub(buf, 0, 2 * ROW + 4);
    expect_refusal(f, d, "binding 1", "may span");
    d.bind[1] = gpu_sub(buf, 1, ROW);
    expect_refusal(f, d, "binding 1", "no multiple");
    d.bind[1] = gpu_sub(buf, SIZE - ROW, 2 * ROW);
    expect_refusal(f, d, "binding 1", "\"test\"");
    d.bind[1] = (struct gpu_slice) {0};
    expect_refusal(f, d, "binding 1", "not given");
    d.bind[1] = row(buf, 1);
    d.push = NULL;
    expect_refusal(f, d, "push", NULL);
    d.push = &one_row;
    if (gpu_info(f->gpu)->max_groups < UINT32_MAX) {
        d.groups[0] = gpu_info(f->gpu)->max_groups + 1;
        expect_refusal(f, d, "groups", "dimension 0");
    }
    gpu_buf_destroy(&buf.buf);
}

static int count_submissions(const struct gpu_cmd *cmd)
{
    int num = 0;
    for (size_t i = 0; i < cmd->steps.num; i++)
        num += cmd->steps.items[i].commands != NULL;
    return num;
}

static void nothing(void *const *at, const void *args)
{
    (void) at;
    (void) args;
}

static void test_submissions(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    const struct gpu_host_call call = {.name = "nothing", .run = nothing};
    const double costs[] = {0, 1e9, 1e12};
    const int most[] = {1, 10, 10}, least[] = {1, 1, 10};
    for (int c = 0; c < 3; c++) {
        struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "submissions");
        for (uint32_t i = 0; i < 10; i++) {
            struct gpu_dispatch d = add(&one_row, row(buf, i), row(buf, i), row(buf, i + 1));
            d.flop = costs[c];
            gpu_cmd_dispatch(cmd, &d);
        }
        assert_int_equal(gpu_cmd_end(cmd), EM_OK);
        assert_true(is_within(count_submissions(cmd), least[c], most[c]));
        assert_int_equal(gpu_cmd_run(cmd), EM_OK);
        gpu_cmd_destroy(&cmd);
    }
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "submissions");
    gpu_cmd_host(cmd, &call);
    gpu_cmd_host(cmd, &call); // no empty submission before, between or after
    gpu_cmd_fill(cmd, buf, 0);
    gpu_cmd_fill(cmd, buf, 1);
    gpu_cmd_host(cmd, &call);
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    assert_int_equal(count_submissions(cmd), 1);
    assert_int_equal(cmd->steps.num, 4);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
}

static void interrupt(void *const *at, const void *args)
{
    (void) at;
    log_stop(*(struct log *const *) args);
}

// What comes after the interruption is not done any more.
static void test_interruption(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice buf = fixture_buffer(f, ROW, GPU_LOCAL);
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "stopped");
    gpu_cmd_fill(cmd, buf, 0x3f800000);
    gpu_cmd_host(
        cmd, &(struct gpu_host_call) {
                 .name = "stop", .run = interrupt, .args = &f->log, .args_size = sizeof(f->log)});
    const struct gpu_dispatch d = add(&one_row, buf, buf, buf);
    gpu_cmd_dispatch(cmd, &d);
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    assert_int_equal(gpu_cmd_run(cmd), EM_STOPPED);
    float back[COLS];
    download(f, back, buf);
    assert_true(back[0] == 1);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
}

static void test_times(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "times");
    gpu_cmd_timing(cmd, true);
    struct gpu_dispatch d = add(&one_row, row(buf, 0), row(buf, 1), row(buf, 2));
    d.flop = COLS;
    for (int i = 0; i < 5; i++)
        gpu_cmd_dispatch(cmd, &d);
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    assert_int_equal(gpu_cmd_run(cmd), EM_OK);
    struct gpu_time *list;
    int num;
    assert_int_equal(gpu_cmd_times(cmd, f->arena, &list, &num), EM_OK);
    assert_int_equal(num, 1);
    assert_string_equal(list[0].name, "add");
    assert_int_equal(list[0].count, 5);
    assert_true(list[0].flop == 5 * COLS && gpu_cmd_flop(cmd) == 5 * COLS);
    assert_true(list[0].seconds >= 0 && list[0].seconds < 60);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chain, begin, end),
        cmocka_unit_test_setup_teardown(test_random_work, begin, end),
        cmocka_unit_test_setup_teardown(test_constants, begin, end),
        cmocka_unit_test_setup_teardown(test_limits, begin, end),
        cmocka_unit_test_setup_teardown(test_submissions, begin, end),
        cmocka_unit_test_setup_teardown(test_interruption, begin, end),
        cmocka_unit_test_setup_teardown(test_times, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
