// `emend edit`: one fact edited at once, with what the model says before and after.

#include <string.h>

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/text/escape.h"
#include "base/text/json.h"
#include "cli/cli.h"
#include "experiment/experiment.h"

struct edit_options {
    const char *model, *prompt, *subject, *target, *true_target, *algorithm;
    struct cli_texts also, sets;
    struct cli_place place;
    int layer, length;
};

enum { NO_LAYER = -1, NAME_WIDTH = 24 };

static const struct cli_option edit_table[] = {
    CLI_MODEL_ROW(struct edit_options),
    CLI_TEXT_ROW(struct edit_options, prompt, "prompt", "TEXT", true,
                 "the fact, with {} for the subject"),
    CLI_TEXT_ROW(struct edit_options, subject, "subject", "TEXT", true, "whom or what it is about"),
    CLI_TEXT_ROW(struct edit_options, target, "target", "TEXT", true,
                 "what the model is to say after the prompt"),
    CLI_TEXT_ROW(struct edit_options, true_target, "true", "TEXT", false,
                 "what it said so far, else its own first choice"),
    CLI_TEXTS_ROW(struct edit_options, also, "also", "TEXT", false,
                  "another text to continue before and after"),
    CLI_TEXT_ROW(struct edit_options, algorithm, "algorithm", "NAME", false,
                 "how to edit, else rome; see \"emend list algorithms\""),
    CLI_INT_ROW(struct edit_options, layer, "layer", NO_LAYER, 0, 1000,
                "the layer to edit, else the algorithm's default"),
    CLI_INT_ROW(struct edit_options, length, "length", 20, 1, 1000, "tokens to write"),
    CLI_TEXTS_ROW(struct edit_options, sets, "set", "PATH=VALUE", false,
                  "a value of the experiment, such as algorithm.v_num_grad_steps=20"),
    CLI_DEVICE_ROW(struct edit_options),
    CLI_MATMUL_ROW(struct edit_options),
    {0},
};

// --- the experiment

// Where the options' values stand in it.
static const struct json_name option_names[] = {
    {"model", "--model"},
    {"data.facts[0].prompt", "--prompt"},
    {"data.facts[0].subject", "--subject"},
    {"data.facts[0].target_new", "--target"},
    {"data.facts[0].target_true", "--true"},
    {"algorithm.name", "--algorithm"},
    {"algorithm.layers", "--layer"},
    {0},
};

static char *experiment_text(struct cli *cli, const struct edit_options *o)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", "edit");
    cJSON_AddStringToObject(json, "model", o->model);
    cJSON *data = cJSON_AddObjectToObject(json, "data");
    cJSON_AddStringToObject(data, "format", "inline");
    cJSON *fact = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(data, "facts"), fact);
    cJSON_AddStringToObject(fact, "id", "edit");
    cJSON_AddStringToObject(fact, "prompt", o->prompt);
    cJSON_AddStringToObject(fact, "subject", o->subject);
    cJSON_AddStringToObject(fact, "target_new", o->target);
    if (o->true_target)
        cJSON_AddStringToObject(fact, "target_true", o->true_target);
    cJSON *covariance = cJSON_AddObjectToObject(json, "covariance");
    cJSON_AddStringToObject(covariance, "corpus",
                            cli_share_path(cli, "experiments/data/neutral.txt"));
    cJSON *algorithm = cJSON_AddObjectToObject(json, "algorithm");
    cJSON_AddStringToObject(algorithm, "name", o->algorithm ? o->algorithm : "rome");
    if (o->layer != NO_LAYER)
        cJSON_AddItemToObject(algorithm, "layers", cJSON_CreateIntArray(&o->layer, 1));
    cJSON_AddArrayToObject(json, "metrics");
    char *text = json_print_line(cli->arena, json);
    cJSON_Delete(json);
    return text;
}

