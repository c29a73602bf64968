// The range of an axis and the ticks that fit on it; see ticks.h.

#include "experiment/report/chart/ticks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TICKS = 64, LINE = 18 }; // the latter in pixels

static const double LARGEST = 1e150; // no axis goes further: it keeps all arithmetic finite

struct span {
    double low, high;
};

static void take(struct span *s, double x, bool log)
{
    if (!isfinite(x) || fabs(x) > LARGEST || (log && x <= 0))
        return;
    s->low = fmin(s->low, x);
    s->high = fmax(s->high, x);
}

static void take_point(struct span *s, const struct chart_series *series,
                       const struct chart_point *p, bool upright, bool log)
{
    const bool level = series->mark == CHART_LEVEL, rows = series->mark == CHART_ROWS;
    if (!level || upright)
        take(s, upright ? p->y : p->x, log);
    if (level || (series->mark == CHART_COLUMNS || rows) == upright)
        return;
    take(s, p->low, log);
    take(s, p->high, log);
}

static struct span span_of(const struct chart_panel *panel, bool upright, bool log)
{
    const struct chart_axis *axis = upright ? &panel->y : &panel->x;
    if (axis->low < axis->high)
        return (struct span) {axis->low, axis->high};
    struct span s = {INFINITY, -INFINITY};
    for (int i = 0; i < panel->num_series; i++)
        for (int k = 0; k < panel->series[i].num; k++)
            take_point(&s, &panel->series[i], &panel->series[i].points[k], upright, log);
    if (s.low > s.high)
        s = (struct span) {log ? 1 : 0, log ? 10 : 1};
    return s;
}

// Room beside the first and the last value.
static struct span widen(struct span s, bool log, bool zero)
{
    if (log) {
        const double room = s.high > s.low ? pow(s.high / s.low, 0.04) : 2;
        return (struct span) {s.low / room, s.high * room};
    }
    double room = 0.05 * (s.high - s.low);
    if (room <= 1e-9 * fabs(s.high))
        room = s.high != 0 ? 0.5 * fabs(s.high) : 0.5;
    return (struct span) {zero && s.low >= 0 ? 0 : s.low - room, s.high + room};
}

char *chart_number(struct arena *a, double x)
{
    char *text = arena_print(a, "%.6g", x == 0 ? 0.0 : x);
    char *exponent = strchr(text, 'e');
    if (!exponent)
        return text;
    *exponent = 0;
    return arena_print(a, "%se%d", text, (int) strtol(exponent + 1, NULL, 10));
}

char *chart_value(struct arena *a, double x)
{
    const double size = fabs(x);
    return arena_print(a, size >= 1000 ? "%.0f" : size >= 1 ? "%.2f" : "%.3g", x);
}

struct fitting { // of labels on an axis
    struct arena *arena;
    const struct ticks *range;
    bool log, upright;
    double length; // pixels
};

static double place(const struct fitting *f, double x)
{
    const struct ticks *r = f->range;
    return f->log ? f->length * log2(x / r->low) / log2(r->high / r->low)
                  : f->length * (x - r->low) / (r->high - r->low);
}

// Whether labels at these values stand clear of each other.
static bool fit(const struct fitting *f, const double *values, int num)
{
    for (int i = 0; i + 1 < num; i++) {
        const double gap = fabs(place(f, values[i + 1]) - place(f, values[i]));
        const size_t both = strlen(chart_number(f->arena, values[i])) +
                            strlen(chart_number(f->arena, values[i + 1]));
        const double needed =
            f->upright ? LINE : 0.5 * TICKS_CHARACTER * (double) both + TICKS_CHARACTER;
        if (gap < needed)
            return false;
    }
    return true;
}

static const double steps[] = {1, 2, 5};

// Multiples of 1, 2 or 5 times a power of ten; the finest that fit, up to a number.
static int round_ticks(const struct fitting *f, bool whole, double *values)
{
    const struct ticks *r = f->range;
    const int most = f->upright ? 6 : 9;
    const int first = (int) floor(log10((r->high - r->low) / most)) - 1;
    for (int power = first;; power++)
        for (int i = 0; i < 3; i++) {
            const double step = steps[i] * pow(10, power);
            const double from = ceil(r->low / step - 1e-9), to = floor(r->high / step + 1e-9);
            if (to - from + 1 > most || (whole && step < 1))
                continue;
            int num = 0;
            while (from + num <= to) {
                values[num] = (from + num) * step;
                num++;
            }
            if (num <= 2 || fit(f, values, num))
                return num;
        }
}

// 1, 2 and 5 times each power of ten, else the powers alone, else every second or third of them;
// where fewer than two powers are in range, round numbers.
static int log_ticks(const struct fitting *f, double *values)
{
    const double low = f->range->low, high = f->range->high;
    const int from = (int) ceil(log10(low) - 1e-9), to = (int) floor(log10(high) + 1e-9);
    if (to - from < 1)
        return round_ticks(f, false, values);
    int num = 0;
    for (int k = 3 * (from - 1); k < 3 * (to + 1) && to - from < MAX_TICKS / 4; k++) {
        const double x = steps[((k % 3) + 3) % 3] * pow(10, floor(k / 3.0));
        if (x >= low && x <= high)
            values[num++] = x;
    }
    if (num && fit(f, values, num))
        return num;
    for (int skip = 1;; skip++) {
        num = 0;
        for (int k = from; k <= to && num < MAX_TICKS; k += skip)
            values[num++] = pow(10, k);
        if (num <= 2 || fit(f, values, num))
            return num;
    }
}

static bool are_whole(const double *values, int num)
{
    for (int i = 0; i < num; i++)
        if (values[i] != floor(values[i]))
            return false;
    return num > 0;
}

static void name_ticks(struct arena *a, struct ticks *r)
{
    const char **names = arena_array(a, const char *, r->num + 1);
    for (int i = 0; i < r->num; i++)
        names[i] = chart_number(a, r->at[i]);
    r->names = names;
}

static void make_rows(struct arena *a, const struct chart_axis *axis, struct ticks *out)
{
    double *values = arena_array(a, double, axis->num_values + 1);
    for (int i = 0; i < axis->num_values; i++)
        values[i] = i;
    *out = (struct ticks) {axis->num_values - 0.5, -0.5, values, axis->names, axis->num_values};
}

void ticks_make(struct arena *a, const struct chart_panel *panel, bool upright, double length,
                struct ticks *out)
{
    const struct chart_axis *axis = upright ? &panel->y : &panel->x;
    if (axis->names) {
        make_rows(a, axis, out);
        return;
    }
    const struct span s = widen(span_of(panel, upright, axis->log), axis->log, axis->zero);
    *out = axis->percent ? (struct ticks) {.low = 0, .high = 100}
                         : (struct ticks) {.low = s.low, .high = s.high};
    double *values = arena_array(a, double, MAX_TICKS);
    const int num = axis->num_values;
    const struct fitting f = {a, out, axis->log, upright, length};
    if (num && num < MAX_TICKS && fit(&f, axis->values, num)) {
        memcpy(values, axis->values, (size_t) num * sizeof(*values));
        out->num = num;
    } else if (axis->log) {
        out->num = log_ticks(&f, values);
    } else {
        out->num = round_ticks(&f, are_whole(axis->values, num), values);
    }
    out->at = values;
    name_ticks(a, out);
}
