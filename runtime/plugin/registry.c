// Plugins found, loaded and checked; see registry.h.

#include "plugin/registry.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/file/file.h"
#include "plugin/descriptor.h"
#include "plugin/options.h"

struct names {
    const char **items;
    size_t num, cap;
};

struct loaded {
    enum plugin_kind kind;
    const void *descriptor;
    const char *path;
};

struct registry {
    struct log *log;
    struct arena *arena;
    struct names folders;
    struct {
        struct loaded *items;
        size_t num, cap;
    } loaded;
};

static bool has_name(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->num; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

struct registry *registry_create(struct log *log, const char *const *folders, int num_folders)
{
    struct arena *a = arena_create();
    struct registry *r = arena_new(a, struct registry);
    *r = (struct registry) {.log = log, .arena = a};
    for (int i = 0; i < num_folders; i++) {
        const char *folder = path_absolute(a, folders[i]); // by two names it is one folder
        if (!has_name(&r->folders, folder))
            *arena_push(a, &r->folders) = folder;
    }
    return r;
}

void registry_destroy(struct registry **r)
{
    if (!*r)
        return;
    struct arena *a = (*r)->arena; // holds *r
    arena_destroy(&a);
    *r = NULL;
}

// The places where plugins of a kind stand, two a folder.
static const char *place_at(struct registry *r, enum plugin_kind kind, int i)
{
    const char *folder = r->folders.items[i / 2];
    return i % 2 ? folder : path_join(r->arena, folder, plugin_kind_folder(kind));
}

// The descriptor in the file at `path`, loaded and checked; NULL with *why.
static const void *load(struct registry *r, enum plugin_kind kind, const char *path,
                        const char **why)
{
    for (size_t i = 0; i < r->loaded.num; i++)
        if (r->loaded.items[i].kind == kind && strcmp(r->loaded.items[i].path, path) == 0)
            return r->loaded.items[i].descriptor;
    // A name without a slash would be looked for in the system's folders.
    const char *file = strchr(path, '/') ? path : arena_print(r->arena, "./%s", path);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        *why = arena_print(r->arena, "cannot be loaded: %s", dlerror());
        return NULL;
    }
    const void *descriptor = dlsym(library, plugin_kind_symbol(kind));
    if (!descriptor) {
        *why = arena_print(r->arena, "does not export the descriptor %s, so it is not %s",
                           plugin_kind_symbol(kind), plugin_kind_name(kind));
    } else {
        *why = descriptor_defect(r->arena, kind, descriptor, path);
    }
    if (*why)
        return NULL;
    *arena_push(r->arena, &r->loaded) =
        (struct loaded) {kind, descriptor, arena_copy(r->arena, path)};
    return descriptor;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

// The stems of the *.so files in `folder`, pushed onto `names`.
static void scan_folder(struct arena *a, const char *folder, struct names *names)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir));) {
        const size_t n = strlen(e->d_name);
        if (n > 3 && strcmp(e->d_name + n - 3, ".so") == 0)
            *arena_push(a, names) = arena_print(a, "%.*s", (int) n - 3, e->d_name);
    }
    closedir(dir);
}

// A file directly in a folder may be a plugin of another kind: it is then none of ours.
static bool is_of_another_kind(const char *path, enum plugin_kind kind)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return library && !dlsym(library, plugin_kind_symbol(kind)) &&
           dlsym(library, plugin_kind_symbol(plugin_kind_other(kind)));
}

static const char *const *list_names(struct registry *r, enum plugin_kind kind, struct arena *a,
                                     int *num)
{
    struct names all = {0}, good = {0};
    for (int i = 0; i < 2 * (int) r->folders.num; i++) {
        const char *place = place_at(r, kind, i);
        all.num = 0;
        scan_folder(r->arena, place, &all);
        for (size_t n = 0; n < all.num; n++) {
            const char *path = arena_print(r->arena, "%s/%s.so", place, all.items[n]);
            const char *why = NULL;
            if (i % 2 && is_of_another_kind(path, kind))
                continue;
            if (!load(r, kind, path, &why))
                log_say(r->log, "%s: %s", path, why);
            else if (!has_name(&good, all.items[n]))
                *arena_push(a, &good) = arena_copy(a, all.items[n]);
        }
    }
    if (good.num)
        qsort(good.items, good.num, sizeof(*good.items), compare_names);
    *num = (int) good.num;
    *arena_push(a, &good) = NULL;
    return good.items;
}

static const void *fail_unknown(struct registry *r, enum plugin_kind kind, const char *name)
{
    int num;
    const char *const *names = list_names(r, kind, r->arena, &num);
    if (!num) {
        char *places = arena_copy(r->arena, "");
        for (int i = 0; i < (int) r->folders.num; i++)
            places = arena_print(r->arena, "%s%s%s", places, i ? ", " : "", r->folders.items[i]);
        log_fail(r->log, EM_ERR_CONFIG, "\"%s\" is not %s: none was found in %s", name,
                 plugin_kind_name(kind), places);
        return NULL;
    }
    log_fail(r->log, EM_ERR_CONFIG, "\"%s\" is not %s that was found%s", name,
             plugin_kind_name(kind), options_suggest(r->arena, name, names));
    return NULL;
}

static const void *find(struct registry *r, enum plugin_kind kind, const char *name)
{
    if (!options_is_name(name)) {
        log_fail(r->log, EM_ERR_CONFIG,
                 "\"%s\" is not a name of %s: names are lower-case letters, "
                 "digits and _",
                 name, plugin_kind_name(kind));
        return NULL;
    }
    const char *found = NULL;
    for (int i = 0; i < 2 * (int) r->folders.num; i++) {
        const char *path = arena_print(r->arena, "%s/%s.so", place_at(r, kind, i), name);
        if (!file_exists(path) || (i % 2 && is_of_another_kind(path, kind)))
            continue;
        if (found) {
            log_fail(r->log, EM_ERR_CONFIG, "\"%s\" is there twice, as %s and as %s; rename one",
                     name, found, path);
            return NULL;
        }
        found = path;
    }
    if (!found)
        return fail_unknown(r, kind, name);
    const char *why = NULL;
    const void *descriptor = load(r, kind, found, &why);
    if (!descriptor)
        log_fail(r->log, EM_ERR_CONFIG, "%s: %s", found, why);
    return descriptor;
}

const struct em_algorithm *registry_algorithm(struct registry *r, const char *name)
{
    return find(r, PLUGIN_ALGORITHM, name);
}

const struct em_metric *registry_metric(struct registry *r, const char *name)
{
    return find(r, PLUGIN_METRIC, name);
}

const char *const *registry_algorithms(struct registry *r, struct arena *a, int *num)
{
    return list_names(r, PLUGIN_ALGORITHM, a, num);
}

const char *const *registry_metrics(struct registry *r, struct arena *a, int *num)
{
    return list_names(r, PLUGIN_METRIC, a, num);
}

const char *registry_path(struct registry *r, const void *descriptor)
{
    for (size_t i = 0; i < r->loaded.num; i++)
        if (r->loaded.items[i].descriptor == descriptor)
            return r->loaded.items[i].path;
    return NULL;
}
