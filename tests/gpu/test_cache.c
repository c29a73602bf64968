// The pipeline cache on disk: written, read again, and ignored when it is damaged.

#include "fixture.h"

#include <dirent.h>
#include <unistd.h>

#include "base/file/file.h"
#include "base/file/hash.h"
#include "gpu/internal.h"
#include "push.h"

enum { COLS = 64, ROW = 4 * COLS, DIGITS = HASH_SIZE - 1, HEADER = 32 };

struct scene {
    struct fixture fixture;
    char folder[64];
    char device[256];
    const char *cache; // the folder that holds it, made by the device
};

static int begin(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    fixture_begin(&s->fixture);
    snprintf(s->folder, sizeof(s->folder), "/tmp/emend-test-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->cache = path_join(s->fixture.arena, s->folder, "cache");
    *state = s;
    return 0;
}

// The one file in the cache, or NULL.
static const char *cache_file(struct scene *s)
{
    const char *found = NULL;
    DIR *folder = opendir(s->cache);
    for (struct dirent *at; folder && (at = readdir(folder));) {
        if (at->d_name[0] == '.')
            continue;
        assert_null(found);
        found = path_join(s->fixture.arena, s->cache, at->d_name);
    }
    if (folder)
        closedir(folder);
    return found;
}

static int end(void **state)
{
    struct scene *s = *state;
    const char *file = cache_file(s);
    if (file)
        unlink(file);
    rmdir(s->cache);
    rmdir(s->folder);
    fixture_end(&s->fixture);
    free(s);
    return 0;
}

// A device that lives just long enough to compile a kernel and to run it.
static void use_device(struct scene *s)
{
    struct fixture *f = &s->fixture;
    fixture_gpu(f, (struct gpu_params) {.cache_folder = s->cache});
    snprintf(s->device, sizeof(s->device), "%s", gpu_info(f->gpu)->name);
    struct gpu_slice buf = fixture_buffer(f, ROW, GPU_LOCAL);
    const struct push_add push = {.rows = 1, .cols = COLS};
    struct gpu_cmd *cmd = gpu_cmd_create(f->gpu, "add");
    gpu_cmd_fill(cmd, buf, 0x3f800000);
    gpu_cmd_dispatch(
        cmd, &(struct gpu_dispatch) {.kernel = KERNEL_add, .bind = {buf, buf, buf}, .push = &push});
    assert_int_equal(gpu_cmd_end(cmd), EM_OK);
    assert_int_equal(gpu_cmd_run(cmd), EM_OK);
    float back[COLS];
    assert_int_equal(gpu_download(f->gpu, back, buf), EM_OK);
    assert_true(back[COLS - 1] == 2);
    gpu_cmd_destroy(&cmd);
    gpu_buf_destroy(&buf.buf);
    assert_int_equal(gpu_validation_messages(f->gpu), 0);
    gpu_destroy(&f->gpu);
    assert_int_equal(log_status(f->log), EM_OK);
}

// Some drivers give nothing to keep.
static bool is_kept(struct scene *s)
{
    use_device(s);
    if (!cache_file(s))
        print_message("%s keeps no pipelines\n", s->device);
    return cache_file(s) != NULL;
}

static char *read_cache(struct scene *s, size_t *size)
{
    const char *file = cache_file(s);
    char *text;
    assert_non_null(file);
    assert_int_equal(file_read(s->fixture.log, s->fixture.arena, file, &text, size), EM_OK);
    return text;
}

// Use a device that finds this file as its cache, and see whether it was ignored.
static void use_planted(struct scene *s, const void *data, size_t size, bool is_ignored)
{
    struct fixture *f = &s->fixture;
    fixture_gpu(f, (struct gpu_params) {.cache_folder = s->cache});
    const char *file = arena_copy(f->arena, f->gpu->cache_path);
    gpu_destroy(&f->gpu);
    assert_int_equal(folder_make(f->log, s->cache), EM_OK);
    assert_int_equal(file_write(f->log, file, data, size), EM_OK);
    assert_int_equal(ftruncate(fileno(f->said), 0), 0);
    use_device(s);
    assert_int_equal(fixture_said(f, "ignored"), is_ignored);
}

static void sum_and_copy(char *file, const VkPipelineCacheHeaderVersionOne *header)
{
    char sum[HASH_SIZE];
    hash_of(header, HEADER, sum);
    memcpy(file, sum, DIGITS);
    memcpy(file + DIGITS, header, HEADER);
}

static void test_kept(void **state)
{
    struct scene *s = *state;
    if (!is_kept(s))
        return;
    size_t size, size2;
    const char *text = read_cache(s, &size);
    assert_true(size >= DIGITS + HEADER);
    use_device(s);
    const char *text2 = read_cache(s, &size2);
    assert_int_equal(size2, size);
    assert_memory_equal(text2, text, size);
    assert_false(fixture_said(&s->fixture, "ignored"));
}

static void test_damaged(void **state)
{
    struct scene *s = *state;
    if (!is_kept(s))
        return;
    size_t size, now;
    const char *text = read_cache(s, &size);
    const size_t lengths[] = {size / 2, size - 1, size, size};
    for (int i = 0; i < 4; i++) {
        char *damaged = arena_copy_bytes(s->fixture.arena, text, size);
        if (lengths[i] == size)
            damaged[i == 2 ? 3 : size - 3] ^= 1;
        use_planted(s, damaged, lengths[i], true);
        read_cache(s, &now); // and replaced
        assert_true(now >= DIGITS + HEADER);
        use_planted(s, read_cache(s, &now), now, false);
    }
}

// Files that are no cache at all, or another device's, and one that is this device's but empty.
static void test_planted(void **state)
{
    struct scene *s = *state;
    VkPhysicalDeviceProperties device;
    fixture_gpu(&s->fixture, (struct gpu_params) {.cache_folder = s->cache});
    vkGetPhysicalDeviceProperties(s->fixture.gpu->physical, &device);
    gpu_destroy(&s->fixture.gpu);
    VkPipelineCacheHeaderVersionOne header = {
        .headerSize = HEADER,
        .headerVersion = VK_PIPELINE_CACHE_HEADER_VERSION_ONE,
        .vendorID = device.vendorID,
        .deviceID = device.deviceID,
    };
    memcpy(header.pipelineCacheUUID, device.pipelineCacheUUID, VK_UUID_SIZE);
    char file[DIGITS + HEADER + 1];
    sum_and_copy(file, &header);
    use_planted(s, file, DIGITS + HEADER, false);
    const size_t lengths[] = {0, 10, DIGITS, DIGITS + HEADER - 1};
    for (int i = 0; i < 4; i++)
        use_planted(s, file, lengths[i], true);
    file[0] ^= 1; // a wrong sum
    use_planted(s, file, DIGITS + HEADER, true);
    for (int i = 0; i < 4; i++) { // a right sum over a wrong header
        VkPipelineCacheHeaderVersionOne wrong = header;
        wrong.headerSize += i == 0 ? 1000 : 0;
        wrong.vendorID ^= i == 1;
        wrong.deviceID ^= i == 2;
        wrong.pipelineCacheUUID[3] ^= i == 3;
        sum_and_copy(file, &wrong);
        use_planted(s, file, DIGITS + HEADER, true);
    }
}

// A cache that cannot be kept is a detail, not an error.
static void test_unwritable(void **state)
{
    struct scene *s = *state;
    if (!is_kept(s))
        return;
    unlink(cache_file(s));
    rmdir(s->cache);
    assert_int_equal(file_write(s->fixture.log, s->cache, "no folder", 9), EM_OK);
    use_device(s);
    assert_true(fixture_said(&s->fixture, "was not kept"));
    unlink(s->cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, begin, end),
        cmocka_unit_test_setup_teardown(test_damaged, begin, end),
        cmocka_unit_test_setup_teardown(test_planted, begin, end),
        cmocka_unit_test_setup_teardown(test_unwritable, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
