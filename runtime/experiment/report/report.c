// A report written: what the files of a folder hold; see report.h.

#include "experiment/report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/file/file.h"
#include "base/file/part.h"
#include "base/text/sheet.h"
#include "experiment/report/html.h"
#include "experiment/report/tables.h"

struct writer {
    struct log *log;
    struct arena *arena;
    const char *folder;
};

static enum em_status end(const struct writer *w, const char *name, struct sheet *sheet)
{
    sheet_end(sheet);
    const char *path = path_join(w->arena, w->folder, name);
    part_sweep(path);
    const enum em_status status = file_write(w->log, path, sheet->text, sheet->size);
    free(sheet->text);
    return status;
}

static enum em_status write_table(const struct writer *w, const char *name, const struct study *s,
                                  void (*write)(FILE *to, const struct study *s))
{
    struct sheet sheet;
    sheet_begin(&sheet);
    write(sheet.to, s);
    return end(w, name, &sheet);
}

static enum em_status write_page(const struct writer *w, const struct study *s,
                                 const struct figures *figures, const char *const *svgs,
                                 const char *undrawn)
{
    struct sheet sheet;
    sheet_begin(&sheet);
    html_write(sheet.to, s, figures, svgs, undrawn);
    return end(w, "report.html", &sheet);
}

// An SVG by itself: with the colours that the page gives it.
static enum em_status write_figure(const struct writer *w, const struct chart *chart,
                                   const char *svg)
{
    struct sheet sheet;
    sheet_begin(&sheet);
    const char *inside = strchr(svg, '>');
    const size_t head = inside ? (size_t) (inside + 1 - svg) : 0;
    fputs("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n", sheet.to);
    fwrite(svg, 1, head, sheet.to);
    fputs("\n<style>\n@media (prefers-color-scheme:dark){\n", sheet.to);
    chart_write_colors(sheet.to, true);
    fprintf(sheet.to, "}\n</style>%s\n", svg + head);
    return end(w, arena_print(w->arena, "figures/%s.svg", chart->name), &sheet);
}

// Without gnuplot the report goes without figures, and says why.
static enum em_status draw(const struct writer *w, const struct figures *figures, const char **svgs,
                           struct report *out, struct arena *kept)
{
    struct log *aside = log_create(NULL, LOG_QUIET);
    const enum em_status status =
        chart_draw(aside, w->arena, figures->items, (int) figures->num, svgs);
    if (status != EM_OK)
        out->undrawn = arena_copy(kept, log_error(aside));
    log_destroy(&aside);
    if (status != EM_OK) {
        memset(svgs, 0, figures->num * sizeof(*svgs));
        return EM_OK;
    }
    EM_TRY(folder_make(w->log, path_join(w->arena, w->folder, "figures")));
    for (size_t i = 0; i < figures->num; i++)
        EM_TRY(write_figure(w, &figures->items[i], svgs[i]));
    out->figures = (int) figures->num;
    return EM_OK;
}

static enum em_status write_all(const struct writer *w, const struct study *s, struct arena *kept,
                                struct report *out)
{
    EM_TRY(write_table(w, "sweep.csv", s, table_write_csv));
    EM_TRY(write_table(w, "table.txt", s, table_write_text));
    EM_TRY(write_table(w, "table.tex", s, table_write_latex));
    struct figures figures = {0};
    figures_make(s, &figures);
    const char **svgs = arena_array(w->arena, const char *, figures.num + 1);
    EM_TRY(draw(w, &figures, svgs, out, kept));
    EM_TRY(write_page(w, s, &figures, svgs, out->undrawn));
    out->page = path_join(kept, w->folder, "report.html");
    out->points = s->num_points;
    out->missing = s->num_missing;
    char *text;
    EM_TRY(file_read(w->log, kept, path_join(w->arena, w->folder, "table.txt"), &text, NULL));
    out->table = text;
    return EM_OK;
}

enum em_status experiment_report(const struct report_params *params, struct report *out)
{
    *out = (struct report) {0};
    if (!params->out && params->num_folders != 1)
        return log_fail(params->log, EM_ERR_CONFIG,
                        "a report on %d folders needs a place of its own: --out DIR",
                        params->num_folders);
    struct arena *a = arena_create();
    const struct writer w = {params->log, a, params->out ? params->out : params->folders[0]};
    struct study s = {.log = params->log, .arena = a, .folder = w.folder};
    enum em_status status = params->out ? folder_make(params->log, params->out) : EM_OK;
    if (status == EM_OK)
        status = study_open(&s, params->folders, params->num_folders);
    if (status == EM_OK)
        status = write_all(&w, &s, params->arena, out);
    study_close(&s);
    arena_destroy(&a);
    return status;
}
