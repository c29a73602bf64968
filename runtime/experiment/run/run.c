// An experiment run batch by batch, or gone on with where it was cut off. Mode "single" has batches
// of one and "sequential" too; the sequential modes keep each batch's edit. See run.h.

#include "experiment/run/run.h"

#include <emend/plugin.h>

#include "base/clock.h"
#include "base/file/file.h"
#include "experiment/result/journal.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/templates.h"

// --- what the folder's files share

const char *run_file(const struct run *r, const char *name)
{
    return folder_file(&r->e->folder, name);
}

const char *run_batch_file(const struct run *r, const char *folder, int first)
{
    const int batch = first / r->e->spec.run.batch_size;
    return run_file(r, arena_print(r->e->arena, "%s/%06d.safetensors", folder, batch));
}

int run_batch_end(const struct run *r, int first)
{
    const int end = first + r->e->spec.run.batch_size;
    return end < r->e->data.num ? end : r->e->data.num;
}

enum em_status run_read_lines(const struct run *r, const char *name, int most, struct lines *out)
{
    const struct experiment *e = r->e;
    out->name = name;
    EM_TRY(journal_read_lines(e->log, e->arena, run_file(r, name), &out->at, &out->num));
    if (out->num <= most)
        return EM_OK;
    return log_fail(e->log, EM_ERR_CONFIG,
                    "%s: has %d lines, this experiment writes %d; begin anew with --fresh",
                    run_file(r, name), out->num, most);
}

enum em_status run_parse_line(const struct run *r, const struct lines *lines, int number, int i,
                              struct json *out)
{
    const struct experiment *e = r->e;
    EM_TRY(json_parse(e->log, run_file(r, lines->name), number + 1, lines->at[number], out));
    cJSON *mine = journal_case(&e->data.cases[i]);
    const bool same = cJSON_Compare(json_get(mine, "case_id"), json_get(out->root, "case_id"), 1);
    cJSON_Delete(mine);
    if (same)
        return EM_OK;
    const enum em_status status =
        json_fail(out, out->root, "case_id",
                  "is not that of case %d of this experiment; begin anew with --fresh", i + 1);
    json_close(out);
    return status;
}

// --- where a run that was cut off goes on

static enum em_status keep_lines(const struct run *r, const char *name, int keep)
{
    struct lines lines;
    EM_TRY(run_read_lines(r, name, INT32_MAX, &lines));
    return journal_keep_lines(r->e->log, run_file(r, name), lines.at, lines.num, keep);
}

// Takes the lines of everything behind case `first` away.
static enum em_status cut(struct run *r, int first)
{
    const int retained = run_retained_lines(r, first), states = run_states_lines(r, first);
    EM_TRY(keep_lines(r, RUN_CASES, first));
    EM_TRY(keep_lines(r, RUN_RETAINED, retained));
    EM_TRY(keep_lines(r, RUN_STATES, states));
    r->done = r->done < first ? r->done : first;
    r->retained = r->retained < retained ? r->retained : retained;
    r->states = r->states < states ? r->states : states;
    return EM_OK;
}

// A batch whose lines are not all there is done again, whole.
static enum em_status take_journals(struct run *r)
{
    const struct experiment *e = r->e;
    const int num = e->data.num, size = e->spec.run.batch_size;
    struct lines cases, retained, states;
    EM_TRY(run_read_lines(r, RUN_CASES, num, &cases));
    EM_TRY(run_read_lines(r, RUN_RETAINED, run_retained_lines(r, num), &retained));
    EM_TRY(run_read_lines(r, RUN_STATES, run_states_lines(r, num), &states));
    r->done = cases.num == num ? num : cases.num / size * size;
    r->retained = retained.num;
    r->states = states.num;
    if (r->done)
        log_say(e->log, "%s: goes on behind the first %d of %d facts", e->folder.path, r->done,
                num);
    return cut(r, r->done);
}

// A batch that is in the journal: its change is made again where it is needed. One that was not
// saved whole takes the journal's lines from there on with it.
static enum em_status take_up(struct run *r, int first, int end)
{
    struct experiment *e = r->e;
    const char *path = run_batch_file(r, RUN_EDITS, first);
    if (!run_values_fit(r, first)) {
        log_say(e->log,
                "the values of the facts from number %d on are missing or damaged; they "
                "are edited again",
                first + 1);
        return cut(r, first);
    }
    if (!session_edits_fit(e->session, path)) {
        log_say(e->log, "%s: is missing or damaged; the facts from number %d on are edited again",
                path, first + 1);
        return cut(r, first);
    }
    if (!r->keeps && !run_state_is_missing(r, end))
        return EM_OK;
    const double begun = experiment_call_begin(e);
    const enum em_status status = session_edits_load(e->session, path);
    experiment_call_end(e, PHASE_APPLY, begun);
    return status;
}

// --- the batches

