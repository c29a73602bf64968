// Token ids of test strings, special tokens read as text and recognised, against the tokenizers
// library; exact.

#include "golden.h"

#include "base/file/file.h"
#include "model/files.h"

struct strings {
    struct log *log;
    struct arena *arena;
    cJSON *texts, *ids;
    bool all_bytes; // the vocabulary has a word for each byte, so that a text comes back whole
    const char *name;
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
        fail_msg("%s: \"%s\" (special tokens %s): %d ids, not %s", s->name, marked,
                 special ? "recognised" : "as text", num, cJSON_PrintUnformatted(gold));
    const char *back = tokenizer_decode(t, s->arena, ids, num, true);
    if (s->all_bytes && strlen(marked) == size && strcmp(back, marked) != 0)
        fail_msg("\"%s\" comes back as \"%s\"", marked, back);
}

static void check_ids(struct strings *s, struct tokenizer *t, const cJSON *golden)
{
    const int num = cJSON_GetArraySize(s->texts);
    assert_true(num > 50);
    for (int special = 0; special < 2; special++) {
        const cJSON *gold = cJSON_GetObjectItem(golden, special ? "special" : "plain");
        assert_int_equal(cJSON_GetArraySize(gold), num);
        for (int i = 0; i < num; i++)
            check_string(s, t, cJSON_GetArrayItem(s->texts, i)->valuestring, special,
                         cJSON_GetArrayItem(gold, i));
    }
}

static struct strings open_strings(const char *folder, const char *name)
{
    struct strings s = {
        .log = log_create(stderr, LOG_QUIET), .arena = arena_create(), .name = name};
    s.texts = read_list(&s, folder, "strings.json");
    s.ids = read_list(&s, folder, name);
    return s;
}

static void close_strings(struct strings *s)
{
    cJSON_Delete(s->texts);
    cJSON_Delete(s->ids);
    arena_destroy(&s->arena);
    log_destroy(&s->log);
}

static void check_model(struct strings *s, const char *model, const cJSON *golden)
{
    struct model_files *files = model_files_open(s->log, model);
    check_ok(s->log, log_status(s->log));
    struct tokenizer *t = model_files_tokenizer(files);
    check_ok(s->log, log_status(s->log));
    check_ids(s, t, golden);
    model_files_close(&files);
}

static void check_strings(const char *folder, const char *name, const char *model, bool all_bytes)
{
    struct strings s = open_strings(folder, name);
    s.all_bytes = all_bytes;
    check_model(&s, model, s.ids);
    close_strings(&s);
}

// The tokenizer.json of a folder with other members.
static struct tokenizer *vary_tokenizer(struct strings *s, const char *folder, const cJSON *members)
{
    cJSON *json = read_list(s, folder, "tokenizer.json");
    const cJSON *member;
    cJSON_ArrayForEach(member, members)
    {
        assert_true(cJSON_ReplaceItemInObjectCaseSensitive(json, member->string,
                                                           cJSON_Duplicate(member, true)));
    }
    char *text = cJSON_PrintUnformatted(json);
    struct tokenizer *t = tokenizer_from_json(s->log, s->name, text);
    check_ok(s->log, log_status(s->log));
    cJSON_free(text);
    cJSON_Delete(json);
    return t;
}

static void check_decoded(struct strings *s, struct tokenizer *t, const cJSON *golden)
{
    const cJSON *ids, *decoded = cJSON_GetObjectItem(golden, "decoded")->child;
    cJSON_ArrayForEach(ids, cJSON_GetObjectItem(golden, "plain"))
    {
        int list[1024], num = 0;
        const cJSON *id;
        cJSON_ArrayForEach(id, ids)
        {
            assert_true(num < 1024);
            list[num++] = id->valueint;
        }
        const char *text = tokenizer_decode(t, s->arena, list, num, true);
        if (!strstr(decoded->valuestring, NUL_MARK)) // a NUL is shown as another character
            assert_string_equal(text, decoded->valuestring);
        decoded = decoded->next;
    }
}

static void test_world(void **state)
{
    (void) state;
    check_strings(EMEND_GOLDEN "/world", "tokens-world.json", EMEND_WORLD, true);
}

// A SentencePiece tokenizer as Llama-2's, Mistral's and other files have it, and the world's as
// Qwen2's has it.
static void test_variants(void **state)
{
    (void) state;
    struct strings s = open_strings(EMEND_GOLDEN "/tokens", "tokens.json");
    int num = 0;
    const cJSON *golden;
    cJSON_ArrayForEach(golden, s.ids)
    {
        const char *base = cJSON_GetObjectItem(golden, "base")->valuestring;
        const char *folder = strcmp(base, "world") == 0 ? EMEND_WORLD : EMEND_GOLDEN "/tokens";
        s.name = golden->string;
        struct tokenizer *t = vary_tokenizer(&s, folder, cJSON_GetObjectItem(golden, "members"));
        check_ids(&s, t, golden);
        check_decoded(&s, t, golden);
        tokenizer_destroy(&t);
        num++;
    }
    assert_int_equal(num, 5);
    close_strings(&s);
}

// The same pieces with their scores in GGUF metadata.
static void test_gguf(void **state)
{
    (void) state;
    struct strings s = open_strings(EMEND_GOLDEN "/tokens", "tokens.json");
    s.name = "tokenizer.gguf";
    check_model(&s, EMEND_GOLDEN "/tokens/tokenizer.gguf", cJSON_GetObjectItem(s.ids, "prepend"));
    close_strings(&s);
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
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_gguf),
        cmocka_unit_test(test_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
