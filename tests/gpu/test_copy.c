// Copies, fills and host calls: in order, again and again, on mapped and unmapped memory.

#include "fixture.h"

#include "base/number/random.h"

enum { WORDS = 256, SIZE = 4 * WORDS };

static int begin_with(void **state, bool unmapped)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_begin(f);
    fixture_gpu(f, (struct gpu_params) {.unmapped = unmapped});
    *state = f;
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, false);
}

static int begin_unmapped(void **state)
{
    return begin_with(state, true);
}

static int end(void **state)
{
    fixture_end(*state);
    free(*state);
    return 0;
}

static struct gpu_slice words(struct gpu_slice s, uint64_t first, uint64_t num)
{
    return gpu_sub(s, 4 * first, 4 * num);
}

// Larger than the staging buffer, at odd places.
static void test_upload_and_download(void **state)
{
    struct fixture *f = *state;
    const uint64_t size = (33 << 20) + 12;
    struct gpu_slice buf = fixture_buffer(f, size, GPU_LOCAL);
    uint8_t *data = malloc(size), *back = malloc(size);
    struct random r = random_stream(2, "upload");
    for (uint64_t i = 0; i + 8 <= size; i += 8) {
        const uint64_t bits = random_bits(&r);
        memcpy(data + i, &bits, 8);
    }
    memset(data + size / 8 * 8, 7, size % 8);
    assert_int_equal(gpu_upload(f->gpu, buf, data), EM_OK);
    memset(data + 3, 99, 10);
    assert_int_equal(gpu_upload(f->gpu, gpu_sub(buf, 3, 10), data + 3), EM_OK);
    assert_int_equal(gpu_download(f->gpu, back, buf), EM_OK);
    assert_memory_equal(back, data, size);
    assert_int_equal(gpu_download(f->gpu, back, gpu_sub(buf, 17 << 20, 5)), EM_OK);
    assert_memory_equal(back, data + (17 << 20), 5);
    free(data);
    free(back);
    assert_int_equal(gpu_upload(f->gpu, gpu_sub(buf, size - 4, 8), &size), EM_ERR_DEVICE);
    fixture_expect(f, EM_ERR_DEVICE, "upload", "outside", "\"test\"");
    gpu_buf_destroy(&buf.buf);
}

// Memory that the device imports: what it writes is what the host sees, to the last word.
static void test_large_buffer_of_a_cpu(void **state)
{
    struct fixture *f = *state;
    if (gpu_info(f->gpu)->type != GPU_CPU)
        skip();
    const uint64_t huge_page = 2 << 20, size = 2 * huge_page + SIZE;
    struct gpu_slice buf = fixture_buffer(f, size, GPU_LOCAL);
    const uint32_t *at = gpu_buf_at(buf);
    assert_int_equal((uintptr_t) at % huge_page, 0);
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "fill");
    assert_non_null(cmd);
    gpu_cmd_fill(cmd, buf, 5);
    gpu_cmd_fill(cmd, words(buf, size / 4 - 1, 1), 6);
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    assert_int_equal(gpu_cmd_run(cmd), EM_OK);
    for (uint64_t i = 0; i < size / 4; i++)
        assert_int_equal(at[i], i < size / 4 - 1 ? 5 : 6);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
}

static void add_argument(void *const *at, const void *args)
{
    uint32_t *to = at[0];
    const uint32_t *from = at[1], *more = args;
    for (int i = 0; i < WORDS; i++)
        to[i] += from[i] + *more;
}

static void test_order_and_rerun(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice device = fixture_buffer(f, SIZE, GPU_LOCAL);
    struct gpu_slice host = fixture_buffer(f, 2 * SIZE, GPU_READBACK);
    const struct gpu_slice sum = gpu_sub(host, 0, SIZE), one = gpu_sub(host, SIZE, SIZE);
    memset(gpu_buf_at(host), 0, 2 * SIZE);
    uint32_t more = 1000;
    const struct gpu_host_call call = {
        .name = "add",
        .run = add_argument,
        .bind = {sum, one},
        .access = "mr",
        .args = &more,
        .args_size = sizeof(more),
        .flop = 2 * WORDS,
    };
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "order");
    gpu_cmd_label(cmd, "there and back");
    gpu_cmd_fill(cmd, device, 5);
    gpu_cmd_copy(cmd, one, device);
    gpu_cmd_host(cmd, &call); // sum += 5 + 1000
    gpu_cmd_host(cmd, &call); // again
    gpu_cmd_label(cmd, "tail");
    gpu_cmd_copy(cmd, device, sum);
    gpu_cmd_fill(cmd, words(device, 0, 1), 1);
    more = 0; // it was copied
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    for (uint32_t run = 1; run <= 3; run++) {
        uint32_t back[WORDS];
        assert_int_equal(gpu_cmd_run(cmd), EM_OK);
        assert_int_equal(gpu_download(f->gpu, back, device), EM_OK);
        assert_int_equal(back[0], 1);
        for (int i = 1; i < WORDS; i++)
            assert_int_equal(back[i], run * 2 * 1005);
    }
    assert_true(gpu_cmd_flop(cmd) == 4.0 * WORDS);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&device.buf);
    gpu_buf_destroy(&host.buf);
}

