// Run and sweep folders for the tests of reports; see fixture.h.

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "fixture.h"

enum { FACTS = 40, METRICS = 4, MAX_AXES = 2 };

struct kind {
    const char *name, *base, *axes, *reference;
    bool is_run; // a run folder, no sweep
};

#define BASE(extra)                                                                                \
    "{\"name\":\"study\",\"about\":\"Numbers that were made up\",\"model\":\"models/small\","      \
    "\"seed\":0,\"data\":{\"format\":\"counterfact\",\"path\":\"facts.json\",\"count\":40},"       \
    "\"algorithm\":{\"name\":\"memit\",\"layers\":[1],\"lambda\":100},"                            \
    "\"run\":{\"mode\":\"batch\",\"batch_size\":8}" extra "}"

#define ALGORITHMS                                                                                 \
    "{\"path\":\"algorithm\",\"values\":[{\"name\":\"memit\",\"layers\":[1],\"lambda\":100},"      \
    "{\"name\":\"emmet\",\"layers\":[1],\"w\":500,\"alpha\":0.1}]}"

static const struct kind kinds[] = {
    {.name = "one", .base = BASE(""), .axes = "[]", .is_run = true},
    {.name = "layers",
     .base = BASE(""),
     .axes = "[" ALGORITHMS ",{\"path\":\"algorithm.layers\",\"values\":[[0],[1],[2],[3],[4],[5],"
             "[6],[7],[8],[9],[10],[11]]}]"},
    {.name = "batches",
     .base = BASE(""),
     .axes = "[" ALGORITHMS ",{\"path\":\"run.batch_size\",\"values\":[1,4,16,64,256]}]",
     .reference =
         "[{\"label\":\"arXiv:0000.00000, figure 2\",\"where\":{\"algorithm.name\":"
         "\"memit\"},\"x\":\"run.batch_size\",\"points\":[{\"x\":64,\"efficacy\":97.7,"
         "\"paraphrase\":87.2,\"neighborhood\":88.4,\"score\":90.9},{\"x\":16,"
         "\"efficacy\":98.5,\"paraphrase\":90,\"neighborhood\":89,\"score\":92}]},"
         "{\"label\":\"before, as published\",\"points\":[{\"efficacy\":20,\"score\":30}]}]"},
    {.name = "sequential",
     .base = BASE(",\"x\":\"\""),
     .axes = "[{\"path\":\"run\",\"values\":[{\"mode\":\"sequential-batched\",\"batch_size\":4},"
             "{\"mode\":\"sequential-batched\",\"batch_size\":16},"
             "{\"mode\":\"sequential-batched\",\"batch_size\":64}]}]"},
    {.name = "lambda",
     .base = BASE(""),
     .axes = "[{\"path\":\"algorithm.lambda\",\"values\":[0.01,1,100,10000,1000000]}]"},
    {.name = "texts",
     .base = BASE(""),
     .axes = "[{\"path\":\"algorithm\",\"values\":[{\"name\":\"memit\"},{\"name\":\"emmet\"},"
             "{\"name\":\"rome\"}]},{\"path\":\"tokens.bos\",\"values\":[\"auto\",\"none\"]}]"},
    {.name = "large",
     .base = BASE(""),
     .axes = "[" ALGORITHMS ",{\"path\":\"algorithm.layers\",\"values\":[[0],[1],[2],[3],[4],[5],"
             "[6],[7],[8],[9],[10],[11],[12],[13],[14],[15],[16],[17],[18],[19],[20],[21],[22],"
             "[23],[24],[25],[26],[27],[28],[29]]}]"},
    {.name = "hostile", .base = BASE(""), .axes = NULL},
};

const char *const fixture_names[] = {"one",   "layers", "batches", "sequential", "lambda",
                                     "texts", "large",  "hostile", NULL};

struct point {
    const char *folder;
    cJSON *experiment;
    int at[MAX_AXES];
};

// --- JSON, by printf

