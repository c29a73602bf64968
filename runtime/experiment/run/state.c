// The model as it stands behind a batch: metrics of its state, and every fact so far asked again;
// see run.h.

#include "experiment/result/journal.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/run.h"

// --- the schedule

bool run_state_is_due(const struct run *r, int first, int end)
{
    return spec_state_is_due(&r->e->spec, r->e->data.num, first, end);
}

static bool asks_again(const struct run *r)
{
    return r->e->spec.evaluate.retained != SPEC_NEVER;
}

static bool inspects(const struct run *r)
{
    const struct spec *s = &r->e->spec;
    for (int i = 0; i < s->num_metrics; i++)
        if (s->metrics[i].metric->scope == EM_PER_STATE)
            return true;
    return false;
}

int run_retained_lines(const struct run *r, int first)
{
    int num = 0;
    for (int at = 0, end; asks_again(r) && at < first; at = end) {
        end = run_batch_end(r, at);
        num += run_state_is_due(r, at, end) ? end : 0;
    }
    return num;
}

int run_states_lines(const struct run *r, int first)
{
    int num = r->before && inspects(r); // of the unedited model
    for (int at = 0, end; inspects(r) && at < first; at = end) {
        end = run_batch_end(r, at);
        num += run_state_is_due(r, at, end);
    }
    return num;
}

bool run_state_is_missing(const struct run *r, int end)
{
    return r->retained < run_retained_lines(r, end) || r->states < run_states_lines(r, end);
}

// --- what is asked

static enum em_status append_retained(struct run *r, int first, int end, int edits)
{
    const struct experiment *e = r->e;
    cJSON *lines = cJSON_CreateArray();
    for (int i = first; i < end; i++) {
        const struct em_case *c = &e->data.cases[i];
        cJSON *line = journal_case(c);
        cJSON_AddNumberToObject(line, "edits", edits);
        cJSON_AddItemToObject(line, "post", journal_replies(c, r->replies[i], NULL));
        cJSON_AddItemToArray(lines, line);
    }
    const enum em_status status = journal_append(e->log, run_file(r, RUN_RETAINED), lines);
    cJSON_Delete(lines);
    if (status == EM_OK)
        r->retained += end - first;
    return status;
}

// Cases [0, edits), a chunk at a time; those that the journal holds already are not asked again,
// but the chunk that it was cut off in is scored whole.
static enum em_status ask_again(struct run *r, int first, int edits)
{
    struct experiment *e = r->e;
    const int done = r->retained - run_retained_lines(r, first);
    for (int at = done / CHUNK * CHUNK; at < edits && done < edits; at += CHUNK) {
        const int end = at + CHUNK < edits ? at + CHUNK : edits;
        if (log_stopped(e->log))
            return EM_STOPPED;
        em_progress(e->session, "retained", at, edits);
        EM_TRY(evaluate_cases(e, at, end - at, r->replies));
        EM_TRY(append_retained(r, at > done ? at : done, end, edits));
    }
    return EM_OK;
}

static enum em_status add_metric(struct run *r, const struct spec_metric *m, cJSON *line)
{
    struct experiment *e = r->e;
    double value = 0;
    const double begun = experiment_call_begin(e);
    const enum em_status status = m->metric->inspect(e->session, m->options, &value);
    experiment_call_end(e, PHASE_EVALUATE, begun);
    if (status == EM_OK)
        cJSON_AddItemToObject(line, m->metric->name, journal_number(value));
    return status;
}

// One line: the facts in force are cases [first, first + edits), none on the unedited model.
static enum em_status inspect(struct run *r, int first, int edits)
{
    const struct experiment *e = r->e;
    cJSON *lines = cJSON_CreateArray(), *line = cJSON_CreateObject();
    cJSON_AddItemToArray(lines, line);
    cJSON_AddNumberToObject(line, "edits", edits);
    cJSON_AddNumberToObject(line, "first", first);
    enum em_status status = EM_OK;
    for (int i = 0; i < e->spec.num_metrics && status == EM_OK; i++)
        if (e->spec.metrics[i].metric->scope == EM_PER_STATE)
            status = add_metric(r, &e->spec.metrics[i], line);
    if (status == EM_OK)
        status = journal_append(e->log, run_file(r, RUN_STATES), lines);
    cJSON_Delete(lines);
    if (status == EM_OK)
        r->states++;
    return status;
}

enum em_status run_unedited_state(struct run *r)
{
    return r->states < run_states_lines(r, 0) ? inspect(r, 0, 0) : EM_OK;
}

enum em_status run_state(struct run *r, int first, int end)
{
    if (!run_state_is_due(r, first, end))
        return EM_OK;
    if (asks_again(r))
        EM_TRY(ask_again(r, first, end));
    if (!inspects(r) || r->states > run_states_lines(r, first))
        return EM_OK;
    return r->keeps ? inspect(r, 0, end) : inspect(r, first, end - first);
}
