// Reports of folders whose numbers are known: tables, figures and the page.

#include <dirent.h>
#include <unistd.h>

#include "experiment/report/report.h"
#include "fixture.h"
#include "markup.h"
#include "room.h"

static int setup(void **state)
{
    struct room *r = calloc(1, sizeof(*r));
    room_open(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    room_close(*state);
    free(*state);
    return 0;
}

static const char *make(struct room *r, const char *name)
{
    const char *folder = room_path(r, name);
    assert_true(fixture_make(name, folder));
    return folder;
}

static struct report report_on(struct room *r, const char *folder)
{
    struct report out;
    room_ok(r, experiment_report(
                   &(struct report_params) {
                       .log = r->log, .arena = r->arena, .folders = &folder, .num_folders = 1},
                   &out));
    return out;
}

static char *file_of(struct room *r, const char *folder, const char *name)
{
    return room_read(r, path_join(r->arena, folder, name));
}

static void check_holds(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("this is not there: %s", what);
}

static bool skip_without_gnuplot(const struct report *report)
{
    if (report->undrawn)
        print_message("skipped: %s\n", report->undrawn);
    return report->undrawn;
}

// --- numbers

static void csv_has_a_row_a_point(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "batches");
    report_on(r, folder);
    const char *csv = file_of(r, folder, "sweep.csv");
    check_holds(csv, "point,algorithm.name,run.batch_size,facts,before.efficacy.mean,"
                     "before.efficacy.low,before.efficacy.high,before.efficacy.sd,"
                     "before.efficacy.n,");
    // emmet is a step of 2 along the first axis, batches of 16 two of 3 along the second
    check_holds(csv, "\npoint-1-2,emmet,16,40,12,8,16,10,40,12,8,16,10,40,12,8,16,10,40,12,8,16,10,"
                     "40,82,78,86,10,40,72,68,76,10,40,62,58,66,10,40,52,48,56,10,40\n");
    assert_int_equal(markup_count(csv, "\n"), 11);
}

static void tables_show_means_and_intervals(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "sequential");
    const struct report report = report_on(r, folder);
    check_holds(report.table, "batch size                    ES");
    check_holds(report.table, "        16  88.00 [84.00, 92.00]  78.00 [74.00, 82.00]");
    check_holds(report.table, "  retained: all facts, at the end\n");
    check_holds(report.table, "        16  79.00 [75.00, 83.00]  69.00 [65.00, 73.00]");
    check_holds(file_of(r, folder, "table.tex"),
                "  16 & $88.00$ {\\scriptsize $[84.00, 92.00]$} & $78.00$");
}

static void page_shows_the_numbers_and_links_to_runs(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "layers");
    report_on(r, folder);
    const char *page = file_of(r, folder, "report.html");
    check_holds(page, "<h2>Scores by edited layer</h2>");
    check_holds(page, "<tr><td class=\"name\"><a href=\"point-1-3/\">emmet</a></td>"
                      "<td class=\"number\">3</td><td class=\"number\">79.00<small>75.00–83.00"
                      "</small></td><td class=\"number\">69.00<small>65.00–73.00</small></td>");
    check_holds(page, "<dt>Model</dt><dd>small</dd>");
    check_holds(page, "<dt>ES</dt><dd>a &lt; b, as p &amp; q say</dd>");
    check_holds(page, "<dt>PS</dt><dd>PS  paraphrase</dd>"); // which the run says nothing of
    assert_int_equal(markup_count(page, "<script"), 0);
    assert_int_equal(
        markup_count(page, "http://") - markup_count(page, "http://www.w3.org/2000/svg"), 0);
    assert_int_equal(markup_count(page, "https://"), 0);
}

