// Files of users that should be texts.
//
// Errors: EM_ERR_IO where a file cannot be read; EM_ERR_CONFIG, with the line, where it is no text,
// and with what it is instead and how it becomes one where its first bytes say so.

#ifndef BASE_READ_H
#define BASE_READ_H

#include "base/arena.h"
#include "base/log.h"

// Without NUL bytes.
EM_MUST_CHECK enum em_status text_read(struct log *log, struct arena *a, const char *path,
                                       char **text);
// And UTF-8, a mark of which may open it and is left out.
EM_MUST_CHECK enum em_status text_read_utf8(struct log *log, struct arena *a, const char *path,
                                            char **text);

#endif
