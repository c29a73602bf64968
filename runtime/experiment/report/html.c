// The page of a study; see html.h.

#include "experiment/report/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file/file.h"
#include "base/text/escape.h"
#include "experiment/report/tables.h"

struct page {
    FILE *to;
    const struct study *study;
    struct arena *arena;
};

static void put(const struct page *p, const char *markup)
{
    fputs(markup, p->to);
}

static void say(const struct page *p, const char *text)
{
    escape_xml(p->to, text);
}

static void put_link(const struct page *p, const char *address, const char *text)
{
    put(p, "<a href=\"");
    escape_address(p->to, address);
    put(p, "\">");
    say(p, text);
    put(p, "</a>");
}

// --- what was run

struct texts {
    const char **items;
    size_t num, cap;
};

static void add_text(const struct page *p, struct texts *list, const char *text)
{
    for (size_t i = 0; i < list->num; i++)
        if (strcmp(list->items[i], text) == 0)
            return;
    *arena_push(p->arena, list) = text;
}

// One row of the list: what the points say, each saying once.
static void put_fact(const struct page *p, const char *title, const struct texts *list)
{
    enum { MOST = 40, LONG = 30 };
    if (!list->num)
        return;
    put(p, "<dt>");
    say(p, title);
    put(p, "</dt><dd>");
    size_t length = 0;
    for (size_t i = 0; i < list->num; i++)
        length += strlen(list->items[i]) / list->num;
    for (size_t i = 0; i < list->num && i < MOST; i++) {
        put(p, i == 0 ? "" : length > LONG ? "<br>\n" : " · ");
        say(p, list->items[i]);
    }
    if (list->num > MOST)
        fprintf(p->to, " · and %zu more", list->num - MOST);
    put(p, "</dd>\n");
}

// The data's files, without where they lie.
static void put_data(const struct page *p)
{
    struct texts list = {0};
    for (int i = 0; i < p->study->num_points; i++) {
        const cJSON *data = json_get(p->study->points[i].experiment.root, "data");
        if (data)
            add_text(p, &list, path_name(study_text(data, "path", "in the experiment itself")));
    }
    put_fact(p, "Data", &list);
}

static bool is_swept(const struct page *p, const char *path)
{
    for (int k = 0; k < p->study->num_axes; k++)
        if (strcmp(p->study->axes[k].path, path) == 0)
            return true;
    return false;
}

// "memit: layers 5, lambda 100, ...", without what is swept
static const char *algorithm_text(const struct page *p, const struct study_point *point)
{
    const cJSON *algorithm = json_get(point->summary.root, "algorithm");
    char *text = arena_copy(p->arena, study_text(algorithm, "name", "?"));
    const char *between = ": ";
    for (const cJSON *o = json_members(algorithm); o; o = o->next) {
        if (strcmp(o->string, "name") == 0 || cJSON_IsNull(o) ||
            is_swept(p, arena_print(p->arena, "algorithm.%s", o->string)))
            continue;
        text = arena_print(p->arena, "%s%s%s %s", text, between, o->string,
                           study_value_text(p->arena, o));
        between = ", ";
    }
    return text;
}

static const char *mode_text(const struct page *p, const struct study_point *point)
{
    const cJSON *run = json_get(point->summary.root, "run");
    const char *mode = study_text(run, "mode", "single");
    const double size = study_number(json_get(run, "batch_size"));
    return size > 1 && !is_swept(p, "run.batch_size")
               ? arena_print(p->arena, "%s, batches of %.0f facts", mode, size)
               : mode;
}

static double total_seconds(const struct study *s)
{
    double total = 0;
    for (int i = 0; i < s->num_points; i++) {
        const double seconds =
            study_number(json_get(json_get(s->points[i].timing.root, "seconds"), "total"));
        total += isnan(seconds) ? 0 : seconds;
    }
    return total;
}

// The values of a swept setting; names of algorithms and modes stand in rows of their own.
static void put_axis(const struct page *p, const struct study_axis *axis)
{
    struct texts list = {0};
    if (strcmp(axis->path, "algorithm.name") == 0 || strcmp(axis->path, "run.mode") == 0)
        return;
    for (int i = 0; i < axis->num_values; i++)
        add_text(p, &list, axis->texts[i]);
    put_fact(p, arena_print(p->arena, "Swept: %s", axis->title), &list);
}

