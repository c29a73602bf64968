// An experiment run batch by batch: a batch's facts are edited together, their questions are asked,
// and the weights are restored. Mode "single" has batches of one. See experiment.h.

#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/json.h"
#include "experiment/evaluate.h"
#include "experiment/internal.h"
#include "experiment/result/journal.h"
#include "experiment/result/summary.h"
#include "experiment/templates.h"

#define BEFORE_FILE "before.jsonl"
#define CASES_FILE "cases.jsonl"

struct run {
    struct experiment *e;
    struct em_reply **replies; // [cases][questions], of the newest evaluation
    cJSON **before;            // [cases] "pre" of each case; NULL: not asked for
    int prepared;              // cases that the algorithm has prepared
    int edited;                // in this process
};

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static const char *file(const struct run *r, const char *name)
{
    return folder_file(&r->e->folder, name);
}

// Parses line i of a journal and checks that it is about case i.
static enum em_status parse_line(const struct run *r, const char *name, int i, const char *text,
                                 struct json *out)
{
    struct experiment *e = r->e;
    EM_TRY(json_parse(e->log, file(r, name), i + 1, text, out));
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

static enum em_status fail_too_long(const struct run *r, const char *name, int lines)
{
    return log_fail(r->e->log, EM_ERR_CONFIG,
                    "%s: has %d lines, the experiment %d cases; begin anew with --fresh",
                    file(r, name), lines, r->e->data.num);
}

// --- before the edits

static enum em_status take_before(struct run *r, int *done)
{
    struct experiment *e = r->e;
    const char **lines;
    EM_TRY(journal_read_lines(e->log, e->arena, file(r, BEFORE_FILE), &lines, done));
    if (*done > e->data.num)
        return fail_too_long(r, BEFORE_FILE, *done);
    for (int i = 0; i < *done; i++) {
        struct json line;
        EM_TRY(parse_line(r, BEFORE_FILE, i, lines[i], &line));
        r->before[i] = cJSON_DetachItemFromObject(line.root, "pre");
        json_close(&line);
    }
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
    const enum em_status status = journal_append(e->log, file(r, BEFORE_FILE), lines);
    cJSON_Delete(lines);
    return status;
}

// The unedited model's answers, a chunk of cases at a time: a chunk that a crash cut in two is
// scored whole again, so that its answers do not depend on where it was cut.
static enum em_status score_before(struct run *r)
{
    struct experiment *e = r->e;
    const int num = e->data.num, num_texts = min_int(num, e->spec.evaluate.texts);
    int done;
    EM_TRY(take_before(r, &done));
    const char **texts = arena_array(e->arena, const char *, num_texts + 1);
    if (done < num_texts)
        EM_TRY(evaluate_texts(e, 0, num_texts, texts));
    for (int first = done / CHUNK * CHUNK; first < num; first += CHUNK) {
        const int size = min_int(CHUNK, num - first);
        if (first + size <= done)
            continue;
        if (log_stopped(e->log))
            return EM_STOPPED;
        em_progress(e->session, "before", first, num);
        EM_TRY(evaluate_cases(e, first, size, r->replies));
        EM_TRY(append_before(r, max_int(first, done), first + size, texts, num_texts));
    }
    em_progress(e->session, "before", num, num);
    return EM_OK;
}

// --- the edits

// The chunks that cases [first, end) are in, if the algorithm prepares facts together. A chunk is
// prepared whole, so that its values do not depend on the batch size, nor on where a run went on.
static enum em_status prepare_chunks(struct run *r, int first, int end)
{
    struct experiment *e = r->e;
    const struct em_algorithm *algorithm = e->spec.algorithm;
    if (!algorithm->prepare)
        return EM_OK;
    for (int at = max_int(r->prepared, first / CHUNK * CHUNK); at < end; at = r->prepared) {
        const int size = min_int(CHUNK, e->data.num - at);
        const double begun = experiment_call_begin(e);
        const enum em_status status =
            algorithm->prepare(e->session, e->spec.options, e->data.facts + at, size);
        experiment_call_end(e, PHASE_VALUE, begun);
        EM_TRY(status);
        r->prepared = at + size;
    }
    return EM_OK;
}

// The lines of a batch, before it is edited.
static cJSON *begin_lines(const struct run *r, int first, int num)
{
    cJSON *lines = cJSON_CreateArray();
    for (int i = first; i < first + num; i++) {
        cJSON *line = journal_case(&r->e->data.cases[i]);
        if (r->before)
            cJSON_AddItemReferenceToObject(line, "pre", r->before[i]);
        cJSON_AddItemToArray(lines, line);
    }
    return lines;
}

static enum em_status apply(struct run *r, int first, int num, cJSON *lines)
{
    struct experiment *e = r->e;
    const double begun = experiment_call_begin(e);
    const enum em_status status =
        e->spec.algorithm->apply(e->session, e->spec.options, e->data.facts + first, num);
    int length;
    const struct session_series *series = session_series(e->session, &length);
    if (length && status == EM_OK)
        cJSON_AddItemToObject(lines->child, "series", journal_series(series, length));
    experiment_call_end(e, PHASE_APPLY, begun);
    return status;
}

// Asks a batch's questions on the model as it stands, a chunk of cases at a time.
static enum em_status ask(struct run *r, int first, int num, cJSON *lines)
{
    struct experiment *e = r->e;
    const int num_texts = max_int(0, min_int(num, e->spec.evaluate.texts - first));
    const char **texts = arena_array(e->arena, const char *, num_texts + 1);
    for (int at = first; at < first + num; at += CHUNK)
        EM_TRY(evaluate_cases(e, at, min_int(CHUNK, first + num - at), r->replies));
    EM_TRY(evaluate_texts(e, first, num_texts, texts));
    cJSON *line = lines->child;
    for (int i = 0; i < num; i++, line = line->next)
        cJSON_AddItemToObject(line, "post",
                              journal_replies(&e->data.cases[first + i], r->replies[first + i],
                                              i < num_texts ? texts[i] : NULL));
    return EM_OK;
}

// Edits cases [first, first + num) together, asks their questions, makes their lines, and takes the
// edit back.
static enum em_status try_batch(struct run *r, int first, int num, cJSON *lines)
{
    struct experiment *e = r->e;
    enum em_status status = apply(r, first, num, lines);
    if (status == EM_OK)
        status = ask(r, first, num, lines);
    const double begun = time_now();
    const enum em_status reverted = session_revert(e->session);
    e->seconds[PHASE_APPLY] += time_now() - begun;
    return status == EM_OK ? reverted : status;
}

static enum em_status edit_batch(struct run *r, int first, int num)
{
    struct experiment *e = r->e;
    const struct em_fact *fact = &e->data.facts[first];
    EM_TRY(prepare_chunks(r, first, first + num));
    cJSON *lines = begin_lines(r, first, num);
    enum em_status status = try_batch(r, first, num, lines);
    if (status == EM_OK)
        status = journal_append(e->log, file(r, CASES_FILE), lines);
    cJSON_Delete(lines);
    if (status != EM_OK && status != EM_STOPPED)
        log_say(e->log, "%scase %s (%s)%s could not be edited", num > 1 ? "the batch of " : "",
                fact->id, fact->subject,
                num > 1 ? arena_print(e->arena, " and the next %d", num - 1) : "");
    return status;
}

// How many cases are finished: a batch whose lines are not all there is done again, whole.
static enum em_status take_cases(struct run *r, int *done)
{
    struct experiment *e = r->e;
    const int num = e->data.num, size = e->spec.run.batch_size;
    const char **lines;
    int there;
    EM_TRY(journal_read_lines(e->log, e->arena, file(r, CASES_FILE), &lines, &there));
    if (there > num)
        return fail_too_long(r, CASES_FILE, there);
    *done = there == num ? num : there / size * size;
    EM_TRY(journal_keep_lines(e->log, file(r, CASES_FILE), lines, there, *done));
    if (*done)
        log_say(e->log, "%s: goes on behind the first %d of %d facts", e->folder.path, *done, num);
    return EM_OK;
}

static enum em_status edit_cases(struct run *r)
{
    struct experiment *e = r->e;
    const int num = e->data.num;
    int done;
    EM_TRY(take_cases(r, &done));
    while (done < num) {
        const int size = min_int(e->spec.run.batch_size, num - done);
        if (log_stopped(e->log))
            return EM_STOPPED;
        EM_TRY(edit_batch(r, done, size));
        done += size;
        r->edited += size;
        em_progress(e->session, "edit", done, num);
    }
    return EM_OK;
}

// --- results

// The replies under `key` of every line of the cases' journal.
static enum em_status read_replies(struct run *r, const char *key)
{
    struct experiment *e = r->e;
    const char **lines;
    int num;
    EM_TRY(journal_read_lines(e->log, e->arena, file(r, CASES_FILE), &lines, &num));
    for (int i = 0; i < num; i++) {
        struct json line;
        EM_TRY(parse_line(r, CASES_FILE, i, lines[i], &line));
        const enum em_status status =
            journal_read_replies(&line, key, &e->data.cases[i], r->replies[i]);
        json_close(&line);
        EM_TRY(status);
    }
    return EM_OK;
}

static enum em_status add_metrics(struct run *r, const char *key, const char *name, cJSON *to)
{
    struct experiment *e = r->e;
    EM_TRY(read_replies(r, key));
    cJSON_AddItemToObject(to, name, summary_metrics(e->arena, &e->spec, &e->data, r->replies));
    return EM_OK;
}

static enum em_status fill_summary(struct run *r, cJSON *json)
{
    struct experiment *e = r->e;
    cJSON_AddStringToObject(json, "name", e->spec.root.name);
    cJSON_AddNumberToObject(json, "facts", e->data.num);
    cJSON_AddItemToObject(json, "run", cJSON_Duplicate(json_get(e->json, "run"), true));
    cJSON_AddItemToObject(json, "algorithm", cJSON_Duplicate(json_get(e->json, "algorithm"), true));
    EM_TRY(add_metrics(r, "post", "metrics", json));
    if (r->before)
        EM_TRY(add_metrics(r, "pre", "before", json));
    else
        cJSON_AddNullToObject(json, "before");
    cJSON *model = cJSON_AddObjectToObject(json, "model");
    cJSON_AddStringToObject(model, "name", em_model(e->session)->name);
    cJSON_AddStringToObject(model, "sha256", session_model_hash(e->session));
    cJSON *identity = cJSON_Duplicate(e->identity, true);
    cJSON_AddItemToObject(json, "profile", cJSON_DetachItemFromObject(identity, "profile"));
    cJSON_AddItemToObject(json, "identity", identity);
    return EM_OK;
}

static cJSON *write_timing(const struct run *r)
{
    static const char *const names[] = {
        [PHASE_LOAD] = "load",   [PHASE_TEMPLATES] = "templates", [PHASE_COVARIANCE] = "covariance",
        [PHASE_VALUE] = "value", [PHASE_APPLY] = "apply",         [PHASE_EVALUATE] = "evaluate",
    };
    const struct experiment *e = r->e;
    const struct gpu_info *gpu = gpu_info(e->gpu);
    const struct session_cost cost = session_cost(e->session);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    cJSON *json = cJSON_CreateObject(), *seconds = cJSON_AddObjectToObject(json, "seconds");
    for (int i = 0; i < PHASE_COUNT; i++)
        cJSON_AddItemToObject(seconds, names[i], journal_number(e->seconds[i]));
    cJSON_AddItemToObject(seconds, "total", journal_number(time_now() - e->begun));
    cJSON_AddNumberToObject(json, "facts", r->edited); // that these seconds were spent on
    cJSON_AddStringToObject(json, "device", gpu->name);
    cJSON_AddStringToObject(json, "driver", gpu->driver);
    cJSON_AddStringToObject(json, "driver_version", gpu->driver_version);
    cJSON_AddNumberToObject(json, "flop", cost.flop);
    cJSON *memory = cJSON_AddObjectToObject(json, "peak_memory"); // bytes
    cJSON_AddNumberToObject(memory, "device", (double) cost.peak_memory);
    cJSON_AddNumberToObject(memory, "resident", 1024.0 * (double) usage.ru_maxrss);
    return json;
}

// The summary is written last: a folder that holds one is finished.
static enum em_status write_results(struct run *r)
{
    struct experiment *e = r->e;
    cJSON *summary = cJSON_CreateObject();
    enum em_status status = fill_summary(r, summary);
    cJSON *timing = write_timing(r);
    if (status == EM_OK)
        status = folder_write_json(&e->folder, "timing.json", timing);
    if (status == EM_OK)
        status = folder_write_json(&e->folder, "summary.json", summary);
    cJSON_Delete(timing);
    cJSON_Delete(summary);
    return status;
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

static enum em_status run_batches(struct experiment *e)
{
    struct run r = {.e = e, .replies = evaluate_replies(e->arena, &e->data)};
    if (e->spec.evaluate.before)
        r.before = arena_array(e->arena, cJSON *, e->data.num);
    enum em_status status = prepare_covariance(e);
    if (status == EM_OK && r.before)
        status = score_before(&r);
    if (status == EM_OK)
        status = edit_cases(&r);
    if (status == EM_OK)
        status = write_results(&r);
    for (int i = 0; r.before && i < e->data.num; i++)
        cJSON_Delete(r.before[i]);
    return status;
}

enum em_status experiment_run(struct experiment *e)
{
    enum { BYTES_A_CASE = 16 << 10, BYTES_A_RUN = 1 << 20 };
    const uint64_t bytes = BYTES_A_RUN + (uint64_t) e->data.num * BYTES_A_CASE;
    enum folder_state state;
    EM_TRY(folder_look(&e->folder, e->json, e->identity, bytes, &state));
    if (state == FOLDER_FINISHED) {
        log_say(e->log, "%s: this experiment was finished before; --fresh runs it again",
                e->folder.path);
        return EM_OK;
    }
    EM_TRY(experiment_setup(e));
    EM_TRY(folder_begin(&e->folder, e->json, e->identity));
    enum em_status status = templates_save(e);
    if (status == EM_OK)
        status = run_batches(e);
    if (status != EM_OK)
        log_detail(e->log, "%s", status == EM_STOPPED ? "stopped" : log_error(e->log));
    folder_end(&e->folder);
    return status;
}
