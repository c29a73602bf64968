// gnuplot run on the script of all charts; see chart_draw. It reads a file and writes a file that
// have no names: no path of the user's is ever part of a script.

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "experiment/report/chart/chart.h"
#include "experiment/report/chart/script.h"
#include "experiment/report/chart/svg.h"

enum { STREAMS = 3 }; // the process's standard input, output and errors

static char *read_stream(struct arena *a, FILE *from)
{
    fseek(from, 0, SEEK_END);
    const long size = ftell(from);
    rewind(from);
    char *text = arena_alloc(a, (size_t) (size > 0 ? size : 0) + 1);
    text[fread(text, 1, (size_t) (size > 0 ? size : 0), from)] = 0;
    return text;
}

static enum em_status spawn(struct log *log, FILE *const streams[STREAMS], pid_t *pid)
{
    static const char *const arguments[] = {"gnuplot", "--default-settings", "-", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < STREAMS; i++)
        posix_spawn_file_actions_adddup2(&actions, fileno(streams[i]), i);
    const int error =
        posix_spawnp(pid, "gnuplot", &actions, NULL, (char *const *) arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return log_fail(log, EM_ERR_UNSUPPORTED,
                        "the figures need gnuplot, which cannot be started (%s); install it, on "
                        "Debian and Ubuntu with: apt-get install gnuplot-nox",
                        strerror(error));
    return EM_OK;
}

static enum em_status run(struct log *log, struct arena *a, FILE *const streams[STREAMS])
{
    pid_t pid;
    EM_TRY(spawn(log, streams, &pid));
    int state;
    while (waitpid(pid, &state, 0) < 0)
        if (errno != EINTR)
            return log_fail(log, EM_ERR_IO, "gnuplot: %s", strerror(errno));
    char *words = read_stream(a, streams[2]);
    words[strcspn(words, "\n")] = words[0] == '\n' ? ' ' : 0;
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return EM_OK;
    if (WIFEXITED(state) && WEXITSTATUS(state) == 127)
        return log_fail(log, EM_ERR_UNSUPPORTED,
                        "the figures need gnuplot, which is not there; install it, on Debian and "
                        "Ubuntu with: apt-get install gnuplot-nox");
    if (WIFSIGNALED(state))
        return log_fail(log, EM_ERR_IO, "gnuplot was ended by signal %d (%s)", WTERMSIG(state),
                        strsignal(WTERMSIG(state)));
    return log_fail(log, EM_ERR_IO, "gnuplot failed: %s",
                    *words ? words : arena_print(a, "exit code %d", WEXITSTATUS(state)));
}

static enum em_status take_documents(struct log *log, struct arena *a, char *text,
                                     const struct chart *charts, int num, const char **svgs)
{
    for (int i = 0; i < num; i++) {
        char *end = strstr(text, "</svg>");
        if (!end)
            return log_fail(log, EM_ERR_IO, "gnuplot drew %d of %d figures", i, num);
        end += strlen("</svg>");
        const char after = *end;
        *end = 0;
        svgs[i] = svg_clean(a, &charts[i], text);
        *end = after;
        text = end;
    }
    return EM_OK;
}

enum em_status chart_draw(struct log *log, struct arena *a, const struct chart *charts, int num,
                          const char **svgs)
{
    if (!num)
        return EM_OK;
    FILE *streams[STREAMS];
    bool open = true;
    for (int i = 0; i < STREAMS; i++)
        open = (streams[i] = tmpfile()) && open;
    enum em_status status = EM_OK;
    if (!open)
        status = log_fail(log, EM_ERR_IO, "no temporary file for gnuplot can be made: %s",
                          strerror(errno));
    if (open) {
        script_write(a, streams[0], charts, num);
        if (fflush(streams[0]) != 0 || ferror(streams[0]))
            status = log_fail(log, EM_ERR_IO, "the script for gnuplot cannot be written: %s",
                              strerror(errno));
        rewind(streams[0]);
    }
    if (open && status == EM_OK)
        status = run(log, a, streams);
    if (status == EM_OK)
        status = take_documents(log, a, read_stream(a, streams[1]), charts, num, svgs);
    for (int i = 0; i < STREAMS; i++)
        if (streams[i])
            fclose(streams[i]);
    return status;
}
