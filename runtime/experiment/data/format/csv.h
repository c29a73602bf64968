// Tables of facts as RFC 4180 writes them: a header, one fact a row, cells in double quotes where
// they hold quotes, delimiters or line ends. The delimiter, one of , ; and tab, is that of the
// header.
//
// Memory: in the caller's arena, the cells within `text`. Errors: EM_ERR_CONFIG, with file and
// line.

#ifndef EXPERIMENT_CSV_H
#define EXPERIMENT_CSV_H

#include "base/text/json.h"

struct csv_row {
    int line;           // where it begins
    const char **cells; // [num_columns]
};

struct csv {
    struct log *log;
    const char *path;
    const char *const *texts, *const *lists; // columns that there may be
    const char **columns;                    // [num_columns]
    size_t num_columns;
    struct csv_row *rows; // [num_rows]
    size_t num_rows;
};

// Splits up `text`. The columns have names of `texts` or `lists`, which end with NULL.
EM_MUST_CHECK enum em_status csv_read(struct log *log, struct arena *a, const char *path,
                                      char *text, const char *const *texts,
                                      const char *const *lists, struct csv *out);

// A row as an object: the cells that are not empty, those of `lists` as lists of what stands
// between `separator`s, without the blanks around it. To be closed.
void csv_row_json(const struct csv *t, size_t row, struct arena *a, const char *separator,
                  struct json *out);

#endif
