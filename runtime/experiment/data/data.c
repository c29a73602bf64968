// Data sets; see data.h.

#include "experiment/data/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/escape.h"
#include "base/text/read.h"
#include "base/text/words.h"
#include "experiment/data/choose.h"
#include "experiment/data/format/csv.h"
#include "experiment/data/format/record.h"
#include "experiment/data/format/sniff.h"
#include "experiment/data/format/snippets.h"

struct line { // of a .jsonl file
    const char *text;
    int number;
};

// Where the records stand: one of the lists.
struct source {
    struct log *log;
    struct arena *arena, *scratch; // scratch: the text of files
    const struct spec *spec;
    const char *path;
    char *text;
    record_reader *read;
    int num;
    const struct json *json;         // a JSON list
    const cJSON **records;           // [num]
    const struct line *lines;        // [num], jsonl
    const struct csv *table;         // csv
    const struct snippets *snippets; // NULL: none
};

// --- listing

static void list_records(struct source *s, const struct json *j, const cJSON *list)
{
    s->json = j;
    s->num = cJSON_GetArraySize(list);
    s->records = arena_array(s->scratch, const cJSON *, (size_t) s->num + 1);
    int i = 0;
    for (const cJSON *r = list->child; r; r = r->next)
        s->records[i++] = r;
}

static void list_lines(struct source *s)
{
    struct {
        struct line *items;
        size_t num, cap;
    } lines = {0};
    char *save = s->text;
    for (int number = 1; save; number++) {
        char *line = strsep(&save, "\n");
        if (line[strspn(line, " \t\r")])
            *arena_push(s->scratch, &lines) = (struct line) {line, number};
    }
    s->lines = lines.items;
    s->num = (int) lines.num;
}

// --- records

// The JSON of a record, to be closed where it is its own (a line, a row).
static enum em_status open_record(const struct source *s, int position, struct json *own,
                                  struct record_input *in)
{
    const struct spec_data *d = &s->spec->data;
    *in = (struct record_input) {
        .j = own, .arena = s->arena, .position = position, .alternative = d->target == SPEC_ALT};
    *own = (struct json) {0};
    if (s->records) {
        in->j = s->json;
        in->json = s->records[position];
        return EM_OK;
    }
    if (s->table)
        csv_row_json(s->table, (size_t) position, s->scratch, d->separator ? d->separator : "|",
                     own);
    else
        EM_TRY(
            json_parse(s->log, s->path, s->lines[position].number, s->lines[position].text, own));
    in->json = own->root;
    return EM_OK;
}

static enum em_status read_record(const struct source *s, int position, struct record *out)
{
    struct json own;
    struct record_input in;
    EM_TRY(open_record(s, position, &own, &in));
    const enum em_status status = s->read(&in, out);
    json_close(&own);
    return status;
}

// "facts.json:7: [3]"
static const char *place_record(const struct source *s, int position)
{
    struct arena *a = s->arena;
    const char *path = arena_print(a, "[%d]", position);
    if (s->json) {
        char *below = json_key_path(s->json, a, s->records[position]);
        return arena_print(a, "%s:%d: %s", s->path, json_line(s->json, below), below);
    }
    return arena_print(a, "%s:%d: %s", s->path,
                       s->table ? s->table->rows[position].line : s->lines[position].number, path);
}

struct named {
    const char *id;
    int position;
};

static int compare_names(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    const int order = strcmp(x->id, y->id);
    return order ? order : (x->position > y->position) - (x->position < y->position);
}

// Results and stores are told apart by id.
static enum em_status check_ids(const struct source *s, const struct data_set *set,
                                const int *positions)
{
    struct named *names = arena_array(s->scratch, struct named, set->num);
    for (int i = 0; i < set->num; i++)
        names[i] = (struct named) {set->facts[i].id, positions[set->record_of[i]]};
    qsort(names, (size_t) set->num, sizeof(*names), compare_names);
    for (int i = 1; i < set->num; i++) {
        const struct named *x = &names[i - 1], *y = &names[i];
        if (strcmp(x->id, y->id) != 0)
            continue;
        const char *id = escape_shown(s->arena, x->id, 40);
        if (x->position == y->position)
            return document_fail(s->spec->document, s->spec->data.order ? "data.order" : "data",
                                 "the record with id %s is taken twice from %s", id, s->path);
        return log_fail(s->log, EM_ERR_CONFIG,
                        "%s: has the id %s, which record %d has too; results are told apart by id",
                        place_record(s, y->position), id, x->position);
    }
    return EM_OK;
}

bool data_metric_reads(const struct em_metric *m, const char *group)
{
    return m->scope == EM_PER_CASE && m->reads && text_is_one_of(group, m->reads);
}

bool data_is_read(const struct spec *spec, const char *group)
{
    for (int i = 0; i < spec->num_metrics; i++)
        if (data_metric_reads(spec->metrics[i].metric, group))
            return true;
    return false;
}

// Texts cost far more than the other questions, and multi-hop questions are many: they are asked
// for only where a metric reads them.
static const char *const costly[] = {"generation", "hop", "single_hop", NULL};

static bool is_wanted(const struct spec *spec, const struct em_question *q)
{
    return !text_is_one_of(q->group, costly) || data_is_read(spec, q->group);
}

static void drop_unread(const struct spec *spec, struct record_fact *fact)
{
    int num = 0;
    for (int i = 0; i < fact->num_questions; i++)
        if (is_wanted(spec, &fact->questions[i]))
            fact->questions[num++] = fact->questions[i];
    fact->num_questions = num;
}