static enum em_status revert(struct run *r)
{
    struct experiment *e = r->e;
    const double begun = time_now();
    const enum em_status status = session_revert(e->session);
    e->seconds[PHASE_APPLY] += time_now() - begun;
    return status;
}

static enum em_status do_batch(struct run *r, int first, int end)
{
    struct experiment *e = r->e;
    if (first < r->done)
        EM_TRY(take_up(r, first, end));
    const bool is_new = first >= r->done;
    if (is_new)
        EM_TRY(run_batch(r, first, end));
    EM_TRY(run_state(r, first, end));
    if (!r->keeps)
        EM_TRY(revert(r));
    if (is_new)
        em_progress(e->session, "edit", end, e->data.num);
    return EM_OK;
}

static enum em_status do_batches(struct run *r)
{
    const struct experiment *e = r->e;
    EM_TRY(folder_make(e->log, run_file(r, RUN_EDITS)));
    EM_TRY(take_journals(r));
    EM_TRY(run_unedited_state(r));
    for (int first = 0, end; first < e->data.num; first = end) {
        end = run_batch_end(r, first);
        if (log_stopped(e->log))
            return EM_STOPPED;
        EM_TRY(do_batch(r, first, end));
    }
    return EM_OK;
}

static enum em_status prepare_covariance(struct experiment *e)
{
    if (!(e->spec.needs & EM_NEEDS_COVARIANCE))
        return EM_OK;
    const double begun = experiment_call_begin(e);
    const enum em_status status = session_covariance_prepare(e->session);
    experiment_call_end(e, PHASE_COVARIANCE, begun);
    return status;
}

// No layer below those that the algorithm's options name is edited.
static void expect_edits(struct experiment *e)
{
    int num;
    const int *layers = options_layers(e->arena, e->spec.algorithm->options, e->spec.options, &num);
    session_expect_edits(e->session, num ? layers[0] : 0);
}

// Leaves the session with the unedited model, however it ends.
static enum em_status do_all(struct run *r)
{
    struct experiment *e = r->e;
    r->replies = evaluate_replies(e->arena, &e->data);
    if (e->spec.evaluate.before)
        r->before = arena_array(e->arena, cJSON *, e->data.num);
    expect_edits(e);
    enum em_status status = prepare_covariance(e);
    if (status == EM_OK && r->before)
        status = run_before(r);
    if (status == EM_OK)
        status = do_batches(r);
    const enum em_status reverted = revert(r);
    if (status == EM_OK)
        status = reverted;
    if (status == EM_OK)
        status = run_values_finish(r);
    if (status == EM_OK)
        status = run_results(r);
    for (int i = 0; r->before && i < e->data.num; i++)
        cJSON_Delete(r->before[i]);
    return status;
}

// Bytes that the run may write, about: lines, and two vectors a fact and layer (with a row kept).
static uint64_t room_of(const struct run *r)
{
    enum { A_CASE = 16 << 10, A_RETAINED = 8 << 10, A_BATCH = 8 << 10, A_RUN = 1 << 20 };
    const struct experiment *e = r->e;
    const struct model_config *c = model_files_config(e->files);
    const uint64_t num = (uint64_t) e->data.num;
    int layers;
    options_layers(e->arena, e->spec.algorithm->options, e->spec.options, &layers);
    uint64_t vectors = (uint64_t) layers * (uint64_t) (c->dim + 2 * c->ffn);
    if (e->spec.export.values) // a while twice
        vectors += 2 * (uint64_t) (c->dim + 2 * c->ffn);
    const uint64_t a_fact = vectors * sizeof(float);
    return A_RUN + num * (A_CASE + a_fact) +
           (num / (uint64_t) e->spec.run.batch_size + 1) * A_BATCH +
           (uint64_t) run_retained_lines(r, e->data.num) * A_RETAINED;
}

static struct run run_of(struct experiment *e)
{
    return (struct run) {.e = e, .keeps = spec_keeps_edits(&e->spec)};
}

enum em_status experiment_look(struct experiment *e, enum folder_state *state)
{
    const struct run r = run_of(e);
    return folder_look(&e->folder, e->json, e->identity, room_of(&r), state);
}

enum em_status experiment_run(struct experiment *e)
{
    struct run r = run_of(e);
    enum folder_state state;
    EM_TRY(experiment_look(e, &state));
    if (state == FOLDER_FINISHED) {
        log_say(e->log, "%s: this experiment was finished before; --fresh runs it again",
                e->folder.path);
        return EM_OK;
    }
    EM_TRY(experiment_setup(e));
    EM_TRY(folder_begin(&e->folder, e->json, e->identity));
    enum em_status status = templates_save(e);
    if (status == EM_OK)
        status = do_all(&r);
    if (status != EM_OK)
        log_detail(e->log, "%s", status == EM_STOPPED ? "stopped" : log_error(e->log));
    folder_end(&e->folder);
    return status;
}