static void reverse(void *const *at, const void *args)
{
    (void) args;
    uint32_t *w = at[0];
    for (int i = 0; i < 8; i++) {
        const uint32_t x = w[i];
        w[i] = 3 * w[15 - i] + 1;
        w[15 - i] = x;
    }
}

struct plan { // the same work, recorded and done on the host
    struct gpu_cmd *cmd;
    struct gpu_slice device, host;
    uint32_t on_device[WORDS], on_host[WORDS];
};

static void add_random_work(struct plan *p, struct random *r, bool record)
{
    const uint32_t kind = random_below(r, 8), num = 1 + random_below(r, 16);
    const uint32_t a = random_below(r, WORDS - 16), b = random_below(r, WORDS - 16);
    if (kind == 0 && record)
        gpu_cmd_host(p->cmd, &(struct gpu_host_call) {.name = "reverse",
                                                      .run = reverse,
                                                      .bind = {words(p->host, a, 16)},
                                                      .access = "m"});
    else if (kind == 0)
        reverse((void *[]) {p->on_host + a}, NULL);
    const bool to_host = kind & 1;
    const struct gpu_slice to = words(to_host ? p->host : p->device, a, num);
    uint32_t *to_words = (to_host ? p->on_host : p->on_device) + a;
    if (kind == 2 && record)
        gpu_cmd_fill(p->cmd, to, b);
    for (uint32_t i = 0; kind == 2 && !record && i < num; i++)
        to_words[i] = b;
    if (kind > 2 && record)
        gpu_cmd_copy(p->cmd, to, words(to_host ? p->device : p->host, b, num));
    else if (kind > 2)
        memcpy(to_words, (to_host ? p->on_device : p->on_host) + b, 4 * num);
}

// Hundreds of overlapping pieces give what doing them one after the other gives.
static void test_random_work(void **state)
{
    enum { WORK = 700, RUNS = 3 };
    struct fixture *f = *state;
    struct plan p = {
        .cmd = gpu_cmd_create(f->gpu, "random"),
        .device = fixture_buffer(f, SIZE, GPU_LOCAL),
        .host = fixture_buffer(f, SIZE, GPU_READBACK),
    };
    for (uint32_t i = 0; i < WORDS; i++) {
        p.on_device[i] = i;
        p.on_host[i] = 1000 + i;
    }
    assert_int_equal(gpu_upload(f->gpu, p.device, p.on_device), EM_OK);
    assert_int_equal(gpu_upload(f->gpu, p.host, p.on_host), EM_OK);
    gpu_cmd_timing(p.cmd, true);
    struct random r = random_stream(3, "work");
    for (int i = 0; i < WORK; i++)
        add_random_work(&p, &r, true);
    assert_int_equal(gpu_cmd_end(p.cmd), EM_OK);
    for (int run = 0; run < RUNS; run++) {
        r = random_stream(3, "work");
        for (int i = 0; i < WORK; i++)
            add_random_work(&p, &r, false);
        uint32_t back[WORDS];
        assert_int_equal(gpu_cmd_run(p.cmd), EM_OK);
        assert_int_equal(gpu_download(f->gpu, back, p.device), EM_OK);
        assert_memory_equal(back, p.on_device, SIZE);
        assert_int_equal(gpu_download(f->gpu, back, p.host), EM_OK);
        assert_memory_equal(back, p.on_host, SIZE);
    }
    gpu_cmd_destroy(&p.cmd);
    gpu_buf_destroy(&p.device.buf);
    gpu_buf_destroy(&p.host.buf);
}

static void test_times(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice host = fixture_buffer(f, SIZE, GPU_READBACK);
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "times");
    gpu_cmd_timing(cmd, true);
    for (int i = 0; i < 600; i++) // more than a query pool holds
        gpu_cmd_fill(cmd, words(host, 0, 8), 3);
    gpu_cmd_copy(cmd, words(host, 8, 8), words(host, 0, 8));
    gpu_cmd_host(cmd,
                 &(struct gpu_host_call) {
                     .name = "reverse", .run = reverse, .bind = {host}, .access = "m", .flop = 7});
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    assert_int_equal(gpu_cmd_run(cmd), EM_OK);
    struct gpu_time *list;
    int num;
    assert_int_equal(gpu_cmd_times(cmd, f->arena, &list, &num), EM_OK);
    assert_int_equal(num, 3);
    const char *names[] = {"fill", "copy", "reverse"};
    const int counts[] = {600, 1, 1};
    for (int i = 0; i < 3; i++) {
        assert_string_equal(list[i].name, names[i]);
        assert_int_equal(list[i].count, counts[i]);
        assert_true(list[i].seconds >= 0 && list[i].seconds < 60);
    }
    assert_true(list[2].seconds > 0 && list[2].flop == 7);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&host.buf);
}

