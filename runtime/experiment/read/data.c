// Data sets; see data.h.

#include "experiment/read/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "experiment/read/record.h"
#include "experiment/read/snippets.h"

struct line { // of a .jsonl file
    const char *text;
    int number;
};

// Where the records stand; one of the three.
struct source {
    struct log *log;
    struct arena *arena, *scratch; // scratch: the text of files
    const struct spec *spec;
    const char *path;
    int num;
    const struct json *json;         // counterfact, inline
    const cJSON **records;           // [num]
    const struct line *lines;        // [num], jsonl
    const struct snippets *snippets; // NULL: none
};

static void list_records(struct source *s, const struct json *j, const cJSON *list)
{
    s->json = j;
    s->num = cJSON_GetArraySize(list);
    s->records = arena_array(s->scratch, const cJSON *, (size_t) s->num + 1);
    int i = 0;
    for (const cJSON *r = list->child; r; r = r->next)
        s->records[i++] = r;
}

static enum em_status list_lines(struct source *s)
{
    struct {
        struct line *items;
        size_t num, cap;
    } lines = {0};
    char *text;
    size_t size;
    EM_TRY(file_read(s->log, s->scratch, s->path, &text, &size));
    if (strlen(text) != size)
        return log_fail(s->log, EM_ERR_CONFIG, "%s: holds a NUL byte at %zu, so it is not JSON",
                        s->path, strlen(text));
    char *save = text;
    for (int number = 1; save; number++) {
        char *line = strsep(&save, "\n");
        if (line[strspn(line, " \t\r")])
            *arena_push(s->scratch, &lines) = (struct line) {line, number};
    }
    s->lines = lines.items;
    s->num = (int) lines.num;
    return EM_OK;
}

static enum em_status read_record(const struct source *s, int position, struct record *out)
{
    if (s->records && s->spec->data.format == SPEC_COUNTERFACT)
        return record_read_counterfact(s->json, s->records[position], s->arena, position, out);
    if (s->records)
        return record_read_plain(s->json, s->records[position], s->arena, position, out);
    struct json line;
    EM_TRY(json_parse(s->log, s->path, s->lines[position].number, s->lines[position].text, &line));
    const enum em_status status = record_read_plain(&line, line.root, s->arena, position, out);
    json_close(&line);
    return status;
}

// The positions of `list` that lie behind the first ones; `num` of them.
static enum em_status take_positions(const struct source *s, const struct json *j,
                                     const cJSON *list, int *positions, int num)
{
    const cJSON *item = cJSON_GetArrayItem(list, s->spec->data.first);
    for (int i = 0; i < num; i++, item = item->next) {
        const double x = cJSON_IsNumber(item) ? item->valuedouble : -1;
        if (!(x >= 0 && x < s->num) || x != (int) x) {
            char *text = cJSON_PrintUnformatted(item);
            const enum em_status status = json_fail(
                j, item, NULL, "is %.40s; %s has records 0 to %d", text, s->path, s->num - 1);
            free(text);
            return status;
        }
        positions[i] = (int) x;
    }
    return EM_OK;
}

// How many records the experiment takes of `there`.
static enum em_status count_records(const struct source *s, int there, int *num)
{
    const struct spec_data *d = &s->spec->data;
    const char *what = d->order ? path_name(d->order) : path_name(s->path);
    if (d->first >= there)
        return document_fail(s->spec->document, "data.first", "is %d; %s has %d records", d->first,
                             what, there);
    *num = d->count ? d->count : there - d->first;
    if (*num <= there - d->first)
        return EM_OK;
    return document_fail(
        s->spec->document, "data.count", "is %d; %s has %d records%s", *num, what, there,
        d->first ? arena_print(s->arena, ", of which data.first leaves %d", there - d->first) : "");
}

// The published order files hold several lists by name, the study used "0".
static enum em_status read_order(const struct source *s, int **positions, int *num)
{
    struct json j;
    EM_TRY(json_read(s->log, s->scratch, s->spec->data.order, &j));
    const cJSON *list = cJSON_IsObject(j.root) ? json_get(j.root, "0") : j.root;
    enum em_status status = EM_OK;
    if (!cJSON_IsArray(list))
        status = json_fail(&j, j.root, NULL, "is %s; a list of record positions is needed",
                           json_type_name(j.root));
    if (status == EM_OK)
        status = count_records(s, cJSON_GetArraySize(list), num);
    if (status == EM_OK) {
        *positions = arena_array(s->arena, int, (size_t) *num + 1);
        status = take_positions(s, &j, list, *positions, *num);
    }
    json_close(&j);
    return status;
}