static cJSON *parse(const char *text)
{
    cJSON *json = cJSON_Parse(text);
    if (!json) {
        fprintf(stderr, "fixture: not JSON: %s\n", text);
        abort();
    }
    return json;
}

static void write_json(const char *folder, const char *name, const cJSON *json)
{
    char *path, *text = cJSON_Print(json);
    FILE *to = asprintf(&path, "%s/%s", folder, name) > 0 ? fopen(path, "w") : NULL;
    if (!to)
        abort();
    fprintf(to, "%s\n", text);
    fclose(to);
    free(path);
    free(text);
}

static cJSON *statistic(const char *label, double mean, double half)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "label", label);
    cJSON_AddNumberToObject(json, "mean", mean);
    cJSON_AddNumberToObject(json, "sd", 10);
    cJSON_AddNumberToObject(json, "n", FACTS);
    const double interval[] = {fmax(0, mean - half), mean + half};
    cJSON_AddItemToObject(json, "ci95", cJSON_CreateDoubleArray(interval, 2));
    return json;
}

static const char *const names[METRICS] = {"efficacy", "paraphrase", "neighborhood", "score"};
static const char *const labels[METRICS] = {"ES", "PS", "NS", "S"};

// All metrics, each `less` below where it begins.
static cJSON *metrics(double less)
{
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < METRICS; i++)
        cJSON_AddItemToObject(json, names[i],
                              statistic(labels[i], fmax(0, 90 - 10 * i - less), FIXTURE_INTERVAL));
    return json;
}

static cJSON *all_before(void)
{
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < METRICS; i++)
        cJSON_AddItemToObject(json, names[i],
                              statistic(labels[i], FIXTURE_BEFORE, FIXTURE_INTERVAL));
    return json;
}

static double less_of(const struct point *p)
{
    return FIXTURE_STEP * p->at[0] + 3 * p->at[1];
}

// --- a run

static void add_curves(cJSON *summary, const struct point *p, int batch)
{
    cJSON *fresh = cJSON_AddArrayToObject(summary, "fresh_curve");
    cJSON *retained = cJSON_AddArrayToObject(summary, "retained_curve");
    cJSON *states = cJSON_AddArrayToObject(summary, "states");
    for (int edits = batch; edits <= 256; edits *= 2) {
        cJSON *one = cJSON_CreateObject(), *two = cJSON_CreateObject(),
              *state = cJSON_CreateObject();
        cJSON_AddNumberToObject(one, "edits", edits);
        cJSON_AddItemToObject(one, "metrics", metrics(less_of(p) + sqrt(edits) / 4));
        cJSON_AddItemToArray(fresh, one);
        cJSON_AddNumberToObject(two, "edits", edits);
        cJSON_AddItemToObject(two, "metrics", metrics(less_of(p) + sqrt(edits)));
        cJSON_AddItemToArray(retained, two);
        cJSON_AddNumberToObject(state, "edits", edits);
        cJSON_AddNumberToObject(state, "first", edits - batch);
        cJSON_AddNumberToObject(state, "drift", 0.0007 * edits / (1 + p->at[0]));
        cJSON_AddNumberToObject(state, "norm", 3 * sqrt(edits));
        cJSON_AddItemToArray(states, state);
    }
    cJSON *last = cJSON_AddObjectToObject(summary, "retained");
    cJSON_AddNumberToObject(last, "edits", 256);
    cJSON_AddItemToObject(last, "metrics", metrics(less_of(p) + FIXTURE_RETAINED_LESS));
    cJSON *all = cJSON_GetObjectItem(summary, "metrics");
    cJSON_AddItemToObject(all, "drift", statistic("drift", 0.02 * (1 + p->at[0]), 0.01));
    cJSON_AddItemToObject(all, "norm", statistic("norm", 30 + p->at[0], 2));
}

