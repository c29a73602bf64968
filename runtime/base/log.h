// What the program has to say, and the one error. A `struct log` is passed to everything that can
// fail.
//
// Errors: log_fail() keeps the first message and returns its status, so that a cause is never
// covered by its consequences; log_clear() forgets it. A message names what was found, the limit,
// the place and the cure. What a terminal would obey is never printed, wherever it came from.
// Threads: log_fail and log_say may be called from any thread.

#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdio.h>

#include <emend/types.h>

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

struct log;

struct log *log_create(FILE *screen, enum log_level level); // screen: usually stderr; NULL: silent
void log_destroy(struct log **log);
// Copy every line, of any level, with its time; NULL: stop.
void log_also(struct log *log, FILE *file);

// Say one line, shown at LOG_NORMAL or, for log_detail, at LOG_VERBOSE. No newline in `fmt`.
void log_say(struct log *log, const char *fmt, ...) EM_PRINTF(2, 3);
void log_detail(struct log *log, const char *fmt, ...) EM_PRINTF(2, 3);

// A progress line that replaces the one before it on a terminal. NULL erases it.
void log_progress(struct log *log, const char *line);

enum em_status log_fail(struct log *log, enum em_status status, const char *fmt, ...)
    EM_PRINTF(3, 4);
enum em_status log_vfail(struct log *log, enum em_status status, const char *fmt, va_list args);
const char *log_error(const struct log *log);     // the first failure's message, or ""
enum em_status log_status(const struct log *log); // of that failure, or of an interruption
void log_clear(struct log *log);

// Interruption: set from a signal handler, looked at between units of work.
void log_stop(struct log *log); // async-signal-safe
bool log_stopped(const struct log *log);

#endif
