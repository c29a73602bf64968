// Any bytes as a finished run's folder, and as a sweep's of it: its tables, figures and page are
// made, and no text of it becomes markup.

#include "../fuzz.h"

#include "base/text/sheet.h"
#include "experiment/report/chart/script.h"
#include "experiment/report/html.h"
#include "experiment/report/tables.h"

static void write_table(const struct study *s, void (*write)(FILE *to, const struct study *s))
{
    struct sheet sheet;
    sheet_begin(&sheet);
    write(sheet.to, s);
    sheet_end(&sheet);
    free(sheet.text);
}

static void write_script(struct arena *a, const struct figures *figures)
{
    struct sheet sheet;
    sheet_begin(&sheet);
    script_write(a, sheet.to, figures->items, (int) figures->num);
    sheet_end(&sheet);
    free(sheet.text);
}

static void write_page(struct arena *a, const struct study *s, const struct figures *figures)
{
    struct sheet sheet;
    sheet_begin(&sheet);
    html_write(sheet.to, s, figures, arena_array(a, const char *, figures->num + 1), "no gnuplot");
    sheet_end(&sheet);
    if (strstr(sheet.text, "<script"))
        abort();
    free(sheet.text);
}

static void write_all(struct arena *a, const struct study *s)
{
    struct figures figures = {0};
    write_table(s, table_write_csv);
    write_table(s, table_write_text);
    write_table(s, table_write_latex);
    figures_make(s, &figures);
    write_script(a, &figures);
    write_page(a, s, &figures);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"sweep.json", "run/summary.json", "run/cases.jsonl",
                                        "run/timing.json", "run/experiment.json"};
    enum { NAMES = sizeof(names) / sizeof(*names) };
    struct file_part parts[NAMES];
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    const char *run = path_join(a, fuzz_folder(), "run");
    mkdir(run, 0700);
    fuzz_split(data, size, parts, NAMES);
    for (int i = 0; i < NAMES; i++)
        fuzz_write(a, names[i], parts[i]);
    const char *const folders[] = {parts[0].size ? fuzz_folder() : run};
    struct study s = {.log = log, .arena = a, .folder = fuzz_folder()};
    const enum em_status status = study_open(&s, folders, 1);
    if (status == EM_OK)
        write_all(a, &s);
    study_close(&s);
    fuzz_end(&log, &a, status);
    return 0;
}
