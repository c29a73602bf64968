// Runs of one experiment; see house.h.

#include "house.h"

#include <dirent.h>

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

int house_set_up(void **state, const char *experiment)
{
    struct house *h = *state = calloc(1, sizeof(*h));
    assert_non_null(h);
    house_open(h, experiment);
    return 0;
}

int house_tear_down(void **state)
{
    house_close(*state);
    free(*state);
    return 0;
}

enum em_status house_run(struct house *h, const struct attempt *a)
{
    room_new_log(&h->room);
    struct watched watched = {.house = h, .attempt = a};
    const char *sets[] = {a->set, a->also};
    struct experiment *e =
        experiment_open(&(struct experiment_params) {.log = h->room.log,
                                                     .registry = h->room.registry,
                                                     .path = room_path(&h->room, "house.json"),
                                                     .sets = sets,
                                                     .num_sets = a->also  ? 2
                                                                 : a->set ? 1
                                                                          : 0,
                                                     .cache_folder = a->cache,
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
    struct em_session *s = experiment_session(e);
    if (s) // however a run ends, the next one finds the unedited model
        assert_string_equal(session_state_hash(s), session_model_hash(s));
    experiment_destroy(&e);
    return status;
}

char *house_read(struct house *h, const char *folder, const char *name)
{
    return room_read(&h->room, path_join(h->room.arena, folder, name));
}

cJSON *house_lines(struct house *h, const char *folder, const char *name)
{
    cJSON *list = cJSON_CreateArray();
    char *save = NULL, *text = house_read(h, folder, name);
    for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        cJSON_AddItemToArray(list, cJSON_Parse(l));
    return list;
}

// --- folders

struct names {
    const char **items;
    size_t num, cap;
};

// The files of a run folder, those in its folder edits/ too.
static struct names list_files(struct house *h, const char *folder, const char *within)
{
    struct arena *a = h->room.arena;
    struct names names = {0};
    DIR *dir = opendir(path_join(a, folder, within));
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        const char *name = path_join(a, within, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (!file_is_folder(path_join(a, folder, name))) {
            *arena_push(a, &names) = name;
            continue;
        }
        const struct names deeper = list_files(h, folder, name);
        for (size_t i = 0; i < deeper.num; i++)
            *arena_push(a, &names) = deeper.items[i];
    }
    if (dir)
        closedir(dir);
    return names;
}

static bool is_same(struct house *h, const char *folder, const char *name)
{
    char *here, *there;
    size_t size_here, size_there;
    struct room *r = &h->room;
    if (strcmp(name, "timing.json") == 0 || strcmp(name, "log.txt") == 0)
        return true;
    const char *path = path_join(r->arena, folder, name);
    if (!file_exists(path) || !file_exists(path_join(r->arena, h->finished, name)))
        return false;
    room_ok(r, file_read(r->log, r->arena, path, &here, &size_here));
    room_ok(r, file_read(r->log, r->arena, path_join(r->arena, h->finished, name), &there,
                         &size_there));
    return size_here == size_there && memcmp(here, there, size_here) == 0;
}

void house_check_same(struct house *h, const char *folder)
{
    const struct names both[] = {list_files(h, folder, ""), list_files(h, h->finished, "")};
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < both[i].num; k++)
            if (!is_same(h, folder, both[i].items[k]))
                fail_msg("%s/%s differs", folder, both[i].items[k]);
}

const char *house_cut_off(struct house *h, const char *name, const struct cut *cuts, int num)
{
    struct room *r = &h->room;
    const char *folder = room_path(r, name);
    const struct names names = list_files(h, h->finished, "");
    for (size_t i = 0; i < names.num; i++) {
        const char *file = names.items[i], *to = path_join(r->arena, folder, file);
        char *text;
        size_t size;
        if (strcmp(file, "summary.json") == 0 || strcmp(file, "log.txt") == 0)
            continue;
        room_ok(r,
                file_read(r->log, r->arena, path_join(r->arena, h->finished, file), &text, &size));
        for (int k = 0; k < num; k++)
            if (strcmp(cuts[k].file, file) == 0 && cuts[k].size < size)
                size = cuts[k].size;
        room_ok(r, folder_make(r->log, path_folder(r->arena, to)));
        if (size)
            room_ok(r, file_write(r->log, to, text, size));
    }
    return folder;
}
