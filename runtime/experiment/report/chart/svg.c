// gnuplot's SVG made fit for a page; see svg.h. Only what stands between < and > is changed:
// gnuplot escapes the < of texts.

#include "experiment/report/chart/svg.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/escape.h"
#include "base/text/sheet.h"
#include "experiment/report/chart/palette.h"

struct cleaner {
    FILE *to;
    struct arena *arena;
    const struct chart *chart;
};

static bool starts(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

static const char *behind(const char *at, const char *what)
{
    const char *found = strstr(at, what);
    return found ? found + strlen(what) : at + strlen(at);
}

// A tag with one kind of quotes and no blanks about its equals signs.
static char *tidy(struct arena *a, const char *tag, size_t length)
{
    char *out = arena_alloc(a, length + 1), *to = out;
    for (size_t i = 0; i < length; i++) {
        const bool is_blank = tag[i] == ' ' || tag[i] == '\n' || tag[i] == '\t';
        if (is_blank && (tag[i + 1] == '=' || (to > out && to[-1] == '=')))
            continue;
        *to++ = tag[i] == '\'' ? '"' : is_blank ? ' ' : tag[i];
    }
    return out;
}

// rgb(  0, 114, 178) as #0072b2; returns its length, 0 if it is not one.
static int write_color(FILE *to, const char *at)
{
    unsigned rgb[3];
    int length = 0;
    if (sscanf(at, "rgb( %u , %u , %u )%n", &rgb[0], &rgb[1], &rgb[2], &length) != 3)
        return 0;
    if (length)
        fprintf(to, "#%02x%02x%02x", rgb[0] & 255, rgb[1] & 255, rgb[2] & 255);
    return length;
}

// Writes what stands for the part of a tag at `at`; returns its length, 0 if it stays.
static size_t write_part(const struct cleaner *c, const char *at)
{
    const struct {
        const char *was, *is, *more;
    } parts[] = {
        {" font-family=\"emend:Bold\"", " font-weight=\"600\"", ""},
        {" font-family=\"emend\"", "", ""},
        {"=\"black", "=\"", palette_light(PALETTE_INK)},
        {"=\"white", "=\"", palette_light(PALETTE_PAPER)},
        {" id=\"gnuplot_canvas\"", "", ""},
        {" id=\"", " id=\"", arena_print(c->arena, "%s-", c->chart->name)},
        {" xlink:href=\"#", " href=\"#", arena_print(c->arena, "%s-", c->chart->name)},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (!starts(at, parts[i].was))
            continue;
        fprintf(c->to, "%s%s", parts[i].is, parts[i].more);
        return strlen(parts[i].was);
    }
    return starts(at, "rgb(") ? (size_t) write_color(c->to, at) : 0;
}

static void write_tag(const struct cleaner *c, const char *at, size_t length)
{
    for (const char *tag = tidy(c->arena, at, length); *tag;) {
        const size_t done = write_part(c, tag);
        if (!done)
            fputc(*tag, c->to);
        tag += done ? done : 1;
    }
}

// Whether a group that begins at `tag` holds nothing; where it ends.
static bool is_empty_group(const char *tag, const char **end)
{
    if (!starts(tag, "<g ") && !starts(tag, "<g>"))
        return false;
    const char *at = behind(tag, ">");
    at += strspn(at, " \t\r\n");
    if (!starts(at, "</g>"))
        return false;
    *end = at + strlen("</g>");
    return true;
}

// The end of an element that has no place in a page, or NULL.
static const char *skip_element(const char *tag)
{
    static const char *const ends[][2] = {
        {"<title", "</title>"}, {"<desc", "</desc>"}, {"<filter", "</filter>"}, {"<rect x=", "/>"}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (starts(tag, ends[i][0]))
            return behind(tag, ends[i][1]);
    const char *end;
    return is_empty_group(tag, &end) ? end : NULL;
}

static void write_root(const struct cleaner *c, const char *tag)
{
    const char *box = strstr(tag, "viewBox=\"");
    const size_t length = box ? strcspn(box + 9, "\"") : 0;
    fprintf(c->to, "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"%.*s\" ",
            (int) length, box ? box + 9 : "");
    fprintf(c->to, "role=\"img\" font-family=\"system-ui,-apple-system,'Segoe UI',sans-serif\">\n");
    fputs("<title>", c->to);
    escape_xml(c->to, c->chart->title);
    fputs("</title>\n", c->to);
}

char *svg_clean(struct arena *a, const struct chart *chart, const char *drawn)
{
    struct sheet sheet;
    sheet_begin(&sheet);
    const struct cleaner c = {sheet.to, a, chart};
    const char *at = strstr(drawn, "<svg");
    if (at) {
        write_root(&c, at);
        at = behind(at, ">");
    }
    while (at && *at) {
        const size_t text = strcspn(at, "<");
        // blanks between tags are one line break
        if (strspn(at, " \t\r\n") >= text)
            fputs(text ? "\n" : "", c.to);
        else
            fwrite(at, 1, text, c.to);
        at += text;
        const char *skipped = skip_element(at);
        const char *end = skipped ? skipped : behind(at, ">");
        if (!skipped)
            write_tag(&c, at, (size_t) (end - at));
        at = end;
    }
    sheet_end(&sheet);
    char *copy = arena_copy(a, sheet.text);
    free(sheet.text);
    return copy;
}
