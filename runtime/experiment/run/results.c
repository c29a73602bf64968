// What a finished run leaves: summary.json and timing.json, made of what the journals hold; see
// run.h.

#include <sys/resource.h>

#include "base/clock.h"
#include "experiment/result/journal.h"
#include "experiment/result/series.h"
#include "experiment/result/summary.h"
#include "experiment/run/run.h"

enum { CURVE_POINTS = 32 };

// The replies under `key` of `num` lines from `first` on, which are about cases [0, num).
static enum em_status read_replies(const struct run *r, const struct lines *lines, int first,
                                   int num, const char *key)
{
    for (int i = 0; i < num; i++) {
        struct json line;
        EM_TRY(run_parse_line(r, lines, first + i, i, &line));
        const enum em_status status =
            journal_read_replies(&line, key, &r->e->data.cases[i], r->e->arena, r->replies[i]);
        json_close(&line);
        EM_TRY(status);
    }
    return EM_OK;
}

// The metrics of cases [0, num), whose replies have been read.
static cJSON *metrics_of(const struct run *r, int num)
{
    return summary_metrics(r->e->arena, &r->e->spec, &r->e->data, num, r->replies);
}

static void add_point(const struct run *r, cJSON *curve, int edits)
{
    cJSON *point = cJSON_CreateObject();
    cJSON_AddNumberToObject(point, "edits", edits);
    cJSON_AddItemToObject(point, "metrics", metrics_of(r, edits));
    cJSON_AddItemToArray(curve, point);
}

static const cJSON *last_of(const cJSON *list)
{
    return cJSON_GetArrayItem(list, cJSON_GetArraySize(list) - 1);
}

// Means over the cases so far, at batch ends that are evenly spread.
static void add_fresh_curve(const struct run *r, cJSON *curve)
{
    const int num = r->e->data.num, size = r->e->spec.run.batch_size;
    const int batches = (num + size - 1) / size;
    const int points = batches < CURVE_POINTS ? batches : CURVE_POINTS;
    for (int i = 1; i <= points; i++) {
        const int batch = (int) ((int64_t) batches * i / points);
        add_point(r, curve, run_batch_end(r, (batch - 1) * size));
    }
}

static enum em_status fill_cases(struct run *r, const struct lines *cases, cJSON *json)
{
    const struct spec_evaluate *asked = &r->e->spec.evaluate;
    const int num = r->e->data.num;
    cJSON *metrics, *before, *curve = cJSON_CreateArray();
    if (asked->fresh)
        EM_TRY(read_replies(r, cases, 0, num, "post"));
    metrics = asked->fresh ? metrics_of(r, num) : cJSON_CreateObject();
    cJSON_AddItemToObject(json, "metrics", metrics);
    cJSON_AddItemToObject(json, "fresh_curve", curve);
    if (asked->fresh && r->keeps)
        add_fresh_curve(r, curve);
    if (asked->before)
        EM_TRY(read_replies(r, cases, 0, num, "pre"));
    before = asked->before ? metrics_of(r, num) : cJSON_CreateNull();
    cJSON_AddItemToObject(json, "before", before);
    return EM_OK;
}

static enum em_status fill_retained(struct run *r, cJSON *json)
{
    const int num = r->e->data.num;
    cJSON *curve = cJSON_AddArrayToObject(json, "retained_curve");
    struct lines lines;
    EM_TRY(run_read_lines(r, RUN_RETAINED, run_retained_lines(r, num), &lines));
    for (int first = 0, end; lines.num && first < num; first = end) {
        end = run_batch_end(r, first);
        if (!run_state_is_due(r, first, end))
            continue;
        EM_TRY(read_replies(r, &lines, run_retained_lines(r, first), end, "post"));
        add_point(r, curve, end);
    }
    cJSON *last = cJSON_Duplicate(last_of(curve), true);
    cJSON_AddItemToObject(json, "retained", last ? last : cJSON_CreateNull());
    return EM_OK;
}