static void put_summary(const struct page *p)
{
    const struct study *s = p->study;
    struct texts models = {0}, facts = {0}, algorithms = {0}, modes = {0}, devices = {0};
    for (int i = 0; i < s->num_points; i++) {
        const cJSON *summary = s->points[i].summary.root, *timing = s->points[i].timing.root;
        add_text(p, &models, study_text(json_get(summary, "model"), "name", "?"));
        add_text(p, &facts, study_value_text(p->arena, json_get(summary, "facts")));
        add_text(p, &algorithms, algorithm_text(p, &s->points[i]));
        add_text(p, &modes, mode_text(p, &s->points[i]));
        if (timing)
            add_text(p, &devices,
                     arena_print(p->arena, "%s, %s", study_text(timing, "device", "?"),
                                 study_text(timing, "driver_version", "?")));
    }
    put(p, "<dl>\n");
    put_fact(p, "Model", &models);
    put_data(p);
    put_fact(p, "Facts", &facts);
    put_fact(p, "Algorithm", &algorithms);
    put_fact(p, "Mode", &modes);
    for (int k = 0; k < s->num_axes; k++)
        put_axis(p, &s->axes[k]);
    put_fact(p, "Device", &devices);
    fprintf(p->to, "<dt>Runs</dt><dd>%d", s->num_points);
    if (s->num_missing)
        fprintf(p->to, " finished, %d not", s->num_missing);
    if (total_seconds(s) > 0)
        fprintf(p->to, "; %.0f seconds in all", total_seconds(s));
    put(p, "</dd>\n</dl>\n");
}

static void put_missing(const struct page *p)
{
    const struct study *s = p->study;
    if (!s->num_missing)
        return;
    put(p, "<p class=\"note\">Not finished, and so not in this report: ");
    for (int i = 0; i < s->num_missing; i++) {
        put(p, i ? ", <code>" : "<code>");
        say(p, s->missing[i]);
        put(p, "</code>");
    }
    put(p, ". Running the experiment again goes on with them.</p>\n");
}

static void put_metric(const struct page *p, const struct study_metric *m)
{
    put(p, "<dt>");
    say(p, m->label);
    put(p, "</dt><dd>");
    say(p, *m->about ? m->about : figure_metric_title(p->arena, m));
    put(p, "</dd>\n");
}

static void put_how_to_read(const struct page *p)
{
    put(p, "<h2>How to read this</h2>\n<dl class=\"metrics\">\n");
    for (int i = 0; i < p->study->num_metrics; i++)
        put_metric(p, &p->study->metrics[i]);
    put(p, "</dl>\n"
           "<p>Bands and bars are 95 % intervals of the mean over facts: bootstrap, or Wilson’s "
           "where all facts agree. Dashed lines with open points are the second of a pair or "
           "figures of a paper, as the legend says. Each number links to the folder of its run, "
           "which holds every prompt’s likelihoods.</p>\n");
}

// --- figures

static void put_figure(const struct page *p, const struct chart *chart, const char *svg)
{
    fprintf(p->to, "<section id=\"%s\">\n<h2>", chart->name);
    say(p, chart->title);
    put(p, "</h2>\n");
    if (chart->text) {
        put(p, "<p>");
        say(p, chart->text);
        put(p, "</p>\n");
    }
    if (svg) {
        put(p, "<figure><div class=\"wide\">\n");
        put(p, svg);
        put(p, "\n</div></figure>\n");
    }
    html_write_chart_table(p->to, p->arena, chart);
    put(p, "</section>\n");
}

// --- every run

static void put_stage_row(const struct page *p, enum study_stage stage,
                          const struct study_point *point)
{
    const struct study *s = p->study;
    const bool shared = table_is_shared(s, stage);
    put(p, "<tr><td class=\"name\">");
    if (shared)
        put(p, "all");
    else
        put_link(p, point->link, point->name);
    put(p, "</td>");
    for (int k = 0; k < s->num_axes; k++) {
        put(p, s->axes[k].numeric ? "<td class=\"number\">" : "<td>");
        say(p, shared ? "" : table_key_text(s, point, k));
        put(p, "</td>");
    }
    for (int i = 0; i < s->num_metrics; i++) {
        const struct study_metric *m = &s->metrics[i];
        const struct study_value v = study_read_value(study_metrics_of(point, stage), m->name);
        put(p, "<td class=\"number\">");
        say(p, table_mean(s, m, v));
        put(p, "<small>");
        say(p, table_interval(s, m, v));
        put(p, "</small></td>");
    }
    put(p, "</tr>\n");
}

static void put_stage(const struct page *p, enum study_stage stage, const char *title)
{
    const struct study *s = p->study;
    if (!study_has_stage(s, stage))
        return;
    fprintf(p->to, "<h3>%s</h3>\n<div class=\"wide\"><table>\n<thead><tr><th>run</th>", title);
    for (int k = 0; k < s->num_axes; k++) {
        put(p, s->axes[k].numeric ? "<th class=\"number\">" : "<th>");
        say(p, s->axes[k].title);
        put(p, "</th>");
    }
    for (int i = 0; i < s->num_metrics; i++) {
        put(p, "<th class=\"number\">");
        say(p, s->metrics[i].label);
        put(p, "</th>");
    }
    put(p, "</tr></thead>\n<tbody>\n");
    const int rows = table_is_shared(s, stage) ? 1 : s->num_points;
    for (int i = 0; i < rows; i++)
        put_stage_row(p, stage, &s->points[i]);
    put(p, "</tbody></table></div>\n");
}

