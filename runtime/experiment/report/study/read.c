// Run and sweep folders read into a study; see study.h.

#include <math.h>
#include <string.h>

#include "base/file/file.h"
#include "experiment/report/study/study.h"
#include "experiment/result/summary.h"

struct list { // of points
    struct study_point *items;
    size_t num, cap;
};

struct names {
    const char **items;
    size_t num, cap;
};

static enum em_status read_if_there(const struct study *s, const char *folder, const char *name,
                                    struct json *out)
{
    const char *path = path_join(s->arena, folder, name);
    return file_exists(path) ? json_read(s->log, s->arena, path, out) : EM_OK;
}

// `folder` as it is reached from the folder of the report.
static const char *link_to(const struct study *s, const char *folder)
{
    const char *from = path_absolute(s->arena, s->folder), *to = path_absolute(s->arena, folder);
    size_t common = 0;
    for (size_t i = 0;; i++) {
        const bool from_ends = !from[i] || from[i] == '/', to_ends = !to[i] || to[i] == '/';
        if (from_ends && to_ends)
            common = i;
        if (!from[i] || !to[i] || from[i] != to[i])
            break;
    }
    char *link = arena_copy(s->arena, "");
    for (const char *c = from + common; *c; c++)
        if (*c == '/' && c[1])
            link = arena_print(s->arena, "%s../", link);
    const char *rest = to + common;
    rest += *rest == '/';
    return arena_print(s->arena, "%s%s%s", *link || *rest ? link : "./", rest, *rest ? "/" : "");
}

static enum em_status read_point(const struct study *s, const char *folder, struct list *points)
{
    struct study_point *p = arena_push(s->arena, points);
    *p = (struct study_point) {.folder = folder, .link = link_to(s, folder)};
    p->name = path_name(path_absolute(s->arena, folder));
    EM_TRY(json_read(s->log, s->arena, path_join(s->arena, folder, "summary.json"), &p->summary));
    EM_TRY(read_if_there(s, folder, "timing.json", &p->timing));
    return read_if_there(s, folder, "experiment.json", &p->experiment);
}

static bool is_finished(const struct study *s, const char *folder)
{
    return file_exists(path_join(s->arena, folder, "summary.json"));
}

static enum em_status read_sweep(struct study *s, const char *folder, bool alone,
                                 struct list *points, struct names *missing)
{
    struct json sweep;
    EM_TRY(json_read(s->log, s->arena, path_join(s->arena, folder, "sweep.json"), &sweep));
    const cJSON *list = json_get(sweep.root, "points");
    enum em_status status = EM_OK;
    for (const cJSON *at = list ? list->child : NULL; at && status == EM_OK; at = at->next) {
        const char *name = arena_copy(s->arena, study_text(at, "folder", ""));
        const char *path = path_join(s->arena, folder, name);
        if (*name && is_finished(s, path))
            status = read_point(s, path, points);
        else
            *arena_push(s->arena, missing) = name;
    }
    if (status == EM_OK && alone)
        s->sweep = sweep;
    else
        json_close(&sweep);
    return status;
}

static enum em_status read_folder(struct study *s, const char *folder, bool alone,
                                  struct list *points, struct names *missing)
{
    if (!file_is_folder(folder))
        return log_fail(s->log, EM_ERR_CONFIG,
                        "%s: there is no such folder; a report is made of run folders, such as "
                        "runs/quickstart, and of sweep folders",
                        folder);
    if (file_exists(path_join(s->arena, folder, "sweep.json")))
        return read_sweep(s, folder, alone, points, missing);
    if (is_finished(s, folder))
        return read_point(s, folder, points);
    return log_fail(s->log, EM_ERR_CONFIG,
                    "%s: has neither a summary.json nor a sweep.json: it is not the folder of a "
                    "finished run, nor of a sweep",
                    folder);
}

// --- metrics