static void margins_are_counted(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "one");
    report_on(r, folder);
    const char *page = file_of(r, folder, "report.html");
    // before: -1 - i / 10, after: i / 8 - 1
    check_holds(page, "before</a></td><td class=\"number\">-1 to -0.5</td>"
                      "<td class=\"number\">1</td>");
    check_holds(page, "before</a></td><td class=\"number\">-1.5 to -1</td>"
                      "<td class=\"number\">5</td>");
    check_holds(page, "after the edit</a></td><td class=\"number\">0 to 0.5</td>"
                      "<td class=\"number\">4</td>");
}

static void runs_that_no_sweep_made_are_compared(void **state)
{
    struct room *r = *state;
    const char *batches = make(r, "batches");
    const char *const folders[] = {path_join(r->arena, batches, "point-0-0"),
                                   path_join(r->arena, batches, "point-1-0")};
    const char *out = room_path(r, "compared");
    struct report report;
    struct report_params params = {
        .log = r->log, .arena = r->arena, .folders = folders, .num_folders = 2};
    assert_int_equal(experiment_report(&params, &report), EM_ERR_CONFIG);
    room_check_error(r, "a report on 2 folders needs a place of its own: --out DIR");
    room_new_log(r);
    params.log = r->log;
    params.out = out;
    room_ok(r, experiment_report(&params, &report));
    check_holds(file_of(r, out, "sweep.csv"), "point,algorithm.name,facts,");
    check_holds(file_of(r, out, "report.html"), "<a href=\"../batches/point-1-0/\">");
}

// --- form

static void every_figure_is_drawn(void **state)
{
    static const struct {
        const char *fixture, *figures[8];
    } rows[] = {
        {"one", {"scores", "norms", "margins"}},
        {"layers", {"scores-by-algorithm-layers", "norms", "margins-by-algorithm-layers"}},
        {"batches", {"scores-by-run-batch-size", "norms", "margins-by-run-batch-size"}},
        {"sequential",
         {"scores-by-run-batch-size", "measures-by-run-batch-size", "scores-along",
          "fresh-and-retained", "state-along", "norms", "margins"}},
        {"lambda", {"scores-by-algorithm-lambda", "norms", "margins"}},
        {"texts", {"scores", "norms", "margins"}},
        {"hostile", {"scores-by-run-batch-size", "norms", "margins"}},
    };
    struct room *r = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *folder = make(r, rows[i].fixture);
        const struct report report = report_on(r, folder);
        if (skip_without_gnuplot(&report))
            skip();
        int num = 0;
        for (; num < 8 && rows[i].figures[num]; num++) {
            const char *svg =
                file_of(r, folder, arena_print(r->arena, "figures/%s.svg", rows[i].figures[num]));
            const char *wrong = markup_error(svg, false);
            if (wrong)
                fail_msg("%s/%s.svg: %s", rows[i].fixture, rows[i].figures[num], wrong);
            assert_true(markup_count(svg, "<text") > 8);
        }
        assert_int_equal(report.figures, num);
        const char *page = file_of(r, folder, "report.html");
        const char *wrong = markup_error(page, true);
        if (wrong)
            fail_msg("%s/report.html: %s", rows[i].fixture, wrong);
        assert_int_equal(markup_count(page, "<svg class=\"chart\""), num);
    }
}

static void figures_say_what_they_show(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "batches");
    const struct report report = report_on(r, folder);
    if (skip_without_gnuplot(&report))
        skip();
    const char *svg = file_of(r, folder, "figures/scores-by-run-batch-size.svg");
    assert_int_equal(markup_count(svg, ">batch size (facts)</text>"), 4);
    assert_int_equal(markup_count(svg, ">ES (percent)</text>"), 1);
    assert_int_equal(markup_count(svg, ">memit</text>"), 1);
    assert_int_equal(markup_count(svg, ">emmet</text>"), 1);
    assert_int_equal(markup_count(svg, ">arXiv:0000.00000, figure 2: memit</text>"), 1);
    assert_int_equal(markup_count(svg, ">before, as published</text>"), 1);
    static const char *const ticks[] = {">1</text>", ">4</text>", ">16</text>", ">64</text>",
                                        ">256</text>"};
    for (int i = 0; i < 5; i++)
        assert_int_equal(markup_count(svg, ticks[i]), 4);
    check_holds(svg, "stroke-dasharray");
    check_holds(svg, "prefers-color-scheme:dark");
}

