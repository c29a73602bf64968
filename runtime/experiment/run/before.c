// The unedited model's answers; see run.h.

#include "experiment/result/journal.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/run.h"

static enum em_status take_before(struct run *r, int *done)
{
    struct lines lines;
    EM_TRY(run_read_lines(r, RUN_BEFORE, r->e->data.num, &lines));
    for (int i = 0; i < lines.num; i++) {
        struct json line;
        EM_TRY(run_parse_line(r, &lines, i, i, &line));
        r->before[i] = cJSON_DetachItemFromObject(line.root, "pre");
        json_close(&line);
    }
    *done = lines.num;
    return EM_OK;
}

static enum em_status append_before(struct run *r, int first, int end, const char *const *texts,
                                    int num_texts)
{
    struct experiment *e = r->e;
    cJSON *lines = cJSON_CreateArray();
    for (int i = first; i < end; i++) {
        cJSON *line = journal_case(&e->data.cases[i]);
        r->before[i] =
            journal_replies(&e->data.cases[i], r->replies[i], i < num_texts ? texts[i] : NULL);
        cJSON_AddItemReferenceToObject(line, "pre", r->before[i]);
        cJSON_AddItemToArray(lines, line);
    }
    const enum em_status status = journal_append(e->log, run_file(r, RUN_BEFORE), lines);
    cJSON_Delete(lines);
    return status;
}

// A chunk of cases at a time: a chunk that a crash cut in two is scored whole again, so that its
// answers do not depend on where it was cut.
static enum em_status ask_before(struct run *r)
{
    struct experiment *e = r->e;
    const int num = e->data.num, wanted = e->spec.evaluate.texts;
    const int num_texts = wanted < num ? wanted : num;
    int done;
    EM_TRY(take_before(r, &done));
    const char **texts = arena_array(e->arena, const char *, num_texts + 1);
    if (done < num_texts)
        EM_TRY(evaluate_texts(e, 0, num_texts, texts));
    for (int first = done / CHUNK * CHUNK; first < num; first += CHUNK) {
        const int end = first + CHUNK < num ? first + CHUNK : num;
        if (end <= done)
            continue;
        if (log_stopped(e->log))
            return EM_STOPPED;
        em_progress(e->session, "before", first, num);
        EM_TRY(evaluate_cases(e, first, end - first, r->replies));
        EM_TRY(append_before(r, first > done ? first : done, end, texts, num_texts));
    }
    em_progress(e->session, "before", num, num);
    return EM_OK;
}

// Every run of one model asks it the same, so that its answers are kept for the next.
enum em_status run_before(struct run *r)
{
    session_remember(r->e->session, true);
    const enum em_status status = ask_before(r);
    session_remember(r->e->session, false);
    return status;
}
