// Progress of a run: one line with a bar, rate and time left on a terminal; elsewhere a plain line
// every ten seconds.

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"

enum { BAR_WIDTH = 24, MAX_LINE = 160 };

static const double bar_pause = 0.1, line_pause = 10; // seconds between two of them

struct cli_progress {
    struct log *log;
    bool terminal;
    char what[64];
    double begun, shown;
    int first; // `done` when it began
};

struct cli_progress *cli_progress_create(struct cli *cli)
{
    struct cli_progress *p = arena_new(cli->arena, struct cli_progress);
    *p = (struct cli_progress) {.log = cli->log, .terminal = isatty(STDERR_FILENO)};
    return p;
}

// "3.1/s, 2 s left", or nothing while nothing is known.
static void print_rate(char *out, size_t size, double seconds, int done, int left)
{
    char duration[32];
    *out = 0;
    if (done <= 0 || seconds <= 0)
        return;
    time_print(duration, sizeof(duration), seconds * left / done);
    snprintf(out, size, "%.3g/s, %s left", done / seconds, duration);
}

static void show_bar(struct cli_progress *p, int done, int total, const char *rate)
{
    char bar[BAR_WIDTH + 1], line[MAX_LINE];
    const int full = (int) ((int64_t) BAR_WIDTH * done / total);
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR_WIDTH] = 0;
    snprintf(line, sizeof(line), "%-12.44s %s %d/%d  %s", p->what, bar, done, total, rate);
    log_progress(p->log, line);
}

void cli_progress_show(void *progress, const char *what, int done, int total)
{
    struct cli_progress *p = progress;
    const double now = time_now();
    if (strncmp(p->what, what, sizeof(p->what) - 1) != 0) {
        snprintf(p->what, sizeof(p->what), "%s", what);
        p->begun = now;
        p->shown = p->terminal ? 0 : now;
        p->first = done;
    }
    if (total <= 0 || done > total)
        return;
    if (done == total) {
        log_progress(p->log, NULL);
        return;
    }
    if (now - p->shown < (p->terminal ? bar_pause : line_pause))
        return;
    p->shown = now;
    char rate[64];
    print_rate(rate, sizeof(rate), now - p->begun, done - p->first, total - done);
    if (p->terminal)
        show_bar(p, done, total, rate);
    else
        log_say(p->log, "%s: %d of %d%s%s", p->what, done, total, *rate ? ", " : "", rate);
}
