// A study's numbers as CSV, text and LaTeX; see tables.h.

#include "experiment/report/tables.h"

#include <math.h>
#include <string.h>

#include "base/text/escape.h"
#include "experiment/report/chart/chart.h"

// --- what the tables share: columns that say which point a row is, at least one, then the metrics

static int num_keys(const struct study *s)
{
    return s->num_axes ? s->num_axes : 1;
}

static const char *key_title(const struct study *s, int key)
{
    return s->num_axes ? s->axes[key].title : "run";
}

const char *table_key_text(const struct study *s, const struct study_point *p, int key)
{
    if (!s->num_axes)
        return p->name;
    return p->at[key] < 0 ? "-" : s->axes[key].texts[p->at[key]];
}

bool table_is_shared(const struct study *s, enum study_stage stage)
{
    const cJSON *first = study_metrics_of(&s->points[0], stage);
    for (int i = 1; i < s->num_points; i++)
        if (!cJSON_Compare(first, study_metrics_of(&s->points[i], stage), true))
            return false;
    return stage == STUDY_BEFORE && s->num_points > 1;
}

static int num_rows(const struct study *s, enum study_stage stage)
{
    return table_is_shared(s, stage) ? 1 : s->num_points;
}

static const char *row_key(const struct study *s, enum study_stage stage, int row, int key)
{
    if (table_is_shared(s, stage))
        return key ? "" : "all";
    return table_key_text(s, &s->points[row], key);
}

static const char *print_value(struct arena *a, const struct study_metric *m, double x)
{
    return m->of_state ? chart_value(a, x) : arena_print(a, "%.2f", x);
}

const char *table_mean(const struct study *s, const struct study_metric *m, struct study_value v)
{
    return isnan(v.mean) ? "-" : print_value(s->arena, m, v.mean);
}

const char *table_interval(const struct study *s, const struct study_metric *m,
                           struct study_value v)
{
    if (isnan(v.low) || isnan(v.high))
        return "";
    return arena_print(s->arena, "%s, %s", print_value(s->arena, m, v.low),
                       print_value(s->arena, m, v.high));
}

// --- CSV

static void csv_number(FILE *to, double x)
{
    if (isnan(x))
        fputc(',', to);
    else
        fprintf(to, ",%.9g", x);
}

static void csv_head(FILE *to, const struct study *s)
{
    fputs("point", to);
    for (int k = 0; k < s->num_axes; k++) {
        fputc(',', to);
        escape_csv(to, s->axes[k].path);
    }
    fputs(",facts", to);
    static const char *const parts[] = {"mean", "low", "high", "sd", "n"};
    for (int stage = 0; stage < STUDY_STAGES; stage++)
        for (int i = 0; i < s->num_metrics; i++)
            for (int k = 0; k < 5 && study_has_stage(s, stage); k++) {
                fputc(',', to);
                escape_csv(to, arena_print(s->arena, "%s.%s.%s", study_stage_names[stage],
                                           s->metrics[i].name, parts[k]));
            }
    fputs("\n", to);
}

static void csv_value(FILE *to, struct study_value v)
{
    csv_number(to, v.mean);
    csv_number(to, v.low);
    csv_number(to, v.high);
    csv_number(to, v.sd);
    csv_number(to, v.n ? v.n : NAN);
}

void table_write_csv(FILE *to, const struct study *s)
{
    csv_head(to, s);
    for (int i = 0; i < s->num_points; i++) {
        const struct study_point *p = &s->points[i];
        escape_csv(to, p->name);
        for (int k = 0; k < s->num_axes; k++) {
            fputc(',', to);
            escape_csv(to, p->at[k] < 0 ? "" : s->axes[k].texts[p->at[k]]);
        }
        csv_number(to, study_number(json_get(p->summary.root, "facts")));
        for (int stage = 0; stage < STUDY_STAGES; stage++)
            for (int m = 0; m < s->num_metrics && study_has_stage(s, stage); m++)
                csv_value(to, study_read_value(study_metrics_of(p, stage), s->metrics[m].name));
        fputs("\n", to);
    }
}

// --- text and LaTeX: a block a stage

static int widest(int a, const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += ((unsigned char) *text & 0xC0) != 0x80;
    return count > a ? count : a;
}

static void pad(FILE *to, const char *text, int width, bool right)
{
    const int room = width - widest(0, text);
    if (right)
        fprintf(to, "%*s", room > 0 ? room : 0, "");
    escape_plain(to, text);
    if (!right)
        fprintf(to, "%*s", room > 0 ? room : 0, "");
}

