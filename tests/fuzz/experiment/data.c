// Any bytes as a data file of each format: the first says which.

#include "../fuzz.h"

#include "experiment/data/data.h"
#include "experiment/data/format/snippets.h"

static void touch_text(const char *text)
{
    fuzz_touch((const uint8_t *) text, strlen(text));
}

// A fact that is read is whole: its prompt has a place for its subject, and it is asked about.
static void check_case(const struct em_case *c)
{
    const struct em_fact *f = c->facts;
    const char *texts[] = {f->id, f->subject, f->prompt, f->target_new};
    for (int i = 0; i < 4; i++)
        if (!texts[i] || !*texts[i])
            abort();
    if (!strstr(f->prompt, "{}") || !c->num_questions ||
        strcmp(c->questions->group, "rewrite") != 0)
        abort();
    for (int i = 0; i < c->num_questions; i++) {
        const struct em_question *q = &c->questions[i];
        if (!*q->prompt)
            abort();
        touch_text(q->prompt);
        touch_text(q->target_new ? q->target_new : "");
        touch_text(q->target_true ? q->target_true : "");
    }
}

static enum em_status read_file(struct log *log, struct arena *a, const struct spec_data *data)
{
    struct document *d = document_open(&(struct document_params) {.log = log, .text = "{}"});
    static const char *const reads[] = {"generation", "hop", "single_hop", NULL};
    static const struct em_metric metric = {.scope = EM_PER_CASE, .reads = reads};
    struct spec_metric metrics[] = {{&metric, NULL}};
    const struct spec spec = {
        .log = log, .arena = a, .document = d, .data = *data, .metrics = metrics, .num_metrics = 1};
    struct data_set set;
    const enum em_status status = data_read(log, a, &spec, &set);
    for (int i = 0; status == EM_OK && i < set.num; i++)
        check_case(&set.cases[i]);
    document_close(&d);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum spec_format formats[] = {SPEC_COUNTERFACT, SPEC_JSONL, SPEC_ZSRE, SPEC_MQUAKE,
                                               SPEC_CSV};
    enum { FORMATS = sizeof(formats) / sizeof(*formats) };
    if (!size)
        return 0;
    char path[64];
    const int fd = fuzz_file_begin(data + 1, size - 1, path), kind = *data % (FORMATS + 1);
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    const struct snippets *snippets;
    const struct spec_data file = {
        .format = formats[kind % FORMATS], .path = path, .target = *data & 64 ? SPEC_ALT : 0};
    const enum em_status status =
        kind == FORMATS ? snippets_read(log, a, path, &snippets) : read_file(log, a, &file);
    if (status != EM_OK && !log_error(log)[0])
        abort(); // a refusal without a message
    arena_destroy(&a);
    log_destroy(&log);
    fuzz_file_end(fd);
    return 0;
}