static void expect_end(struct fixture *f, struct gpu_cmd *cmd, const char *part, const char *part2)
{
    assert_int_equal(gpu_cmd_end(cmd), EM_ERR_DEVICE);
    assert_int_equal(gpu_cmd_run(cmd), EM_ERR_DEVICE);
    fixture_expect(f, EM_ERR_DEVICE, part, part2, NULL);
    gpu_cmd_destroy(&cmd);
}

static void test_bad_recordings(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "bad");
    gpu_cmd_copy(cmd, words(buf, 0, 8), words(buf, 8, 9));
    gpu_cmd_fill(cmd, buf, 0); // comes too late to matter
    expect_end(f, cmd, "copy", "36 bytes into 32");

    cmd = gpu_cmd_create(f->gpu, "bad");
    gpu_cmd_copy(cmd, words(buf, 0, 8), words(buf, 7, 8));
    expect_end(f, cmd, "copy", "overlap");

    cmd = gpu_cmd_create(f->gpu, "bad");
    gpu_cmd_fill(cmd, gpu_sub(buf, SIZE - 4, 8), 0);
    expect_end(f, cmd, "fill", "1024");

    cmd = gpu_cmd_create(f->gpu, "bad");
    gpu_cmd_fill(cmd, gpu_sub(buf, 2, 8), 0);
    expect_end(f, cmd, "fill", "whole words");

    cmd = gpu_cmd_create(f->gpu, "bad");
    gpu_cmd_host(cmd, &(struct gpu_host_call) {.name = "reverse", .run = reverse, .access = "m"});
    expect_end(f, cmd, "reverse", "binding 0");

    cmd = gpu_cmd_create(f->gpu, "bad");
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    gpu_cmd_fill(cmd, buf, 0);
    expect_end(f, cmd, "\"bad\"", "after its end");

    cmd = gpu_cmd_create(f->gpu, "bad");
    assert_int_equal(gpu_cmd_run(cmd), EM_ERR_DEVICE);
    fixture_expect(f, EM_ERR_DEVICE, "\"bad\"", "before its end", NULL);
    gpu_cmd_destroy(&cmd);
    gpu_cmd_destroy(&cmd); // NULL by now
    gpu_buf_destroy(&buf.buf);
}

static void test_host_call_needs_mapped_memory(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    assert_null(gpu_buf_at(buf));
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "unmapped");
    gpu_cmd_host(cmd, &(struct gpu_host_call) {
                          .name = "reverse", .run = reverse, .bind = {buf}, .access = "m"});
    expect_end(f, cmd, "reverse", "host");
    gpu_buf_destroy(&buf.buf);
}

static void test_interruption(void **state)
{
    struct fixture *f = *state;
    struct gpu_slice buf = fixture_buffer(f, SIZE, GPU_LOCAL);
    const uint32_t zero[WORDS] = {0};
    assert_int_equal(gpu_upload(f->gpu, buf, zero), EM_OK);
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "stopped");
    gpu_cmd_fill(cmd, buf, 7);
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    log_stop(f->log);
    assert_int_equal(gpu_cmd_run(cmd), EM_STOPPED);
    uint32_t back[WORDS];
    assert_int_equal(gpu_download(f->gpu, back, buf), EM_OK);
    assert_memory_equal(back, zero, SIZE);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_upload_and_download, begin, end),
        cmocka_unit_test_setup_teardown(test_upload_and_download, begin_unmapped, end),
        cmocka_unit_test_setup_teardown(test_large_buffer_of_a_cpu, begin, end),
        cmocka_unit_test_setup_teardown(test_order_and_rerun, begin, end),
        cmocka_unit_test_setup_teardown(test_order_and_rerun, begin_unmapped, end),
        cmocka_unit_test_setup_teardown(test_random_work, begin, end),
        cmocka_unit_test_setup_teardown(test_random_work, begin_unmapped, end),
        cmocka_unit_test_setup_teardown(test_times, begin, end),
        cmocka_unit_test_setup_teardown(test_bad_recordings, begin, end),
        cmocka_unit_test_setup_teardown(test_host_call_needs_mapped_memory, begin_unmapped, end),
        cmocka_unit_test_setup_teardown(test_interruption, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
