// A sweep shown before it is run: its points, and the time and memory they take. See sweep.h.

#include <string.h>

#include "base/clock.h"
#include "experiment/sweep/estimate/estimate.h"

static const char *point_state(const struct point_estimate *p)
{
    return !p->chosen    ? "not chosen"
           : p->finished ? "finished"
           : p->busy     ? "in another process"
                         : NULL;
}

static void print_table(const struct sweep *s, const struct estimate *e, FILE *to)
{
    char time[32];
    int width = 8, to_run = 0;
    for (int i = 0; i < s->grid.num_points; i++)
        width = (int) strlen(s->points[i].name) > width ? (int) strlen(s->points[i].name) : width;
    fprintf(to, "%s: %d point%s\n\n", s->folder, s->grid.num_points,
            s->grid.num_points == 1 ? "" : "s");
    for (int i = 0; i < s->grid.num_points; i++) {
        const char *state = point_state(&e->points[i]), *name = s->points[i].name;
        time_print(time, sizeof(time), e->points[i].seconds);
        fprintf(to, "  %-*s  %s\n", width, *name ? name : "the run", state ? state : time);
        to_run += !state;
    }
    if (!to_run)
        return;
    time_print(time, sizeof(time), e->seconds);
    fprintf(to, "  %-*s  %s\n\n", width, "in all", time);
    fprintf(to, "  memory   at most %.0f MB on the device, about %.0f MB on the host\n",
            e->device / 1e6, e->host / 1e6);
    fprintf(to, "  measured on a few cases; it may take half as long, or twice\n");
}

static void print_json(const struct sweep *s, const struct estimate *e, FILE *to)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "folder", s->folder);
    cJSON_AddNumberToObject(json, "seconds", e->seconds);
    cJSON *memory = cJSON_AddObjectToObject(json, "memory"); // bytes
    cJSON_AddNumberToObject(memory, "device", e->device);
    cJSON_AddNumberToObject(memory, "host", e->host);
    cJSON *points = cJSON_AddArrayToObject(json, "points");
    for (int i = 0; i < s->grid.num_points; i++) {
        const char *state = point_state(&e->points[i]);
        cJSON *point = cJSON_CreateObject();
        cJSON_AddItemToArray(points, point);
        cJSON_AddStringToObject(point, "folder", s->points[i].folder);
        cJSON_AddStringToObject(point, "state", state ? state : "to run");
        cJSON_AddNumberToObject(point, "seconds", e->points[i].seconds);
    }
    fputs(json_print(s->arena, json), to);
    cJSON_Delete(json);
}

enum em_status sweep_plan(struct sweep *s, int only, FILE *to, bool json)
{
    struct arena *a = arena_create();
    struct estimate estimate;
    const int first = only < 0 ? 0 : only, end = only < 0 ? s->grid.num_points : only + 1;
    const enum em_status status = estimate_sweep(s, a, first, end, &estimate);
    if (status == EM_OK)
        (json ? print_json : print_table)(s, &estimate, to);
    arena_destroy(&a);
    return status;
}
