// Any bytes as the saved changes of the small world's model, which are made on a matrix if they are
// whole.

#include "../fuzz.h"

#include "session/session.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct model_files *world = world_open();
    char path[64];
    const int fd = fuzz_file_begin(data, size, path);
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    struct session_edits_file file;
    const enum em_status status = session_edits_read(log, a, world, path, &file);
    for (int i = 0; i < file.num; i++) { // those before a damaged one too
        const struct session_edit *e = &file.changes[i];
        const size_t num = (size_t) (e->kind == SESSION_ADD ? e->rows : e->n) * (size_t) e->cols;
        session_edit_apply(e, arena_array(a, float, num));
    }
    fuzz_end(&log, &a, status);
    fuzz_file_end(fd);
    return 0;
}