static void hostile_names_stay_names(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "hostile");
    report_on(r, folder);
    const char *page = file_of(r, folder, "report.html");
    assert_int_equal(markup_count(page, "<script"), 0);
    check_holds(page, "<h1>a&#39;b&quot;c&lt;d&gt;&amp;e`f$g@h\\i{j}%k_l^m~n#o,p;  q\xEF\xBF\xBD"
                      "&lt;/svg&gt;&lt;script&gt;λ</h1>");
    check_holds(file_of(r, folder, "sweep.csv"),
                "\npoint-0-1,\"a'b\"\"c<d>&e`f$g@h\\i{j}%k_l^m~n#o,"
                "p;  q\xEF\xBF\xBD</svg><script>λ\",2,40,");
    check_holds(file_of(r, folder, "table.tex"), "h\\textbackslash{}i\\{j\\}\\%k\\_l");
}

static int count_in(const char *text, const char *part)
{
    int num = 0;
    while ((text = strstr(text, part)) && ++num)
        text += strlen(part);
    return num;
}

// The unedited model is the same for all points: one row says so, and those behind it stay.
static void what_is_shared_stands_once(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "sequential");
    report_on(r, folder);
    const char *text = file_of(r, folder, "table.txt");
    const char *before = strstr(text, "  before the edits\n"), *fresh = strstr(text, "  fresh: ");
    assert_non_null(before);
    assert_non_null(fresh);
    const char *shared = arena_print(r->arena, "%.*s", (int) (fresh - before), before);
    assert_int_equal(count_in(shared, " all "), 1);
    assert_int_equal(count_in(shared, "\n"), 4); // title, head, the row, and an empty line
    assert_int_equal(count_in(file_of(r, folder, "table.tex"), "\n  all & "), 1);
    assert_int_equal(count_in(file_of(r, folder, "report.html"), "<td class=\"name\">all</td>"), 1);
}

static void the_same_folder_gives_the_same_bytes(void **state)
{
    static const char *const files[] = {"sweep.csv", "table.txt", "table.tex", "report.html"};
    struct room *r = *state;
    const char *folder = make(r, "sequential"), *first[4];
    report_on(r, folder);
    for (int i = 0; i < 4; i++)
        first[i] = file_of(r, folder, files[i]);
    report_on(r, folder);
    for (int i = 0; i < 4; i++)
        assert_string_equal(file_of(r, folder, files[i]), first[i]);
}

// --- what is not as it should be

static void points_that_are_not_finished_are_named(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "lambda");
    assert_int_equal(unlink(path_join(r->arena, folder, "point-1-0/summary.json")), 0);
    const struct report report = report_on(r, folder);
    assert_int_equal(report.points, 4);
    assert_int_equal(report.missing, 1);
    const char *page = file_of(r, folder, "report.html");
    check_holds(page, "not in this report: <code>point-1-0</code>");
    check_holds(page, "<dt>Runs</dt><dd>4 finished, 1 not");
}

static void check_refused(struct room *r, const char *folder, enum em_status expected,
                          const char *error)
{
    struct report out;
    assert_int_equal(experiment_report(&(struct report_params) {.log = r->log,
                                                                .arena = r->arena,
                                                                .folders = &folder,
                                                                .num_folders = 1},
                                       &out),
                     expected);
    room_check_error(r, error);
    room_new_log(r);
}

