// Runs of one experiment; see house.h.

#include "house.h"

const char *const result_files[] = {
    "experiment.json", "identity.json", "templates.json",
    "before.jsonl",    "cases.jsonl",   "summary.json",
};

struct watched { // a run, and what befalls it
    struct house *house;
    const struct attempt *attempt;
    struct experiment *experiment;
};

// A file as large as the disk has room for.
static void fill_disk(struct house *h, const char *disk)
{
    static const char page[4096];
    FILE *f = fopen(path_join(h->room.arena, disk, "filler"), "w");
    assert_non_null(f);
    setbuf(f, NULL);
    while (fwrite(page, 1, sizeof(page), f) == sizeof(page))
        ;
    fclose(f);
}

static void on_progress(void *user, const char *what, int done, int total)
{
    const struct watched *w = user;
    const struct attempt *a = w->attempt;
    (void) total;
    if (a->watch)
        a->watch(a->user, w->experiment, what);
    if (strcmp(what, "edit") != 0 || done != a->befalls)
        return;
    if (a->stops)
        log_stop(w->house->room.log);
    if (a->fills)
        fill_disk(w->house, a->fills);
}

void house_open(struct house *h, const char *experiment)
{
    room_open(&h->room);
    room_write(&h->room, "house.json", experiment);
    h->finished = room_path(&h->room, "finished");
    room_ok(&h->room, house_run(h, &(struct attempt) {.out = h->finished}));
}

void house_close(struct house *h)
{
    room_close(&h->room);
}

enum em_status house_run(struct house *h, const struct attempt *a)
{
    room_new_log(&h->room);
    struct watched watched = {.house = h, .attempt = a};
    struct experiment *e =
        experiment_open(&(struct experiment_params) {.log = h->room.log,
                                                     .registry = h->room.registry,
                                                     .path = room_path(&h->room, "house.json"),
                                                     .sets = &a->set,
                                                     .num_sets = a->set ? 1 : 0,
                                                     .out = a->out,
                                                     .device = "cpu",
                                                     .matmul = a->matmul,
                                                     .fresh = a->fresh,
                                                     .progress = on_progress,
                                                     .progress_user = &watched});
    if (!e)
        return log_status(h->room.log);
    watched.experiment = e;
    const enum em_status status = experiment_run(e);
    experiment_destroy(&e);
    return status;
}

char *house_read(struct house *h, const char *folder, const char *name)
{
    return room_read(&h->room, path_join(h->room.arena, folder, name));
}

void house_check_same(struct house *h, const char *folder)
{
    for (int i = 0; i < RESULT_FILES; i++)
        if (strcmp(house_read(h, folder, result_files[i]),
                   house_read(h, h->finished, result_files[i])) != 0)
            fail_msg("%s/%s differs", folder, result_files[i]);
}

const char *house_cut_off(struct house *h, const char *name, size_t before, size_t cases)
{
    const char *folder = room_path(&h->room, name);
    room_ok(&h->room, folder_make(h->room.log, folder));
    for (int i = 0; i < RESULT_FILES; i++) {
        const char *text = house_read(h, h->finished, result_files[i]);
        const bool is_before = strcmp(result_files[i], "before.jsonl") == 0;
        const bool is_cases = strcmp(result_files[i], "cases.jsonl") == 0;
        size_t size = strlen(text);
        if (strcmp(result_files[i], "summary.json") == 0)
            continue;
        if (is_before || is_cases)
            size = is_before ? (before < size ? before : size) : (cases < size ? cases : size);
        if (size)
            room_ok(&h->room,
                    file_write(h->room.log, path_join(h->room.arena, folder, result_files[i]), text,
                               size));
    }
    return folder;
}