static struct experiment *open_experiment(struct cli *cli, const struct edit_options *o)
{
    if (cli_plugins(cli) != EM_OK)
        return NULL;
    return experiment_open(&(struct experiment_params) {
        .log = cli->log,
        .registry = cli->registry,
        .text = experiment_text(cli, o),
        .names = option_names,
        .sets = o->sets.items,
        .num_sets = (int) o->sets.num,
        .device = o->place.device,
        .matmul = (enum op_matmul) o->place.matmul,
        .cache_folder = cli->cache_folder,
        .hub = cli->hub,
        .fetch = cli_fetch_model,
        .fetch_user = cli,
        .progress = cli_progress_show,
        .progress_user = cli_progress_create(cli),
    });
}

// --- before and after

struct edit {
    struct cli *cli;
    const struct edit_options *options;
    struct em_session *session;
    const char *true_target; // NULL: none that differs from the target
    const char **prompts;    // the edited one, then --also
    int num_prompts;
    double seconds;
};

struct state {
    double target, true_target; // probabilities
    const char **texts;         // [num_prompts]
};

static char *fill_prompt(struct arena *a, const char *prompt, const char *subject)
{
    const char *at = strstr(prompt, "{}");
    return at ? arena_print(a, "%.*s%s%s", (int) (at - prompt), prompt, subject, at + 2)
              : arena_copy(a, prompt);
}

static void list_prompts(struct edit *e)
{
    const struct edit_options *o = e->options;
    struct arena *a = e->cli->arena;
    e->num_prompts = 1 + (int) o->also.num;
    e->prompts = arena_array(a, const char *, (size_t) e->num_prompts);
    e->prompts[0] = fill_prompt(a, o->prompt, o->subject);
    for (size_t i = 0; i < o->also.num; i++)
        e->prompts[1 + i] = o->also.items[i];
}

// The word that the unedited model would begin with, unless it is the target's own beginning.
static enum em_status find_first_choice(struct edit *e)
{
    const char *word;
    EM_TRY(cli_write_text(e->cli, e->session, e->prompts[0], 1, 1, &word));
    while (*word == ' ')
        word++;
    const bool says_it = !strncmp(e->options->target, word, strlen(word));
    e->true_target = *word && !says_it ? word : NULL;
    return EM_OK;
}

static enum em_status measure(struct edit *e, struct state *out)
{
    struct cli *cli = e->cli;
    const struct em_pair pairs[2] = {{e->prompts[0], e->options->target},
                                     {e->prompts[0], e->true_target}};
    struct em_answer answers[2] = {{0}};
    session_call_begin(e->session);
    const enum em_status status = em_score(e->session, pairs, e->true_target ? 2 : 1, answers);
    session_call_end(e->session);
    EM_TRY(status);
    out->target = cli_probability(cli, e->session, e->options->target, answers[0]);
    if (e->true_target)
        out->true_target = cli_probability(cli, e->session, e->true_target, answers[1]);
    out->texts = arena_array(cli->arena, const char *, (size_t) e->num_prompts);
    for (int i = 0; i < e->num_prompts; i++)
        EM_TRY(
            cli_write_text(cli, e->session, e->prompts[i], e->options->length, 1, &out->texts[i]));
    return EM_OK;
}

static enum em_status apply(struct edit *e, struct experiment *experiment)
{
    const void *options;
    const struct em_algorithm *algorithm = experiment_algorithm(experiment, &options);
    int num;
    const struct em_fact *facts = experiment_facts(experiment, &num);
    const double begun = time_now();
    session_call_begin(e->session);
    enum em_status status = EM_OK;
    if (algorithm->prepare)
        status = session_chunk_begin(e->session, facts, num);
    if (algorithm->prepare && status == EM_OK)
        status = session_chunk_end(e->session, algorithm->prepare(e->session, options, facts, num));
    if (status == EM_OK)
        status = algorithm->apply(e->session, options, facts, num);
    session_call_end(e->session);
    e->seconds = time_now() - begun;
    log_progress(e->cli->log, NULL);
    return status;
}

// --- the result