// The states, their means beside the other metrics; the last one's values beside what was retained
// there, and the unedited model's beside its answers.
static enum em_status fill_states(struct run *r, cJSON *json)
{
    const struct experiment *e = r->e;
    cJSON *list = cJSON_AddArrayToObject(json, "states");
    struct lines lines;
    EM_TRY(run_read_lines(r, RUN_STATES, run_states_lines(r, e->data.num), &lines));
    for (int i = 0; i < lines.num; i++) {
        struct json line;
        EM_TRY(json_parse(e->log, run_file(r, RUN_STATES), i + 1, lines.at[i], &line));
        cJSON_AddItemToArray(list, line.root);
    }
    cJSON *unedited = r->before ? cJSON_DetachItemFromArray(list, 0) : NULL;
    if (unedited)
        summary_add_states(e->arena, &e->spec, unedited, cJSON_GetObjectItem(json, "before"));
    cJSON_Delete(unedited);
    cJSON *last = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "retained"), "metrics");
    summary_add_states(e->arena, &e->spec, list->child, cJSON_GetObjectItem(json, "metrics"));
    if (last)
        summary_add_states(e->arena, &e->spec, last_of(list), last);
    return EM_OK;
}

static enum em_status fill_series(struct run *r, const struct lines *cases, cJSON *json)
{
    struct series *list = NULL;
    for (int i = 0; i < cases->num; i++) {
        struct json line;
        EM_TRY(run_parse_line(r, cases, i, i, &line));
        series_add(r->e->arena, &list, json_get(line.root, "series"));
        json_close(&line);
    }
    cJSON_AddItemToObject(json, "series", series_write(list));
    return EM_OK;
}

// What each metric says of itself, for readers who have not its plugin.
static cJSON *describe_metrics(const struct spec *spec)
{
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < spec->num_metrics; i++) {
        const struct em_metric *m = spec->metrics[i].metric;
        cJSON_AddStringToObject(json, m->name, m->summary);
    }
    return json;
}

static enum em_status fill_summary(struct run *r, cJSON *json)
{
    struct experiment *e = r->e;
    struct lines cases;
    EM_TRY(run_read_lines(r, RUN_CASES, e->data.num, &cases));
    cJSON_AddStringToObject(json, "name", e->spec.root.name);
    cJSON_AddNumberToObject(json, "facts", e->data.num);
    cJSON_AddItemToObject(json, "run", cJSON_Duplicate(json_get(e->json, "run"), true));
    cJSON_AddItemToObject(json, "algorithm", cJSON_Duplicate(json_get(e->json, "algorithm"), true));
    cJSON_AddItemToObject(json, "about", describe_metrics(&e->spec));
    EM_TRY(fill_cases(r, &cases, json));
    EM_TRY(fill_retained(r, json));
    EM_TRY(fill_states(r, json));
    EM_TRY(fill_series(r, &cases, json));
    cJSON *model = cJSON_AddObjectToObject(json, "model");
    cJSON_AddStringToObject(model, "name", em_model(e->session)->name);
    cJSON_AddStringToObject(model, "sha256", session_model_hash(e->session));
    cJSON *identity = cJSON_Duplicate(e->identity, true);
    cJSON_AddItemToObject(json, "profile", cJSON_DetachItemFromObject(identity, "profile"));
    cJSON_AddItemToObject(json, "identity", identity);
    return EM_OK;
}

static cJSON *make_timing(const struct run *r)
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
    cJSON_AddNumberToObject(json, "flop", cost.flop - e->flop_before);
    cJSON *memory = cJSON_AddObjectToObject(json, "peak_memory"); // bytes
    cJSON_AddNumberToObject(memory, "device", (double) cost.peak_memory);
    cJSON_AddNumberToObject(memory, "resident", 1024.0 * (double) usage.ru_maxrss);
    return json;
}

// The summary is written last: a folder that holds one is finished.
enum em_status run_results(struct run *r)
{
    struct experiment *e = r->e;
    cJSON *summary = cJSON_CreateObject();
    enum em_status status = fill_summary(r, summary);
    cJSON *timing = make_timing(r);
    if (status == EM_OK)
        status = folder_write_json(&e->folder, "timing.json", timing);
    if (status == EM_OK)
        status = folder_write_json(&e->folder, "summary.json", summary);
    cJSON_Delete(timing);
    cJSON_Delete(summary);
    return status;
}
