// Files: whole ones mapped or read, results written so that a reader or a crash never sees half of
// one.
//
// Errors: status and a message in the log that names the path and the system's reason.

#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/log.h"

struct file_map {
    const uint8_t *data;
    size_t size;
};

EM_MUST_CHECK enum em_status file_map(struct log *log, const char *path, struct file_map *out);
void file_unmap(struct file_map *map);
void file_release(const struct file_map *map); // its pages leave memory until they are read again

// The whole file, followed by a NUL that `size` does not count.
EM_MUST_CHECK enum em_status file_read(struct log *log, struct arena *a, const char *path,
                                       char **text, size_t *size);

// Written beside its place, synced, then renamed into it.
EM_MUST_CHECK enum em_status file_write(struct log *log, const char *path, const void *data,
                                        size_t size);

// The same of several parts, one after another.
struct file_part {
    const void *data;
    size_t size;
};
EM_MUST_CHECK enum em_status file_write_parts(struct log *log, const char *path,
                                              const struct file_part *parts, int num);

// Takes away what processes that were killed left half written in a folder.
void folder_sweep(const char *path);

// One line appended and synced; a line that does not fit on the disk is taken back.
EM_MUST_CHECK enum em_status file_append(struct log *log, const char *path, const char *line);

// Also if the system cannot tell: then whoever opens it says why.
bool file_exists(const char *path);
bool file_is_folder(const char *path);
EM_MUST_CHECK enum em_status folder_make(struct log *log, const char *path); // and its parents
void folder_remove(const char *path); // with all that is in it; links are not followed

// `name` alone if it is absolute.
char *path_join(struct arena *a, const char *folder, const char *name);
char *path_folder(struct arena *a, const char *path); // "." if there is none
const char *path_name(const char *path);
char *path_absolute(struct arena *a, const char *path); // links resolved; `path` if there is none

#endif
