// A fuzz target without libFuzzer, for the suite: each good file of a folder as it is, and cut,
// overwritten and spliced at places that a fixed seed draws, so that a failure comes again.
//
//   fuzz_TARGET FOLDER SECONDS      for so long, but fifty times each file at least
//   fuzz_TARGET FILE                one input again

#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include "base/clock.h"
#include "base/number/random.h"

enum { MOST = 1 << 20, CHANGES = 4, LEAST = 50, SLOWEST = 20 }; // bytes, a time, times, seconds

struct input {
    uint8_t *bytes; // [MOST]
    size_t size;
};

struct seed { // a good file
    const uint8_t *data;
    size_t size;
    struct random chance; // of its changes
};

struct seeds {
    struct seed *items;
    size_t num, cap;
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

// What a target is looking at: a failure leaves it in a file, for `fuzz_TARGET FILE`.
static struct {
    const uint8_t *bytes;
    size_t size;
    char path[256];
} at_work;

static void keep_input(int failure)
{
    const int fd = open(at_work.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, at_work.bytes, at_work.size) != (ssize_t) at_work.size)
        unlink(at_work.path);
    signal(failure, SIG_DFL);
    raise(failure);
}

static void run_input(const uint8_t *bytes, size_t size)
{
    at_work.bytes = bytes;
    at_work.size = size;
    alarm(SLOWEST);
    LLVMFuzzerTestOneInput(bytes, size);
    alarm(0);
}

static void run_changed(struct seed *seed)
{
    struct input x = {malloc(MOST), seed->size < MOST ? seed->size : MOST};
    if (!x.bytes)
        abort();
    memcpy(x.bytes, seed->data, x.size);
    for (size_t i = 0, num = 1 + below(&seed->chance, CHANGES); i < num; i++)
        change(&seed->chance, &x);
    uint8_t *whole = malloc(x.size + !x.size); // as long as it is, for a sanitizer to see the end
    if (!whole)
        abort();
    memcpy(whole, x.bytes, x.size);
    free(x.bytes);
    run_input(whole, x.size);
    free(whole);
}

static struct seed read_seed(struct log *log, struct arena *a, const char *path)
{
    struct seed seed = {.chance = random_stream(1, path_name(path))};
    char *data;
    if (file_read(log, a, path, &data, &seed.size) != EM_OK) {
        fprintf(stderr, "%s\n", log_error(log));
        exit(2);
    }
    seed.data = (const uint8_t *) data;
    return seed;
}

static struct seeds read_seeds(struct log *log, struct arena *a, const char *folder)
{
    struct seeds seeds = {0};
    DIR *dir = opendir(folder);
    for (const struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            *arena_push(a, &seeds) = read_seed(log, a, path_join(a, folder, e->d_name));
    if (dir)
        closedir(dir);
    return seeds;
}

int main(int argc, char **argv)
{
    static const int failures[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
    struct log *log = log_create(stderr, LOG_NORMAL);
    struct arena *a = arena_create();
    struct seeds seeds = {0};
    if (argc == 2)
        *arena_push(a, &seeds) = read_seed(log, a, argv[1]);
    else if (argc == 3)
        seeds = read_seeds(log, a, argv[1]);
    snprintf(at_work.path, sizeof(at_work.path), "%s.failed", path_name(argv[0]));
    for (size_t i = 0; argc == 3 && i < sizeof(failures) / sizeof(*failures); i++)
        signal(failures[i], keep_input);
    setvbuf(stdout, NULL, _IONBF, 0); // the line is there when a failure ends the process
    printf("an input that fails is kept as %s\n", at_work.path);
    for (size_t i = 0; i < seeds.num; i++)
        run_input(seeds.items[i].data, seeds.items[i].size);
    const double until = time_now() + (argc == 3 ? strtod(argv[2], NULL) : 0);
    int rounds = 0;
    for (; argc == 3 && seeds.num && (rounds < LEAST || time_now() < until); rounds++)
        for (size_t i = 0; i < seeds.num; i++)
            run_changed(&seeds.items[i]);
    printf("%zu files, %d changes of each\n", seeds.num, rounds);
    const int code = seeds.num ? 0 : 2;
    arena_destroy(&a);
    log_destroy(&log);
    folder_remove(fuzz_folder());
    return code;
}
