// A cache's folder looked through and thinned out; see cache_list.h.

#include "base/file/cache_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file/file.h"

#define LOCK "lock"

struct items {
    struct cache_item *items;
    size_t num, cap;
};

struct walk {
    struct log *log;
    struct arena *a;
    struct items list;
};

typedef void visit_fn(struct walk *w, const char *path, const struct stat *st, void *user);

static enum em_status visit(struct walk *w, const char *folder, visit_fn *fn, void *user)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? EM_OK
                               : log_fail(w->log, EM_ERR_IO, "%s: cannot be listed: %s", folder,
                                          strerror(errno));
    for (const struct dirent *d; (d = readdir(dir));) {
        struct stat st;
        const char *path = path_join(w->a, folder, d->d_name);
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && lstat(path, &st) == 0)
            fn(w, path, &st, user);
    }
    closedir(dir);
    return EM_OK;
}

static int64_t time_of_use(const struct stat *st)
{
    return st->st_atime > st->st_mtime ? st->st_atime : st->st_mtime;
}

static void add_file(struct walk *w, const char *kind, const char *path, const struct stat *st)
{
    *arena_push(w->a, &w->list) =
        (struct cache_item) {kind, path, false, (uint64_t) st->st_size, time_of_use(st)};
}

// A file of a key's folder.
static void add_part(struct walk *w, const char *path, const struct stat *st, void *user)
{
    struct cache_item *key = user;
    (void) w, (void) path;
    if (!S_ISREG(st->st_mode))
        return;
    key->size += (uint64_t) st->st_size;
    if (time_of_use(st) > key->used)
        key->used = time_of_use(st);
}

// What lies in a kind's folder: keys, or files.
static void add_entry(struct walk *w, const char *path, const struct stat *st, void *user)
{
    const char *kind = user;
    if (S_ISREG(st->st_mode))
        add_file(w, kind, path, st);
    if (!S_ISDIR(st->st_mode))
        return;
    struct cache_item key = {kind, path, true, 0, 0};
    if (visit(w, path, add_part, &key) == EM_OK) {
        key.used = key.used ? key.used : st->st_mtime;
        *arena_push(w->a, &w->list) = key;
    }
}

static void add_kind(struct walk *w, const char *path, const struct stat *st, void *user)
{
    const char *name = path_name(path);
    (void) user;
    if (S_ISREG(st->st_mode))
        add_file(w, arena_print(w->a, "%.*s", (int) strcspn(name, "-."), name), path, st);
    if (S_ISDIR(st->st_mode)) // a failure stays in the log
        visit(w, path, add_entry, (void *) name);
}

static int compare(const void *l, const void *r)
{
    const struct cache_item *a = l, *b = r;
    const int kinds = strcmp(a->kind, b->kind);
    return kinds ? kinds : (a->used > b->used) - (a->used < b->used);
}

enum em_status cache_list(struct log *log, struct arena *a, const char *folder,
                          struct cache_item **items, int *num)
{
    struct walk w = {.log = log, .a = a};
    EM_TRY(visit(&w, folder, add_kind, NULL));
    if (w.list.num)
        qsort(w.list.items, w.list.num, sizeof(*w.list.items), compare);
    *items = w.list.items;
    *num = (int) w.list.num;
    return log_status(log);
}

static enum cache_removal remove_file(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT ? CACHE_REMOVED : CACHE_KEPT;
}

// Files alone, and the lock, which is held, last.
static enum cache_removal empty_key(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return CACHE_KEPT;
    const int fd = dirfd(dir);
    enum cache_removal removal = CACHE_REMOVED;
    for (const struct dirent *d; (d = readdir(dir));) {
        struct stat st;
        if (strcmp(d->d_name, LOCK) != 0 && fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && unlinkat(fd, d->d_name, 0) != 0 && errno != ENOENT)
            removal = CACHE_KEPT;
    }
    const int why = errno;
    unlinkat(fd, LOCK, 0);
    closedir(dir);
    errno = why;
    return removal;
}

enum cache_removal cache_item_remove(const struct cache_item *item)
{
    if (!item->is_key)
        return remove_file(item->path);
    struct arena *a = arena_create();
    const char *path = path_join(a, item->path, LOCK);
    const int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    arena_destroy(&a);
    if (lock < 0)
        return errno == ENOENT ? CACHE_REMOVED : CACHE_KEPT;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const bool busy = fcntl(lock, F_SETLK, &whole) != 0 && (errno == EACCES || errno == EAGAIN);
    const enum cache_removal removal = busy ? CACHE_IN_USE : empty_key(item->path);
    const int why = errno;
    close(lock);
    if (removal == CACHE_REMOVED)
        rmdir(item->path); // stays where somebody has come to compute it again
    errno = why;
    return removal;
}