static enum em_status choose_records(const struct source *s, int **positions, int *num)
{
    if (!s->num)
        return document_fail(s->spec->document, "data", "%s has no records", s->path);
    if (s->spec->data.order)
        return read_order(s, positions, num);
    EM_TRY(count_records(s, s->num, num));
    *positions = arena_array(s->arena, int, *num);
    for (int i = 0; i < *num; i++)
        (*positions)[i] = s->spec->data.first + i;
    return EM_OK;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

// Results and stores are told apart by id.
static enum em_status check_ids(const struct source *s, const struct data_set *set)
{
    const char **ids = arena_array(s->arena, const char *, set->num);
    for (int i = 0; i < set->num; i++)
        ids[i] = set->facts[i].id;
    qsort(ids, (size_t) set->num, sizeof(*ids), compare_ids);
    for (int i = 1; i < set->num; i++)
        if (strcmp(ids[i - 1], ids[i]) == 0)
            return document_fail(s->spec->document, s->spec->data.order ? "data.order" : "data",
                                 "the record with id %s is taken twice from %s", ids[i], s->path);
    return EM_OK;
}

static bool reads_group(const struct em_metric *m, const char *group)
{
    for (int i = 0; m->scope == EM_PER_CASE && m->reads && m->reads[i]; i++)
        if (strcmp(m->reads[i], group) == 0)
            return true;
    return false;
}

static bool is_read(const struct spec *spec, const char *group)
{
    for (int i = 0; i < spec->num_metrics; i++)
        if (reads_group(spec->metrics[i].metric, group))
            return true;
    return false;
}

// Texts cost far more than the other questions: they are asked for only where a metric reads them.
static void drop_unread_texts(const struct spec *spec, struct record *record)
{
    int num = 0;
    for (int i = 0; i < record->num_questions; i++) {
        const struct em_question q = record->questions[i];
        if (q.target_new || is_read(spec, q.group))
            record->questions[num++] = q;
    }
    record->num_questions = num;
}

static bool has_group(const struct data_set *set, const char *group)
{
    for (int i = 0; i < set->num; i++)
        for (int k = 0; k < set->cases[i].num_questions; k++)
            if (strcmp(set->cases[i].questions[k].group, group) == 0)
                return true;
    return false;
}

static bool has_references(const struct data_set *set)
{
    for (int i = 0; i < set->num; i++)
        if (set->cases[i].references)
            return true;
    return false;
}

// A metric has nothing to say where no record has what it reads.
static enum em_status check_metrics(const struct source *s, const struct data_set *set)
{
    static const char group[] = "generation";
    for (int i = 0; i < s->spec->num_metrics; i++) {
        const struct em_metric *m = s->spec->metrics[i].metric;
        if (reads_group(m, group) && !has_group(set, group))
            return document_fail(s->spec->document, arena_print(s->arena, "metrics[%d]", i),
                                 "%s reads generated texts, and no record of %s that is taken has "
                                 "prompts for them (\"%s\")",
                                 m->name, path_name(s->path),
                                 s->spec->data.format == SPEC_COUNTERFACT ? "generation_prompts"
                                                                          : group);
        if ((m->needs & EM_NEEDS_REFERENCES) && !has_references(set))
            return document_fail(s->spec->document, arena_print(s->arena, "metrics[%d]", i),
                                 "%s compares with reference texts, and no record of %s that is "
                                 "taken has any; %s",
                                 m->name, path_name(s->path),
                                 s->spec->data.format == SPEC_COUNTERFACT
                                     ? "data.snippets names their file, attribute_snippets.json of "
                                       "the published CounterFact"
                                     : "they stand in its \"references\", a list of texts");
    }
    return EM_OK;
}

static enum em_status read_chosen(const struct source *s, struct data_set *out)
{
    int *positions = NULL;
    EM_TRY(choose_records(s, &positions, &out->num));
    out->facts = arena_array(s->arena, struct em_fact, out->num);
    out->cases = arena_array(s->arena, struct em_case, out->num);
    for (int i = 0; i < out->num; i++) {
        struct record record = {0};
        EM_TRY(read_record(s, positions[i], &record));
        drop_unread_texts(s->spec, &record);
        out->facts[i] = record.fact;
        out->cases[i] = (struct em_case) {
            .facts = &out->facts[i],
            .num_facts = 1,
            .questions = record.questions,
            .num_questions = record.num_questions,
            .references = s->snippets ? snippets_find(s->snippets, record.relation, record.target)
                                      : record.references,
        };
    }
    EM_TRY(check_metrics(s, out));
    return check_ids(s, out);
}

static enum em_status read_counterfact(struct source *s, struct data_set *out)
{
    struct json j;
    EM_TRY(json_read(s->log, s->scratch, s->path, &j));
    enum em_status status = EM_OK;
    if (!cJSON_IsArray(j.root))
        status = json_fail(&j, j.root, NULL, "is %s; CounterFact is a list of records",
                           json_type_name(j.root));
    if (status == EM_OK) {
        list_records(s, &j, j.root);
        status = read_chosen(s, out);
    }
    json_close(&j);
    return status;
}

static enum em_status read_inline(struct source *s, struct data_set *out)
{
    const struct json *j;
    out->inline_facts = document_find(s->spec->document, "data.facts", &j);
    s->path = j->path;
    list_records(s, j, out->inline_facts);
    return read_chosen(s, out);
}

static enum em_status read_lines(struct source *s, struct data_set *out)
{
    EM_TRY(list_lines(s));
    return read_chosen(s, out);
}

enum em_status data_read(struct log *log, struct arena *a, const struct spec *spec,
                         struct data_set *out)
{
    static enum em_status (*const readers[])(struct source *, struct data_set *) = {
        [SPEC_COUNTERFACT] = read_counterfact,
        [SPEC_JSONL] = read_lines,
        [SPEC_INLINE] = read_inline,
    };
    struct source s = {
        .log = log, .arena = a, .scratch = arena_create(), .spec = spec, .path = spec->data.path};
    *out = (struct data_set) {0};
    enum em_status status = EM_OK;
    if (spec->data.snippets && spec->data.format != SPEC_COUNTERFACT)
        status = document_fail(spec->document, "data.snippets",
                               "stands only beside \"format\": \"counterfact\"; other facts have "
                               "their own \"references\"");
    else if (spec->data.snippets)
        status = snippets_read(log, a, spec->data.snippets, &s.snippets);
    if (status == EM_OK)
        status = readers[spec->data.format](&s, out);
    arena_destroy(&s.scratch);
    return status;
}
