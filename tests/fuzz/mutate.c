// A fuzz target without libFuzzer, for the suite: each good file of a folder as it is, and cut,
// overwritten and spliced at places that a fixed seed draws.
//
//   fuzz_TARGET FOLDER NUMBER       so many changed inputs of each file
//   fuzz_TARGET FILE                one input again

#include "fuzz.h"

#include <dirent.h>

#include "base/number/random.h"

enum { MOST = 1 << 20, CHANGES = 4 };

struct input {
    uint8_t *bytes; // [MOST]
    size_t size;
};

static size_t below(struct random *chance, size_t num)
{
    return num ? random_below(chance, (uint32_t) num) : 0;
}

static void put_number(struct random *chance, struct input *x)
{
    static const uint64_t numbers[] = {
        0, 1, 0x7f, 0xff, 0x7fffffff, 0xffffffff, 0x100000000, UINT64_MAX / 2, UINT64_MAX};
    const uint64_t number = numbers[below(chance, sizeof(numbers) / sizeof(*numbers))];
    const size_t at = below(chance, x->size), width = (size_t) 1 << below(chance, 4);
    if (at + width <= x->size)
        memcpy(x->bytes + at, &number, width);
}

static void take_out(struct random *chance, struct input *x)
{
    const size_t at = below(chance, x->size), num = below(chance, x->size - at + 1);
    memmove(x->bytes + at, x->bytes + at + num, x->size - at - num);
    x->size -= num;
}

static void repeat(struct random *chance, struct input *x)
{
    const size_t at = below(chance, x->size), num = below(chance, x->size - at + 1);
    if (x->size + num > MOST)
        return;
    memmove(x->bytes + at + num, x->bytes + at, x->size - at);
    x->size += num;
}

static void change(struct random *chance, struct input *x)
{
    switch (below(chance, 5)) {
    case 0:
        x->size = below(chance, x->size + 1);
        break;
    case 1:
        take_out(chance, x);
        break;
    case 2:
        repeat(chance, x);
        break;
    case 3:
        put_number(chance, x);
        break;
    default:
        if (x->size)
            x->bytes[below(chance, x->size)] = (uint8_t) below(chance, 256);
    }
}

static void run_changed(struct random *chance, const char *data, size_t size)
{
    struct input x = {malloc(MOST), size < MOST ? size : MOST};
    if (!x.bytes)
        abort();
    memcpy(x.bytes, data, x.size);
    for (size_t i = 0, num = 1 + below(chance, CHANGES); i < num; i++)
        change(chance, &x);
    uint8_t *whole = malloc(x.size + !x.size); // as long as it is, for a sanitizer to see the end
    if (!whole)
        abort();
    memcpy(whole, x.bytes, x.size);
    free(x.bytes);
    LLVMFuzzerTestOneInput(whole, x.size);
    free(whole);
}

static void run_file(const char *path, int num)
{
    struct log *log = log_create(stderr, LOG_NORMAL);
    struct arena *a = arena_create();
    struct random chance = random_stream(1, path_name(path));
    char *data;
    size_t size;
    if (file_read(log, a, path, &data, &size) != EM_OK) {
        fprintf(stderr, "%s\n", log_error(log));
        exit(2);
    }
    LLVMFuzzerTestOneInput((const uint8_t *) data, size);
    for (int i = 0; i < num; i++)
        run_changed(&chance, data, size);
    arena_destroy(&a);
    log_destroy(&log);
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        run_file(argv[1], 0);
        return 0;
    }
    struct arena *a = arena_create();
    DIR *folder = argc == 3 ? opendir(argv[1]) : NULL;
    int files = 0;
    for (const struct dirent *e; folder && (e = readdir(folder));)
        if (e->d_name[0] != '.' && ++files)
            run_file(path_join(a, argv[1], e->d_name), (int) strtol(argv[2], NULL, 10));
    if (folder)
        closedir(folder);
    arena_destroy(&a);
    folder_remove(fuzz_folder());
    printf("%d files\n", files);
    return files ? 0 : 2;
}