static void folders_that_are_no_runs_are_refused(void **state)
{
    struct room *r = *state;
    check_refused(r, room_path(r, "none"), EM_ERR_CONFIG,
                  "@/none: there is no such folder; a report is made of run folders, such as "
                  "runs/quickstart, and of sweep folders");
    assert_false(file_exists(room_path(r, "none")));
    room_ok(r, folder_make(r->log, room_path(r, "empty")));
    check_refused(r, room_path(r, "empty"), EM_ERR_CONFIG,
                  "@/empty: has neither a summary.json nor a sweep.json: it is not the folder of a "
                  "finished run, nor of a sweep");
    room_ok(r, folder_make(r->log, room_path(r, "begun")));
    room_write(r, "begun/sweep.json", "{\"points\":[{\"folder\":\"a\"},{\"folder\":\"b\"}]}");
    check_refused(r, room_path(r, "begun"), EM_ERR_CONFIG,
                  "@/begun: none of its 2 points is finished; run it first: emend run FILE");
    const char *one = make(r, "one");
    room_write(r, "one/cases.jsonl", "{\"case_id\":0}\n{\"case_id\":\n");
    check_refused(r, one, EM_ERR_CONFIG, "@/one/cases.jsonl:2: this is not valid JSON");
    room_write(r, "one/summary.json", "{\n\"name\": }\n");
    check_refused(r, one, EM_ERR_CONFIG, "@/one/summary.json:2: this is not valid JSON, at `}`");
}

// Numbers, members and types that no run writes: no crash, and well-formed all the same.
static void odd_summaries_are_shown_as_they_are(void **state)
{
    static const char *const summaries[] = {
        "{}",
        "[]",
        "null",
        "{\"metrics\":{}}",
        "{\"metrics\":[1,2]}",
        "{\"metrics\":{\"a\":{\"mean\":1e308,\"ci95\":[-1e308,1e308]}},\"facts\":\"x\"}",
        "{\"metrics\":{\"a\":{\"mean\":\"x\",\"ci95\":7}},\"before\":{\"a\":3}}",
        ("{\"metrics\":{\"a\":{\"mean\":5}},\"run\":{\"mode\":\"sequential\"},\"fresh_curve\":[1,"
         "{\"edits\":1,\"metrics\":{\"a\":{\"mean\":3}}}],\"retained\":7,\"states\":[{\"edits\":2,"
         "\"a\":1}],\"series\":[]}"),
    };
    struct room *r = *state;
    for (size_t i = 0; i < sizeof(summaries) / sizeof(*summaries); i++) {
        const char *folder = room_path(r, arena_print(r->arena, "odd-%zu", i));
        room_ok(r, folder_make(r->log, folder));
        room_write(r, arena_print(r->arena, "odd-%zu/summary.json", i), summaries[i]);
        report_on(r, folder);
        assert_null(markup_error(file_of(r, folder, "report.html"), true));
    }
}

static void without_gnuplot_the_tables_are_written(void **state)
{
    struct room *r = *state;
    const char *folder = make(r, "lambda");
    const char *path = arena_copy(r->arena, getenv("PATH"));
    setenv("PATH", r->folder, 1);
    const struct report report = report_on(r, folder);
    setenv("PATH", path, 1);
    assert_non_null(report.undrawn);
    check_holds(report.undrawn, "apt-get install gnuplot-nox");
    assert_int_equal(report.figures, 0);
    check_holds(file_of(r, folder, "sweep.csv"), "algorithm.lambda");
    const char *page = file_of(r, folder, "report.html");
    assert_null(markup_error(page, true));
    assert_int_equal(markup_count(page, "<svg"), 0);
    check_holds(page, "gnuplot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(csv_has_a_row_a_point, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_show_means_and_intervals, setup, teardown),
        cmocka_unit_test_setup_teardown(page_shows_the_numbers_and_links_to_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(margins_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_that_no_sweep_made_are_compared, setup, teardown),
        cmocka_unit_test_setup_teardown(every_figure_is_drawn, setup, teardown),
        cmocka_unit_test_setup_teardown(figures_say_what_they_show, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_names_stay_names, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_shared_stands_once, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_folder_gives_the_same_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(points_that_are_not_finished_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_that_are_no_runs_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_summaries_are_shown_as_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(without_gnuplot_the_tables_are_written, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