static void write_summary(const struct point *p)
{
    cJSON *json = cJSON_CreateObject();
    const cJSON *run = cJSON_GetObjectItem(p->experiment, "run");
    const char *mode = cJSON_GetStringValue(cJSON_GetObjectItem(run, "mode"));
    const cJSON *size = cJSON_GetObjectItem(run, "batch_size");
    cJSON_AddItemToObject(json, "name",
                          cJSON_Duplicate(cJSON_GetObjectItem(p->experiment, "name"), true));
    cJSON_AddNumberToObject(json, "facts", FACTS);
    cJSON_AddItemToObject(json, "run", cJSON_Duplicate(run, true));
    cJSON_AddItemToObject(json, "algorithm",
                          cJSON_Duplicate(cJSON_GetObjectItem(p->experiment, "algorithm"), true));
    cJSON_AddItemToObject(json, "about", parse("{\"efficacy\":\"a < b, as p & q say\"}"));
    cJSON_AddItemToObject(json, "metrics", metrics(less_of(p)));
    cJSON_AddItemToObject(json, "before", all_before());
    if (strncmp(mode, "sequential", 10) == 0)
        add_curves(json, p, size->valueint);
    cJSON_AddItemToObject(
        json, "series",
        parse("{\"z_norm\":{\"mean\":40,\"sd\":3,\"n\":40},\"update_norm\":{\"mean\":1,\"sd\":0.1,"
              "\"n\":5}}"));
    cJSON *series = cJSON_GetObjectItem(json, "series");
    cJSON_SetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(series, "z_norm"), "mean"),
                         40 + 1.5 * p->at[1] + 0.4 * p->at[0]);
    cJSON_SetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(series, "update_norm"), "mean"),
                         1 + 0.25 * p->at[1]);
    cJSON_AddItemToObject(json, "model", parse("{\"name\":\"small\",\"sha256\":\"0a1b\"}"));
    cJSON_AddStringToObject(json, "profile", "emend; a device; a BLAS");
    cJSON_AddItemToObject(json, "identity",
                          parse("{\"chunk\":64,\"model\":\"0a1b\",\"data\":\"2c\"}"));
    write_json(p->folder, "summary.json", json);
    cJSON_Delete(json);
}

// Margins: before, fact i has -1 - i / 10; after, i / 8 - 1 plus and minus the point's place.
static void write_cases(const struct point *p)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/cases.jsonl", p->folder);
    FILE *to = fopen(path, "w");
    if (!to)
        abort();
    for (int i = 0; i < FACTS; i++) {
        fprintf(to, "{\"case_id\":%d,\"pre\":{\"rewrite_prompts_probs\":[{\"target_new\":%.9g,", i,
                3 + i / 10.0);
        fprintf(to, "\"target_true\":2}]},\"post\":{\"rewrite_prompts_probs\":[{\"target_new\":1,");
        fprintf(to, "\"target_true\":%.9g}]},\"series\":{\"z_norm\":[%d]}}\n",
                i / 8.0 + 0.1 * p->at[1] - 0.5 * p->at[0], 20 + i % 7);
    }
    fclose(to);
}

static void write_run(const struct point *p)
{
    mkdir(p->folder, 0777);
    write_json(p->folder, "experiment.json", p->experiment);
    cJSON *timing = parse("{\"seconds\":{\"value\":3.5,\"total\":4},\"facts\":40,\"device\":"
                          "\"a device\",\"driver_version\":\"1.2\"}");
    write_json(p->folder, "timing.json", timing);
    cJSON_Delete(timing);
    write_summary(p);
    write_cases(p);
}

// --- a sweep

// Sets the value at a path of an experiment, making objects on its way.
static void set_path(cJSON *root, const char *path, const cJSON *value)
{
    char copy[256], *save = NULL;
    snprintf(copy, sizeof(copy), "%s", path);
    char *part = strtok_r(copy, ".", &save);
    for (char *next; (next = strtok_r(NULL, ".", &save)); part = next) {
        if (!cJSON_GetObjectItem(root, part))
            cJSON_AddObjectToObject(root, part);
        root = cJSON_GetObjectItem(root, part);
    }
    cJSON_DeleteItemFromObject(root, part);
    cJSON_AddItemToObject(root, part, cJSON_Duplicate(value, true));
}

