// A model on a device, opened by name or path for the commands that need no experiment.

#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "model/hub.h"
#include "model/tokenizer.h"

const char *const cli_matmul_names[] = {"auto", "host", "shader", NULL}; // enum op_matmul

enum em_status cli_model_path(struct cli *cli, const char *model, const char **path)
{
    *path = hub_find(cli->arena, "", model, cli->hub);
    return *path ? EM_OK : cli_fetch_model(cli, model, cli->arena, path);
}

static enum em_status open_parts(struct cli *cli, const struct cli_model_params *params,
                                 struct cli_model *m)
{
    const char *path;
    EM_TRY(cli_model_path(cli, params->model, &path));
    m->files = model_files_open(cli->log, path);
    if (!m->files)
        return log_status(cli->log);
    m->cache = cache_create(cli->log, params->uncached ? NULL : cli->cache_folder);
    m->gpu = gpu_create(&(struct gpu_params) {
        .log = cli->log, .device = params->place.device, .cache_folder = cli->cache_folder});
    if (!m->gpu)
        return log_status(cli->log);
    m->session =
        session_create(&(struct session_params) {.log = cli->log,
                                                 .gpu = m->gpu,
                                                 .files = m->files,
                                                 .matmul = (enum op_matmul) params->place.matmul,
                                                 .seed = params->seed,
                                                 .cache = m->cache});
    return m->session ? EM_OK : log_status(cli->log);
}

enum em_status cli_model_open(struct cli *cli, const struct cli_model_params *params,
                              struct cli_model *out)
{
    *out = (struct cli_model) {0};
    const enum em_status status = open_parts(cli, params, out);
    if (status != EM_OK)
        cli_model_close(out);
    return status;
}

void cli_model_close(struct cli_model *m)
{
    session_destroy(&m->session);
    gpu_destroy(&m->gpu);
    model_files_close(&m->files);
    cache_destroy(&m->cache);
}

static enum em_status count_tokens(struct cli *cli, struct em_session *s, const char *text,
                                   int *num)
{
    int *ids;
    return tokenizer_encode(session_tokenizer(s), cli->arena, text, false, &ids, num);
}

enum em_status cli_write_text(struct cli *cli, struct em_session *s, const char *prompt, int length,
                              int top_k, const char **text)
{
    int num;
    EM_TRY(count_tokens(cli, s, prompt, &num));
    session_call_begin(s);
    const char *whole; // with the prompt
    const enum em_status status = em_generate(s, &prompt, 1, num + length, top_k, &whole);
    if (status == EM_OK) {
        const size_t known = strlen(prompt);
        *text = arena_copy(cli->arena, strncmp(whole, prompt, known) ? whole : whole + known);
    }
    session_call_end(s);
    return status;
}

double cli_probability(struct cli *cli, struct em_session *s, const char *target,
                       struct em_answer answer)
{
    int num;
    const char *text = arena_print(cli->arena, " %s", target);
    return count_tokens(cli, s, text, &num) == EM_OK ? exp(-answer.nll * num) : NAN;
}
