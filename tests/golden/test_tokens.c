// Token ids of test strings, special tokens read as text and recognised, against the tokenizers
// library; exact.

#include "golden.h"

#include "base/file.h"
#include "model/files.h"

struct strings {
    struct log *log;
    struct arena *arena;
    cJSON *texts, *ids;
    bool all_bytes; // the vocabulary has a word for each byte, so that a text comes back whole
};

static const char NUL_MARK[] = "\xEF\xB7\x90"; // U+FDD0, which is no character

// cJSON ends a text at U+0000, so U+FDD0 stands for it until the text is used.
static void mark_nuls(char *json)
{
    for (char *at = json; (at = strstr(at, "\\u0000"));)
        memcpy(at, "\\uFDD0", 6);
}

// The bytes of a marked text.
static size_t unmark_nuls(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        const bool nul = strncmp(from, NUL_MARK, 3) == 0;
        *to = nul ? 0 : *from;
        from += nul ? 3 : 1;
    }
    return (size_t) (to - text);
}

static cJSON *read_list(struct strings *s, const char *folder, const char *name)
{
    char *text;
    size_t size;
    const char *path = path_join(s->arena, folder, name);
    check_ok(s->log, file_read(s->log, s->arena, path, &text, &size));
    mark_nuls(text);
    cJSON *json = cJSON_Parse(text);
    if (!json)
        fail_msg("%s is not JSON", path);
    return json;
}

static void check_string(struct strings *s, struct tokenizer *t, const char *marked, bool special,
                         const cJSON *gold)
{
    char *text = arena_copy(s->arena, marked);
    const size_t size = unmark_nuls(text);
    int *ids, num;
    check_ok(s->log, tokenizer_encode_bytes(t, s->arena, text, size, special, &ids, &num));
    bool same = num == cJSON_GetArraySize(gold);
    const cJSON *x = gold->child;
    for (int i = 0; same && i < num; i++, x = x->next)
        same = ids[i] == x->valueint;
    if (!same)
        fail_msg("\"%s\" (special tokens %s): %d ids, not %s", marked,
                 special ? "recognised" : "as text", num, cJSON_PrintUnformatted(gold));
    const char *back = tokenizer_decode(t, s->arena, ids, num, true);
    if (s->all_bytes && strlen(marked) == size && strcmp(back, marked) != 0)
        fail_msg("\"%s\" comes back as \"%s\"", marked, back);
}

static void check_strings(const char *folder, const char *name, const char *model, bool all_bytes)
{
    struct strings s = {
        .log = log_create(stderr, LOG_QUIET), .arena = arena_create(), .all_bytes = all_bytes};
    s.texts = read_list(&s, folder, "strings.json");
    s.ids = read_list(&s, folder, name);
    struct model_files *files = model_files_open(s.log, model);
    check_ok(s.log, log_status(s.log));
    struct tokenizer *t = model_files_tokenizer(files);
    check_ok(s.log, log_status(s.log));
    const int num = cJSON_GetArraySize(s.texts);
    assert_true(num > 50);
    for (int special = 0; special < 2; special++) {
        const cJSON *gold = cJSON_GetObjectItem(s.ids, special ? "special" : "plain");
        assert_int_equal(cJSON_GetArraySize(gold), num);
        for (int i = 0; i < num; i++)
            check_string(&s, t, cJSON_GetArrayItem(s.texts, i)->valuestring, special,
                         cJSON_GetArrayItem(gold, i));
    }
    model_files_close(&files);
    cJSON_Delete(s.texts);
    cJSON_Delete(s.ids);
    arena_destroy(&s.arena);
    log_destroy(&s.log);
}

static void test_world(void **state)
{
    (void) state;
    check_strings(EMEND_GOLDEN "/world", "tokens-world.json", EMEND_WORLD, true);
}

static void test_outside(void **state)
{
    (void) state;
    const char *folder, *model;
    if (!golden_outside(&folder, &model))
        skip();
    check_strings(folder, "tokens-smollm2.json", model, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world),
        cmocka_unit_test(test_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