static const char *cell(const struct study *s, const struct study_point *p, enum study_stage stage,
                        int metric)
{
    const struct study_metric *m = &s->metrics[metric];
    const struct study_value v = study_read_value(study_metrics_of(p, stage), m->name);
    const char *interval = table_interval(s, m, v);
    return *interval ? arena_print(s->arena, "%s [%s]", table_mean(s, m, v), interval)
                     : table_mean(s, m, v);
}

static bool has_metric(const struct study *s, enum study_stage stage, int metric)
{
    for (int i = 0; i < s->num_points; i++)
        if (!isnan(study_read_value(study_metrics_of(&s->points[i], stage), s->metrics[metric].name)
                       .mean))
            return true;
    return false;
}

static int key_width(const struct study *s, enum study_stage stage, int key)
{
    int width = widest(0, key_title(s, key));
    for (int i = 0; i < num_rows(s, stage); i++)
        width = widest(width, row_key(s, stage, i, key));
    return width;
}

static int cell_width(const struct study *s, enum study_stage stage, int metric)
{
    int width = widest(0, s->metrics[metric].label);
    for (int i = 0; i < s->num_points; i++)
        width = widest(width, cell(s, &s->points[i], stage, metric));
    return width;
}

static const char *stage_title(enum study_stage stage)
{
    static const char *const titles[] = {"before the edits", "fresh: right after each batch",
                                         "retained: all facts, at the end"};
    return titles[stage];
}

// The head (row -1) or the row of a point.
static void text_row(FILE *to, const struct study *s, enum study_stage stage, int row)
{
    fputs(" ", to);
    for (int k = 0; k < num_keys(s); k++) {
        fputs(" ", to);
        pad(to, row < 0 ? key_title(s, k) : row_key(s, stage, row, k), key_width(s, stage, k),
            s->num_axes && s->axes[k].numeric);
    }
    for (int m = 0; m < s->num_metrics; m++) {
        if (!has_metric(s, stage, m))
            continue;
        fputs("  ", to);
        pad(to, row < 0 ? s->metrics[m].label : cell(s, &s->points[row], stage, m),
            cell_width(s, stage, m), true);
    }
    fputs("\n", to);
}

void table_write_text(FILE *to, const struct study *s)
{
    escape_plain(to, s->name);
    fputs("; means with their 95 % intervals\n", to);
    for (int stage = 0; stage < STUDY_STAGES; stage++) {
        if (!study_has_stage(s, stage))
            continue;
        fprintf(to, "\n  %s\n", stage_title(stage));
        for (int i = -1; i < num_rows(s, stage); i++)
            text_row(to, s, stage, i);
    }
}

// As text_row.
static void latex_row(FILE *to, const struct study *s, enum study_stage stage, int row)
{
    const struct study_point *p = row < 0 ? NULL : &s->points[row];
    for (int k = 0; k < num_keys(s); k++) {
        fputs(k ? " & " : "  ", to);
        escape_tex(to, p ? row_key(s, stage, row, k) : key_title(s, k));
    }
    for (int m = 0; m < s->num_metrics; m++) {
        if (!has_metric(s, stage, m))
            continue;
        fputs(" & ", to);
        if (!p) {
            escape_tex(to, s->metrics[m].label);
            continue;
        }
        const struct study_value v =
            study_read_value(study_metrics_of(p, stage), s->metrics[m].name);
        const char *interval = table_interval(s, &s->metrics[m], v);
        fprintf(to, isnan(v.mean) ? "--" : "$%s$", table_mean(s, &s->metrics[m], v));
        if (*interval)
            fprintf(to, " {\\scriptsize $[%s]$}", interval);
    }
    fputs(" \\\\\n", to);
}

void table_write_latex(FILE *to, const struct study *s)
{
    fputs("% ", to);
    escape_plain(to, s->name);
    fputs(": means with their 95 % intervals\n", to);
    for (int stage = 0; stage < STUDY_STAGES; stage++) {
        if (!study_has_stage(s, stage))
            continue;
        fprintf(to, "\n%% %s\n\\begin{tabular}{", stage_title(stage));
        for (int k = 0; k < num_keys(s); k++)
            fputc(s->num_axes && s->axes[k].numeric ? 'r' : 'l', to);
        for (int m = 0; m < s->num_metrics; m++)
            fputs(has_metric(s, stage, m) ? "r" : "", to);
        fputs("}\n\\hline\n", to);
        latex_row(to, s, stage, -1);
        fputs("\\hline\n", to);
        for (int i = 0; i < num_rows(s, stage); i++)
            latex_row(to, s, stage, i);
        fputs("\\hline\n\\end{tabular}\n", to);
    }
}