static bool is_percent(const struct study *s, const char *name)
{
    for (int i = 0; i < s->num_points; i++)
        for (int stage = 0; stage < STUDY_STAGES; stage++) {
            const struct study_value v =
                study_read_value(study_metrics_of(&s->points[i], stage), name);
            if (v.mean < 0 || v.mean > 100 || v.low < 0 || v.high > 100)
                return false;
        }
    return true;
}

static const struct study_metric *find_metric(const struct study *s, const char *name)
{
    for (int i = 0; i < s->num_metrics; i++)
        if (strcmp(s->metrics[i].name, name) == 0)
            return &s->metrics[i];
    return NULL;
}

static void add_metrics(struct study *s, const struct study_point *p, bool of_state, int most)
{
    const cJSON *metrics = study_metrics_of(p, STUDY_FRESH);
    for (const cJSON *m = json_members(metrics); m && s->num_metrics < most; m = m->next) {
        if (find_metric(s, m->string) ||
            summary_is_of_state(p->summary.root, m->string) != of_state)
            continue;
        const char *unit = study_text(m, "unit", of_state ? "" : "percent");
        const bool percent = strcmp(unit, "percent") == 0 && is_percent(s, m->string);
        s->metrics[s->num_metrics++] = (struct study_metric) {
            .name = m->string,
            .label = study_text(m, "label", m->string),
            .about = study_text(json_get(p->summary.root, "about"), m->string, ""),
            .unit = unit,
            .percent = percent,
            .of_state = of_state,
        };
    }
}

static void find_metrics(struct study *s)
{
    int most = 1;
    for (int i = 0; i < s->num_points; i++)
        most += cJSON_GetArraySize(study_metrics_of(&s->points[i], STUDY_FRESH));
    s->metrics = arena_array(s->arena, struct study_metric, most);
    for (int of_state = 0; of_state < 2; of_state++)
        for (int i = 0; i < s->num_points; i++)
            add_metrics(s, &s->points[i], of_state, most);
}

static void find_names(struct study *s)
{
    const cJSON *of = s->sweep.root ? s->sweep.root : s->points[0].experiment.root;
    const char *name = s->points[0].name;
    if (s->num_points > 1 && !s->sweep.root)
        name = arena_print(s->arena, "%d runs compared", s->num_points);
    const bool compared = s->num_points > 1 && !s->sweep.root;
    s->name = compared ? name : study_text(of, "name", name);
    s->about = compared ? "" : study_text(of, "about", "");
    s->reference = json_get(of, "reference");
}

static enum em_status fail_unfinished(const struct study *s, const char *folder, bool several)
{
    const char *whose = several ? "their" : "its";
    const char *what =
        s->num_missing == 1
            ? arena_print(s->arena, "%s only point is not finished", whose)
            : arena_print(s->arena, "none of %s %d points is finished", whose, s->num_missing);
    return log_fail(s->log, EM_ERR_CONFIG, "%s%s: %s; run it first: emend run FILE", folder,
                    several ? " and the others" : "", what);
}

enum em_status study_open(struct study *s, const char *const *folders, int num)
{
    struct list points = {0};
    struct names missing = {0};
    enum em_status status = EM_OK;
    for (int i = 0; i < num && status == EM_OK; i++)
        status = read_folder(s, folders[i], num == 1, &points, &missing);
    s->points = points.items;
    s->num_points = (int) points.num;
    s->missing = missing.items;
    s->num_missing = (int) missing.num;
    EM_TRY(status);
    if (!s->num_points)
        return fail_unfinished(s, folders[0], num > 1);
    find_names(s);
    find_metrics(s);
    study_find_axes(s);
    return study_read_margins(s);
}

void study_close(struct study *s)
{
    for (int i = 0; i < s->num_points; i++) {
        json_close(&s->points[i].summary);
        json_close(&s->points[i].timing);
        json_close(&s->points[i].experiment);
    }
    json_close(&s->sweep);
}
