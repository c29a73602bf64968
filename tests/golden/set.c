// Opens a set of golden values; see set.h.

#include "set.h"

#include <math.h>
#include <unistd.h>

#include "base/file/file.h"

const char *set_text(const cJSON *object, const char *key)
{
    const cJSON *x = json_get(object, key);
    assert_true(cJSON_IsString(x));
    return x->valuestring;
}

double set_number(const cJSON *object, const char *key)
{
    const cJSON *x = json_get(object, key);
    if (!cJSON_IsNumber(x))
        fail_msg("the golden values have no number \"%s\"", key);
    return x->valuedouble;
}

static void read_facts(struct set *t)
{
    const cJSON *list = json_get(t->edit.root, "facts");
    t->num_facts = cJSON_GetArraySize(list);
    assert_true(t->num_facts >= 4);
    t->facts = arena_array(t->bench.arena, struct em_fact, (size_t) t->num_facts);
    struct em_fact *f = t->facts;
    for (const cJSON *x = list->child; x; x = x->next, f++) {
        const cJSON *fact = json_get(x, "fact");
        *f = (struct em_fact) {
            .id = arena_print(t->bench.arena, "%d", (int) set_number(x, "case_id")),
            .prompt = set_text(fact, "prompt"),
            .subject = set_text(fact, "subject"),
            .target_new = set_text(fact, "new"),
            .target_true = set_text(fact, "true"),
        };
    }
}

static void read_cases(struct set *t)
{
    struct arena *a = t->bench.arena;
    const char *path = EMEND_WORLD "/facts.json";
    if (t->outside)
        path = path_join(a, t->folder, "../../data/counterfact-1500.json");
    char *text;
    size_t size;
    check_ok(t->bench.log, file_read(t->bench.log, a, path, &text, &size));
    t->cases = cJSON_Parse(text);
    assert_non_null(t->cases);
}

static void set_templates(struct set *t)
{
    struct bench *b = &t->bench;
    static const char *const sets[] = {"memit", "rome"};
    for (int i = 0; i < 2; i++) {
        const cJSON *list = json_get(t->templates.root, sets[i]);
        const char *texts[32];
        int num = 0;
        for (const cJSON *x = list->child; x && num < 32; x = x->next)
            texts[num++] = x->valuestring;
        check_ok(b->log, session_templates_set(b->s, sets[i], texts, num));
    }
}

// The corpus that the values were made with; of the outside ones it is rebuilt from their data.
static const char *corpus_path(struct set *t)
{
    struct arena *a = t->bench.arena;
    if (!t->outside)
        return EMEND_WORLD "/corpus.txt";
    char *text;
    size_t size;
    const char *from = path_join(a, t->folder, "../../data/counterfact-edits-19919.json");
    check_ok(t->bench.log, file_read(t->bench.log, a, from, &text, &size));
    cJSON *cases = cJSON_Parse(text);
    snprintf(t->corpus, sizeof(t->corpus), "/tmp/emend-test-XXXXXX");
    const int descriptor = mkstemp(t->corpus);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    int left = 2000; // documents; 1489 are needed
    for (const cJSON *x = cases->child; x && left--; x = x->next) {
        const cJSON *r = json_get(x, "requested_rewrite");
        const char *prompt = set_text(r, "prompt"), *hole = strstr(prompt, "{}");
        fprintf(file, "%.*s%s%s %s.\n\n", (int) (hole - prompt), prompt, set_text(r, "subject"),
                hole + 2, set_text(json_get(r, "target_true"), "str"));
    }
    assert_int_equal(fclose(file), 0);
    cJSON_Delete(cases);
    return t->corpus;
}

static void set_corpus(struct set *t)
{
    struct bench *b = &t->bench;
    const char *path = corpus_path(t);
    const struct session_corpus corpus = {
        .paths = &path, .num_paths = 1, .tokens = (uint64_t) set_number(t->cov.root, "tokens")};
    int layers[8], num = 0;
    for (const cJSON *x = json_get(t->several.root, "moments")->child; x && num < 8; x = x->next)
        layers[num++] = (int) set_number(x, "layer");
    check_ok(b->log, session_corpus_set(b->s, &corpus, layers, num));
}

static void open_set(struct set *t, const char *folder, const char *model)
{
    struct bench *b = &t->bench;
    bench_open(b, model, OP_MATMUL_AUTO);
    t->folder = folder;
    t->edit = golden_json(b, folder, "edit.json");
    t->cov = golden_json(b, folder, "cov.json");
    t->edited = golden_json(b, folder, "edited.json");
    t->several = golden_json(b, folder, "several.json");
    t->templates = golden_json(b, folder, "templates.json");
    t->edits = golden_tensors(b, folder, "edit.safetensors");
    t->moments = golden_tensors(b, folder, "cov.safetensors");
    t->updates = golden_tensors(b, folder, "edited.safetensors");
    t->batches = golden_tensors(b, folder, "several.safetensors");
    t->layer = (int) set_number(t->edit.root, "layer");
    read_facts(t);
    read_cases(t);
    set_templates(t);
    set_corpus(t);
    static const char *const folders[] = {EMEND_PLUGINS};
    t->registry = registry_create(b->log, folders, 1);
    t->rome = t->registry ? registry_algorithm(t->registry, "rome") : NULL;
    check_ok(b->log, log_status(b->log));
    t->open = true;
}

int set_begin_world(void **state)
{
    struct set *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    open_set(t, EMEND_GOLDEN "/world", EMEND_WORLD);
    *state = t;
    return 0;
}

int set_begin_outside(void **state)
{
    struct set *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    t->outside = true;
    const char *folder, *model;
    if (golden_outside(&folder, &model))
        open_set(t, folder, model);
    *state = t;
    return 0;
}

int set_end(void **state)
{
    struct set *t = *state;
    if (t->corpus[0])
        unlink(t->corpus);
    if (t->open) {
        struct json *texts[] = {&t->edit, &t->cov, &t->edited, &t->several, &t->templates};
        for (int i = 0; i < 5; i++)
            json_close(texts[i]);
        st_close(&t->edits);
        st_close(&t->moments);
        st_close(&t->updates);
        st_close(&t->batches);
        cJSON_Delete(t->cases);
        registry_destroy(&t->registry);
        bench_close(&t->bench);
    }
    free(t);
    return 0;
}

struct set *set_of(void **state)
{
    struct set *t = *state;
    if (!t->open)
        skip();
    session_call_end(t->bench.s);
    session_call_begin(t->bench.s);
    check_ok(t->bench.log, session_revert(t->bench.s)); // whatever a failed test has left
    t->worst_update = t->worst_likelihood = 0;
    return t;
}

double set_fixed(int i, int j)
{
    return cos(0.1 * i * (j + 1));
}
