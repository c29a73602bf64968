// A device for a test: its log is kept in a file, so that a test can look at what was said, and its
// end fails the test that left a validation message. EMEND_TEST_DEVICE chooses another device.

#ifndef TESTS_GPU_FIXTURE_H
#define TESTS_GPU_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/buffer.h"
#include "gpu/command/command.h"

struct fixture {
    struct log *log;
    FILE *said;
    struct arena *arena;
    struct gpu *gpu;
    uint64_t kept; // bytes that the device may keep for itself, for copies
};

static inline bool is_within(uint64_t x, uint64_t least, uint64_t most)
{
    return least <= x && x <= most;
}

static inline void fixture_begin(struct fixture *f)
{
    f->log = log_create(stderr, LOG_NORMAL);
    f->said = tmpfile();
    assert_non_null(f->log);
    assert_non_null(f->said);
    log_also(f->log, f->said);
    f->arena = arena_create();
    f->gpu = NULL;
    f->kept = 0;
}

static inline struct gpu *fixture_gpu(struct fixture *f, struct gpu_params params)
{
    params.log = f->log;
    if (!params.device)
        params.device = getenv("EMEND_TEST_DEVICE");
    f->gpu = gpu_create(&params);
    f->kept = params.unmapped ? 16 << 20 : 0;
    if (!f->gpu)
        fail_msg("no device: %s", log_error(f->log));
    return f->gpu;
}

static inline void fixture_end(struct fixture *f)
{
    if (f->gpu) {
        assert_true(is_within(gpu_memory_used(f->gpu), 0, f->kept));
        assert_int_equal(gpu_validation_messages(f->gpu), 0);
    }
    gpu_destroy(&f->gpu);
    arena_destroy(&f->arena);
    fclose(f->said);
    log_destroy(&f->log);
}

static inline bool fixture_said(struct fixture *f, const char *part)
{
    char line[4096];
    rewind(f->said);
    bool found = false;
    while (fgets(line, sizeof(line), f->said))
        found |= strstr(line, part) != NULL;
    fseek(f->said, 0, SEEK_END);
    return found;
}

// The status, and each of up to three parts of the first error's message.
static inline void fixture_expect(struct fixture *f, enum em_status status, const char *part,
                                  const char *part2, const char *part3)
{
    const char *parts[] = {part, part2, part3};
    assert_int_equal(log_status(f->log), status);
    for (int i = 0; i < 3; i++) {
        if (parts[i] && !strstr(log_error(f->log), parts[i]))
            fail_msg("\"%s\" is not in \"%s\"", parts[i], log_error(f->log));
    }
    log_clear(f->log);
}

static inline struct gpu_slice fixture_buffer(struct fixture *f, uint64_t size,
                                              enum gpu_memory memory)
{
    const struct gpu_buf_params params = {.size = size, .memory = memory, .name = "test"};
    struct gpu_buf *buf = gpu_buf_create(f->gpu, &params);
    if (!buf)
        fail_msg("no buffer: %s", log_error(f->log));
    return (struct gpu_slice) {buf, 0, size};
}

#endif