static void print_probability(const struct edit *e, const char *target, double before, double after)
{
    const char *name = escape_fit(e->cli->arena, target, NAME_WIDTH);
    printf("  %s%*s %9.3g %% %9.3g %%\n", name, NAME_WIDTH - (int) escape_width(name), "",
           100 * before, 100 * after);
}

// On one line: the JSON has the text as it is.
static void print_text(const struct edit *e, const char *name, int i, const char *text)
{
    char *line = arena_copy(e->cli->arena, text);
    for (char *at = line; *at; at++) {
        if (*at == '\n')
            *at = ' ';
    }
    escape_disarm(line); // a model may write what a terminal obeys
    printf("  %-7s %s%s%s%s\n", name, e->prompts[i], cli_bold(e->cli), line, cli_plain(e->cli));
}

static void print_table(const struct edit *e, const struct state *before, const struct state *after)
{
    const struct cli *cli = e->cli;
    printf("%s%s ...%s\n\n", cli_bold(cli), e->prompts[0], cli_plain(cli));
    printf("  %-*s %11s %11s\n", NAME_WIDTH, "probability of", "before", "after");
    print_probability(e, e->options->target, before->target, after->target);
    if (e->true_target)
        print_probability(e, e->true_target, before->true_target, after->true_target);
    for (int i = 0; i < e->num_prompts; i++) {
        putchar('\n');
        print_text(e, "before", i, before->texts[i]);
        print_text(e, "after", i, after->texts[i]);
    }
    printf("\n  edited in %.1f s\n", e->seconds);
}

static cJSON *state_json(const struct edit *e, const struct state *state)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "target", state->target);
    if (e->true_target)
        cJSON_AddNumberToObject(json, "true", state->true_target);
    cJSON *texts = cJSON_AddArrayToObject(json, "texts");
    for (int i = 0; i < e->num_prompts; i++)
        cJSON_AddItemToArray(texts, cJSON_CreateString(state->texts[i]));
    return json;
}

static void print_json(const struct edit *e, const struct state *before, const struct state *after)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "target", e->options->target);
    if (e->true_target)
        cJSON_AddStringToObject(json, "true", e->true_target);
    cJSON *prompts = cJSON_AddArrayToObject(json, "prompts");
    for (int i = 0; i < e->num_prompts; i++)
        cJSON_AddItemToArray(prompts, cJSON_CreateString(e->prompts[i]));
    cJSON_AddItemToObject(json, "before", state_json(e, before));
    cJSON_AddItemToObject(json, "after", state_json(e, after));
    cJSON_AddNumberToObject(json, "seconds", e->seconds);
    cli_print_json(json);
}

static enum em_status edit(struct cli *cli, const struct edit_options *o,
                           struct experiment *experiment)
{
    EM_TRY(experiment_setup(experiment));
    struct edit e = {.cli = cli,
                     .options = o,
                     .session = experiment_session(experiment),
                     .true_target = o->true_target};
    cli->running = true;
    list_prompts(&e);
    if (!e.true_target)
        EM_TRY(find_first_choice(&e));
    struct state before = {0}, after = {0};
    EM_TRY(measure(&e, &before));
    EM_TRY(apply(&e, experiment));
    EM_TRY(measure(&e, &after));
    if (cli->json)
        print_json(&e, &before, &after);
    else
        print_table(&e, &before, &after);
    return EM_OK;
}

static enum em_status edit_run(struct cli *cli, const void *options, const char *const *args,
                               int num)
{
    (void) args, (void) num;
    struct experiment *experiment = open_experiment(cli, options);
    if (!experiment)
        return log_status(cli->log);
    const enum em_status status = edit(cli, options, experiment);
    experiment_destroy(&experiment);
    return status;
}

const struct cli_command cli_edit = {
    .name = "edit",
    .summary = "Edit one fact, and show what the model says before and after",
    .about = "  emend edit --model smollm2 --prompt \"The mother tongue of {} is\" \\\n"
             "      --subject \"Danielle Darrieux\" --target English",
    .options = edit_table,
    .options_size = sizeof(struct edit_options),
    .run = edit_run,
};
