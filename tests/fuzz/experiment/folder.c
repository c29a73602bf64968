// Any bytes as a run folder to go on with: whose it is, and the lines of its journal.

#include "../fuzz.h"

#include "experiment/result/folder.h"
#include "experiment/result/journal.h"

enum { QUESTIONS = 3 };

static const struct em_question questions[QUESTIONS] = {
    {"rewrite", "Rome is in", "Spain", "Italy"},
    {"neighborhood", "Milan is in", "Spain", "Italy"},
    {"generation", "Rome", NULL, NULL},
};
static const struct em_fact fact = {"7", "{} is in", "Rome", "Spain", "Italy"};
static const struct em_case one = {
    .facts = &fact, .num_facts = 1, .questions = questions, .num_questions = QUESTIONS};

static enum em_status read_lines(struct log *log, struct arena *a, const char *path)
{
    const char **lines;
    struct em_reply replies[QUESTIONS];
    int num, again;
    EM_TRY(journal_read_lines(log, a, path, &lines, &num));
    for (int i = 0; i < num; i++) {
        struct json line;
        EM_TRY(json_parse(log, path, i + 1, lines[i], &line));
        const enum em_status status = journal_read_replies(&line, "post", &one, a, replies);
        json_close(&line);
        EM_TRY(status);
        fuzz_touch((const uint8_t *) replies[2].text, strlen(replies[2].text));
    }
    EM_TRY(journal_keep_lines(log, path, lines, num, num / 2));
    EM_TRY(journal_read_lines(log, a, path, &lines, &again));
    if (num && again != num / 2)
        abort(); // what was cut off is not what was to go
    return EM_OK;
}

static enum em_status look(struct log *log, struct arena *a, const char *const *experiment)
{
    const struct folder folder = {.log = log, .arena = a, .path = fuzz_folder()};
    cJSON *json = cJSON_Parse(experiment[0]), *identity = cJSON_Parse(experiment[1]);
    enum folder_state state;
    const enum em_status status = folder_look(&folder, json, identity, 0, &state);
    cJSON_Delete(json);
    cJSON_Delete(identity);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"experiment.json", "identity.json", "cases.jsonl"};
    static const char *const mine[] = {
        "{\"model\": \"m\", \"run\": {\"mode\": \"single\"}, \"algorithm\": {\"layers\": [1]}}",
        "{\"model\": \"0123\", \"data\": \"4567\", \"chunk\": 64, \"profile\": \"p\"}"};
    struct file_part parts[3];
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    fuzz_split(data, size, parts, 3);
    for (int i = 0; i < 3; i++)
        fuzz_write(a, names[i], parts[i]);
    enum em_status status = look(log, a, mine);
    if (status != EM_OK && !log_error(log)[0])
        abort();
    log_clear(log);
    status = read_lines(log, a, path_join(a, fuzz_folder(), names[2]));
    fuzz_end(&log, &a, status);
    return 0;
}