static void write_points(const char *folder, const cJSON *base, const cJSON *axes, cJSON *points)
{
    const cJSON *one = cJSON_GetArrayItem(axes, 0), *two = cJSON_GetArrayItem(axes, 1);
    const cJSON *first = cJSON_GetObjectItem(one, "values");
    const cJSON *second = cJSON_GetObjectItem(two, "values");
    for (int i = 0; i < cJSON_GetArraySize(first); i++)
        for (int k = 0; k < (two ? cJSON_GetArraySize(second) : 1); k++) {
            char name[64], path[4096];
            snprintf(name, sizeof(name), "point-%d-%d", i, k);
            snprintf(path, sizeof(path), "%s/%s", folder, name);
            cJSON *listed = cJSON_CreateObject();
            cJSON_AddStringToObject(listed, "folder", name);
            cJSON *experiment = cJSON_Duplicate(base, true);
            set_path(experiment, cJSON_GetObjectItem(one, "path")->valuestring,
                     cJSON_GetArrayItem(first, i));
            if (two)
                set_path(experiment, cJSON_GetObjectItem(two, "path")->valuestring,
                         cJSON_GetArrayItem(second, k));
            cJSON_AddItemToArray(points, listed);
            write_run(&(struct point) {path, experiment, {i, k}});
            cJSON_Delete(experiment);
        }
}

// Values, names, paths and labels with every character that means something somewhere.
static cJSON *hostile_axes(void)
{
    cJSON *axes =
        parse("[{\"path\":\"algorithm\",\"values\":[{\"name\":\"\"},{\"name\":\"memit\"}]},"
              "{\"path\":\"run.batch_size\",\"values\":[1,2,3]}]");
    cJSON *values = cJSON_GetObjectItem(cJSON_GetArrayItem(axes, 0), "values");
    cJSON_ReplaceItemInObject(cJSON_GetArrayItem(values, 0), "name",
                              cJSON_CreateString(FIXTURE_HOSTILE));
    return axes;
}

static const char hostile_reference[] =
    "[{\"label\":\"\",\"x\":\"run.batch_size\",\"points\":[{\"x\":2,\"efficacy\":50}]}]";

static void make(const struct kind *kind, const char *folder)
{
    const bool hostile = !kind->axes;
    cJSON *base = parse(kind->base), *axes = hostile ? hostile_axes() : parse(kind->axes);
    mkdir(folder, 0777);
    if (hostile)
        cJSON_ReplaceItemInObject(base, "name", cJSON_CreateString(FIXTURE_HOSTILE));
    if (kind->is_run) {
        write_run(&(struct point) {folder, base, {0, 0}});
    } else {
        cJSON *sweep = cJSON_CreateObject();
        cJSON_AddItemToObject(sweep, "name",
                              cJSON_Duplicate(cJSON_GetObjectItem(base, "name"), true));
        cJSON_AddStringToObject(sweep, "about", hostile ? FIXTURE_HOSTILE : "A sweep");
        cJSON_AddItemToObject(sweep, "experiment", cJSON_Duplicate(base, true));
        cJSON_AddItemToObject(sweep, "axes", cJSON_Duplicate(axes, true));
        write_points(folder, base, axes, cJSON_AddArrayToObject(sweep, "points"));
        if (kind->reference || hostile)
            cJSON_AddItemToObject(sweep, "reference",
                                  parse(hostile ? hostile_reference : kind->reference));
        cJSON *reference = cJSON_GetArrayItem(cJSON_GetObjectItem(sweep, "reference"), 0);
        if (hostile)
            cJSON_ReplaceItemInObject(reference, "label", cJSON_CreateString(FIXTURE_HOSTILE));
        write_json(folder, "sweep.json", sweep);
        cJSON_Delete(sweep);
    }
    cJSON_Delete(base);
    cJSON_Delete(axes);
}

bool fixture_make(const char *name, const char *folder)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(kinds[i].name, name) == 0) {
            make(&kinds[i], folder);
            return true;
        }
    return false;
}
