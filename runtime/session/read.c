// Files that a plugin's options name. See session.h of <emend/>.

#include "session/internal.h"

#include <string.h>

#include "base/file.h"

enum em_status em_read_text(struct em_session *s, const char *path, char **text)
{
    size_t size;
    EM_TRY(file_read(s->log, s->call, path, text, &size));
    if (strlen(*text) != size)
        return em_fail(s, EM_ERR_CONFIG, "%s: holds a NUL byte at %zu, so it is no text", path,
                       strlen(*text));
    return EM_OK;
}
