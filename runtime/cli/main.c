// emend: runs the named command and leaves with its exit code. The only file that reads the
// environment.

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/file/file.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "gpu/device.h"

enum exit_code { EXIT_FINE, EXIT_FAILED, EXIT_WRONG, EXIT_NO_DEVICE, EXIT_SIGNAL = 128 };

// A signal handler is given nothing but its number, so this is the one variable of the program.
static struct {
    struct log *volatile log;
    volatile sig_atomic_t number; // of the signal that came
} interruption;

// The first signal asks the run to stop where nothing is lost; the second one ends the program.
static void on_interrupt(int number)
{
    static const char text[] = "\nemend: stopping as soon as nothing is lost; once more ends now\n";
    interruption.number = number;
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
        // nobody is listening
    }
    log_stop(interruption.log);
}

static void interrupt_catch(int number)
{
    struct sigaction action;
    sigaction(number, NULL, &action);
    if (action.sa_handler == SIG_IGN) // a job in the background of a script
        return;
    action = (struct sigaction) {.sa_handler = on_interrupt, .sa_flags = (int) SA_RESETHAND};
    sigaction(number, &action, NULL);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static char *find_cache_folder(struct arena *a)
{
    const char *cache = environment("XDG_CACHE_HOME");
    if (cache)
        return path_join(a, cache, "emend");
    const char *home = environment("HOME");
    return path_join(a, home ? home : "/tmp", ".cache/emend");
}

// As Hugging Face's tools find it.
static char *find_hub(struct arena *a)
{
    if (environment("HF_HUB_CACHE"))
        return arena_copy(a, environment("HF_HUB_CACHE"));
    if (environment("HF_HOME"))
        return path_join(a, environment("HF_HOME"), "hub");
    const char *cache = environment("XDG_CACHE_HOME"), *home = environment("HOME");
    return path_join(a, cache ? cache : path_join(a, home ? home : "/tmp", ".cache"),
                     "huggingface/hub");
}

// "/usr" of "/usr/bin/emend".
static char *find_prefix(struct arena *a)
{
    char program[4096];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0)
        return arena_copy(a, ".");
    program[length] = 0;
    return path_folder(a, path_folder(a, program));
}

static bool may_color(void)
{
    const char *terminal = environment("TERM");
    return isatty(STDOUT_FILENO) && !environment("NO_COLOR") && terminal &&
           strcmp(terminal, "dumb") != 0;
}

static bool has_suitable_device(struct arena *a)
{
    struct log *silent = log_create(NULL, LOG_QUIET);
    struct gpu_info *list;
    int num = 0;
    bool found = false;
    if (gpu_list(silent, a, &list, &num) == EM_OK) {
        for (int i = 0; i < num; i++)
            found = found || list[i].suitable;
    }
    log_destroy(&silent);
    return found;
}

static int exit_code_of(const struct cli *cli, enum em_status status)
{
    if (status == EM_OK)
        return EXIT_FINE;
    if (status == EM_STOPPED)
        return EXIT_SIGNAL + interruption.number;
    if ((status == EM_ERR_UNSUPPORTED || status == EM_ERR_DEVICE) &&
        !has_suitable_device(cli->arena))
        return EXIT_NO_DEVICE;
    if (status == EM_ERR_CONFIG || status == EM_ERR_UNSUPPORTED)
        return EXIT_WRONG;
    return status == EM_ERR_IO && !cli->running ? EXIT_WRONG : EXIT_FAILED;
}

static enum em_status run_line(struct cli *cli, const struct cli_line *line)
{
    if (line->version) {
        puts("emend " EMEND_VERSION);
        return EM_OK;
    }
    if (line->help || !line->command) {
        cli_print_help(cli, line->command);
        return EM_OK;
    }
    return line->command->run(cli, line->options, line->args, line->num_args);
}

// --plugins come before EMEND_PLUGIN_PATH.
static char *join_plugin_path(struct arena *a, const struct cli_texts *folders)
{
    const char *more = environment("EMEND_PLUGIN_PATH");
    char *path = arena_copy(a, "");
    for (size_t i = 0; i < folders->num; i++)
        path = arena_print(a, "%s%s%s", path, *path ? ":" : "", folders->items[i]);
    return more ? arena_print(a, "%s%s%s", path, *path ? ":" : "", more) : path;
}

// Results that did not reach standard output (a full disk, a closed pipe) are a failure.
static enum em_status flush_results(struct cli *cli, enum em_status status)
{
    errno = 0;
    const bool written = fflush(stdout) == 0 && !ferror(stdout); // a part may have failed before
    if (written || status != EM_OK)
        return status;
    cli->running = true;
    return log_fail(cli->log, EM_ERR_IO, "standard output could not be written%s%s",
                    errno ? ": " : "; is the disk full?", errno ? strerror(errno) : "");
}

static enum em_status run(struct cli *cli, int argc, char **argv)
{
    struct cli_line line = {0};
    EM_TRY(cli_parse(cli, argc, argv, &line));
    if (line.quiet || line.verbose) {
        log_destroy(&cli->log);
        cli->log = log_create(stderr, line.verbose ? LOG_VERBOSE : LOG_QUIET);
    }
    cli->json = line.json;
    cli->color = may_color();
    cli->plugin_path = join_plugin_path(cli->arena, &line.plugins);
    interruption.log = cli->log;
    interrupt_catch(SIGINT);
    interrupt_catch(SIGTERM);
    return flush_results(cli, run_line(cli, &line));
}

int main(int argc, char **argv)
{
    cJSON_InitHooks(&(cJSON_Hooks) {.malloc_fn = memory_alloc, .free_fn = free});
    struct cli cli = {.log = log_create(stderr, LOG_NORMAL), .arena = arena_create()};
    cli.cache_folder = find_cache_folder(cli.arena);
    cli.hub = find_hub(cli.arena);
    cli.prefix = find_prefix(cli.arena);

    const enum em_status status = run(&cli, argc, argv);
    log_progress(cli.log, NULL);
    if (status != EM_OK && status != EM_STOPPED) // whoever stopped it knows
        fprintf(stderr, "emend: %s\n",
                *log_error(cli.log) ? log_error(cli.log) : "failed for a reason it does not name");
    const int code = exit_code_of(&cli, status);

    signal(SIGINT, SIG_DFL); // the log is about to go
    signal(SIGTERM, SIG_DFL);
    registry_destroy(&cli.registry);
    log_destroy(&cli.log);
    arena_destroy(&cli.arena);
    return code;
}