static struct em_case make_case(const struct source *s, const struct record_fact *fact,
                                const struct em_fact *place)
{
    return (struct em_case) {
        .facts = place,
        .num_facts = 1,
        .questions = fact->questions,
        .num_questions = fact->num_questions,
        .references = s->snippets ? snippets_find(s->snippets, fact->relation, fact->target)
                                  : fact->references,
    };
}

static void fill_set(const struct source *s, struct record *facts, struct data_set *out)
{
    out->num = (int) facts->num;
    out->facts = arena_array(s->arena, struct em_fact, out->num);
    out->cases = arena_array(s->arena, struct em_case, out->num);
    for (int i = 0; i < out->num; i++) {
        drop_unread(s->spec, &facts->items[i]);
        out->facts[i] = facts->items[i].fact;
        out->cases[i] = make_case(s, &facts->items[i], &out->facts[i]);
    }
}

static enum em_status read_chosen(const struct source *s, struct data_set *out)
{
    int *positions = NULL;
    struct record facts = {0};
    struct {
        int *items;
        size_t num, cap;
    } records = {0};
    EM_TRY(choose_records(s->spec, s->scratch, s->path, s->num, &positions, &out->num_records));
    for (int i = 0; i < out->num_records; i++) {
        EM_TRY(read_record(s, positions[i], &facts));
        while (records.num < facts.num)
            *arena_push(s->arena, &records) = i;
    }
    out->record_of = records.items;
    fill_set(s, &facts, out);
    return check_ids(s, out, positions);
}

// --- formats

static enum em_status read_list(struct source *s, struct data_set *out)
{
    struct json j;
    EM_TRY(json_parse(s->log, s->path, 1, s->text, &j));
    enum em_status status = EM_OK;
    if (!cJSON_IsArray(j.root))
        status = json_fail(&j, j.root, NULL, "is %s; a list of records is needed",
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
    list_lines(s);
    return read_chosen(s, out);
}

static enum em_status read_table(struct source *s, struct data_set *out)
{
    struct csv table;
    EM_TRY(csv_read(s->log, s->scratch, s->path, s->text, record_plain_texts, record_plain_lists,
                    &table));
    s->table = &table;
    s->num = (int) table.num_rows;
    return read_chosen(s, out);
}

static enum em_status read_text(struct source *s)
{
    EM_TRY(text_read_utf8(s->log, s->scratch, s->path, &s->text));
    return sniff_check(s->spec, s->text);
}

static enum em_status check_members(const struct spec *spec)
{
    const struct spec_data *d = &spec->data;
    if (d->snippets && d->format != SPEC_COUNTERFACT)
        return document_fail(spec->document, "data.snippets",
                             "stands only beside \"format\": \"counterfact\"; other facts have "
                             "their own \"references\"");
    if (d->separator && d->format != SPEC_CSV)
        return document_fail(spec->document, "data.separator",
                             "stands only beside \"format\": \"csv\"");
    if (d->separator && !*d->separator)
        return document_fail(spec->document, "data.separator",
                             "is empty; what stands between the prompts of a cell is needed");
    if (d->target == SPEC_ALT && d->format != SPEC_ZSRE)
        return document_fail(spec->document, "data.target",
                             "\"alt\" stands only beside \"format\": \"zsre\"");
    return EM_OK;
}

static const struct {
    enum em_status (*read)(struct source *s, struct data_set *out);
    record_reader *record;
} formats[] = {
    [SPEC_COUNTERFACT] = {read_list, record_read_counterfact},
    [SPEC_JSONL] = {read_lines, record_read_plain},
    [SPEC_INLINE] = {read_inline, record_read_plain},
    [SPEC_ZSRE] = {read_list, record_read_zsre},
    [SPEC_MQUAKE] = {read_list, record_read_mquake},
    [SPEC_CSV] = {read_table, record_read_plain},
};

enum em_status data_read(struct log *log, struct arena *a, const struct spec *spec,
                         struct data_set *out)
{
    const struct spec_data *d = &spec->data;
    *out = (struct data_set) {0};
    EM_TRY(check_members(spec));
    struct source s = {.log = log,
                       .arena = a,
                       .scratch = arena_create(),
                       .spec = spec,
                       .path = d->path,
                       .read = formats[d->format].record};
    enum em_status status = EM_OK;
    if (d->snippets)
        status = snippets_read(log, a, d->snippets, &s.snippets);
    if (status == EM_OK && d->format != SPEC_INLINE)
        status = read_text(&s);
    if (status == EM_OK)
        status = formats[d->format].read(&s, out);
    arena_destroy(&s.scratch);
    return status;
}

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

const char *data_key(struct arena *a, const struct spec *spec)
{
    const struct spec_data *d = &spec->data;
    const char *facts = NULL;
    if (d->format == SPEC_INLINE)
        facts =
            json_print_line(a, json_get(json_get(document_root(spec->document), "data"), "facts"));
    const char *key = arena_print(a, "%d %d\n%s\n%s\n%s\n%s\n%s\n%d %d\n%s\n", d->format, d->target,
                                  or_nothing(d->path), or_nothing(d->order),
                                  or_nothing(d->order_list), or_nothing(d->snippets),
                                  or_nothing(d->separator), d->first, d->count, or_nothing(facts));
    for (int i = 0; costly[i]; i++)
        key = arena_print(a, "%s%d", key, data_is_read(spec, costly[i]));
    return key;
}