static void put_runs(const struct page *p)
{
    put(p, "<section id=\"runs\">\n<h2>Every run</h2>\n");
    put_stage(p, STUDY_FRESH, "Fresh: right after each batch");
    put_stage(p, STUDY_RETAINED, "Retained: all facts, at the end");
    put_stage(p, STUDY_BEFORE, "Before the edits");
    put(p, "<p class=\"note\">As files: ");
    put_link(p, "sweep.csv", "sweep.csv");
    put(p, " with every number, ");
    put_link(p, "table.txt", "table.txt");
    put(p, ", ");
    put_link(p, "table.tex", "table.tex");
    put(p, ", and the figures in ");
    put_link(p, "figures/", "figures");
    put(p, ".</p>\n</section>\n");
}

// --- settings

static void put_json(const struct page *p, const char *title, const cJSON *json)
{
    char *text = json ? cJSON_Print(json) : NULL;
    if (!text)
        return;
    put(p, "<details><summary>");
    say(p, title);
    put(p, "</summary>\n<pre>");
    for (const char *line = text; *line;) { // a tab or a line break is no control character here
        const size_t length = strcspn(line, "\n");
        char *copy = arena_print(p->arena, "%.*s", (int) length, line);
        const size_t tabs = strspn(copy, "\t");
        fprintf(p->to, "%*s", 2 * (int) tabs, "");
        for (char *c = copy + tabs; *c; c++)
            *c = *c == '\t' ? ' ' : *c;
        say(p, copy + tabs);
        put(p, "\n");
        line += length + (line[length] == '\n');
    }
    put(p, "</pre></details>\n");
    free(text);
}

static void put_profile(const struct page *p)
{
    const struct study *s = p->study;
    struct texts hashes = {0}, profiles = {0};
    for (int i = 0; i < s->num_points; i++) {
        const cJSON *summary = s->points[i].summary.root;
        add_text(p, &profiles, study_text(summary, "profile", "unknown"));
        const cJSON *identity = json_get(summary, "identity");
        for (const cJSON *h = json_members(identity); h; h = h->next)
            if (cJSON_IsString(h))
                add_text(p, &hashes, arena_print(p->arena, "%s %s", h->string, h->valuestring));
    }
    put(p, "<h3>SHA-256 of what went in</h3>\n<p>");
    for (size_t i = 0; i < hashes.num; i++) {
        put(p, i ? "<br>\n<code>" : "<code>");
        say(p, hashes.items[i]);
        put(p, "</code>");
    }
    put(p, "</p>\n<h3>Arithmetic</h3>\n");
    for (size_t i = 0; i < profiles.num; i++) {
        put(p, "<p><code>");
        say(p, profiles.items[i]);
        put(p, "</code></p>\n");
    }
}

static void put_settings(const struct page *p)
{
    const struct study *s = p->study;
    put(p,
        "<section id=\"settings\">\n<h2>Settings</h2>\n"
        "<p>The experiment with every default written out; it is itself a valid experiment.</p>\n");
    if (s->sweep.root) {
        put_json(p, "The sweep", json_get(s->sweep.root, "axes"));
        put_json(p, "What its points have in common", json_get(s->sweep.root, "experiment"));
    } else {
        for (int i = 0; i < s->num_points; i++)
            put_json(p, s->points[i].name, s->points[i].experiment.root);
    }
    put_profile(p);
    put(p, "</section>\n");
}

void html_write(FILE *to, const struct study *s, const struct figures *figures,
                const char *const *svgs, const char *undrawn)
{
    const struct page p = {to, s, s->arena};
    put(&p, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<link rel=\"icon\" href=\"data:,\">\n<title>");
    say(&p, s->name);
    put(&p, "</title>\n");
    html_write_style(to);
    put(&p, "</head>\n<body>\n<main>\n<h1>");
    say(&p, s->name);
    put(&p, "</h1>\n");
    if (*s->about) {
        put(&p, "<p class=\"about\">");
        say(&p, s->about);
        put(&p, "</p>\n");
    }
    put_summary(&p);
    put_missing(&p);
    put_how_to_read(&p);
    if (undrawn) {
        put(&p, "<p class=\"note\">Here are only the numbers of the figures: ");
        say(&p, undrawn);
        put(&p, "</p>\n");
    }
    for (size_t i = 0; i < figures->num; i++)
        put_figure(&p, &figures->items[i], svgs[i]);
    put_runs(&p);
    put_settings(&p);
    put(&p, "<footer>Made by emend " EMEND_VERSION " from the files beside it.</footer>\n"
            "</main>\n</body>\n</html>\n");
}
