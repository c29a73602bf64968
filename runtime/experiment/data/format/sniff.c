// Which of the formats a data file looks like; see sniff.h.

#include "experiment/data/format/sniff.h"

#include <string.h>

#include "base/file/file.h"
#include "experiment/read/spec_tables.h"

enum shape { SHAPE_OTHER, SHAPE_LIST, SHAPE_LINES, SHAPE_TABLE };

static const char *skip_blank(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

// The format whose records have these members; -1: none that is known.
static int format_of_record(const cJSON *record)
{
    const cJSON *rewrite = json_get(record, "requested_rewrite");
    if (cJSON_IsArray(rewrite))
        return SPEC_MQUAKE;
    if (cJSON_IsObject(rewrite))
        return SPEC_COUNTERFACT;
    if (json_get(record, "src") && json_get(record, "subject"))
        return SPEC_ZSRE;
    return json_get(record, "prompt") && json_get(record, "target_new") ? SPEC_JSONL : -1;
}

// The value that `text` begins with, which may be followed by others.
static int format_of_value(const char *text)
{
    cJSON *record = cJSON_ParseWithOpts(text, NULL, false);
    const int format = record ? format_of_record(record) : -1;
    cJSON_Delete(record);
    return format;
}

static bool is_header(struct arena *a, const char *text)
{
    enum { MOST = 4096 };
    const size_t length = strcspn(text, "\r\n");
    const char *line = arena_print(a, "%.*s", (int) (length < MOST ? length : MOST), text);
    return line[strcspn(line, ",;\t")] && strstr(line, "prompt") && strstr(line, "subject");
}

static enum em_status fail_format(const struct spec *spec, const char *looks, const char *cure)
{
    return document_fail(spec->document, "data.format", "is \"%s\", and %s looks like %s; %s",
                         spec_formats[spec->data.format], path_name(spec->data.path), looks, cure);
}

enum em_status sniff_check(const struct spec *spec, const char *text)
{
    static const enum shape shapes[] = {
        [SPEC_COUNTERFACT] = SHAPE_LIST, [SPEC_JSONL] = SHAPE_LINES, [SPEC_ZSRE] = SHAPE_LIST,
        [SPEC_MQUAKE] = SHAPE_LIST,      [SPEC_CSV] = SHAPE_TABLE,
    };
    struct arena *a = spec->arena;
    text = skip_blank(text);
    const enum shape shape = *text == '['         ? SHAPE_LIST
                             : *text == '{'       ? SHAPE_LINES
                             : is_header(a, text) ? SHAPE_TABLE
                                                  : SHAPE_OTHER;
    const int format = shape == SHAPE_LIST    ? format_of_value(skip_blank(text + 1))
                       : shape == SHAPE_LINES ? format_of_value(text)
                       : shape == SHAPE_TABLE ? SPEC_CSV
                                              : -1;
    if (format < 0 || (format == spec->data.format && shape == shapes[format]))
        return EM_OK;
    const char *name = spec_formats[format];
    if (shape == shapes[format])
        return fail_format(spec, arena_print(a, "\"%s\"", name),
                           arena_print(a, "say \"format\": \"%s\"", name));
    if (shape == SHAPE_LIST)
        return fail_format(spec, "a JSON list of facts",
                           "write one a line for \"format\": \"jsonl\" (jq -c '.[]' does), or put "
                           "them into data.facts for \"inline\"");
    return fail_format(
        spec, arena_print(a, "records of \"%s\" one a line", name),
        arena_print(a, "make them one list (jq -s . does) for \"format\": \"%s\"", name));
}
