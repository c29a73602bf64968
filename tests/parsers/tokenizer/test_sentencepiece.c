// SentencePiece's BPE: merges by score against a plain search, characters without a word, where
// spaces are marked, and what is wrong with a vocabulary.

#include "words.h"

#include <math.h>

#include "base/number/random.h"

#define MARK "\xE2\x96\x81"

enum { FIRST = WORDS_SCORED_FIRST };

static struct tokenizer *create(struct room *r, const struct tokenizer_params *p)
{
    struct tokenizer *t = tokenizer_create(p);
    if (!t)
        fail_msg("%s", log_error(r->log));
    return t;
}

// The words of a text's ids, with a bar between.
static const char *split(struct room *r, const struct tokenizer_params *p, const int *ids, int num)
{
    const char *out = "";
    for (int i = 0; i < num; i++)
        out = arena_print(r->a, "%s%s%s", out, i ? "|" : "", p->words[ids[i]].text);
    return out;
}

static void expect(struct room *r, const struct tokenizer_params *p, const char *text,
                   const char *words)
{
    struct tokenizer *t = create(r, p);
    int *ids, num;
    assert_int_equal(tokenizer_encode(t, r->a, text, true, &ids, &num), EM_OK);
    const char *found = split(r, p, ids, num);
    if (strcmp(found, words) != 0)
        fail_msg("\"%s\": \"%s\", not \"%s\"", text, found, words);
    tokenizer_destroy(&t);
}

static void the_best_word_is_merged_first(void **state)
{
    static const char *const pieces[] = {"bc", "ab", "bcd", "abc", "a", "b", "c", "d"};
    struct room *r = *state;
    struct tokenizer_params p = words_scored(r, pieces, 8);
    expect(r, &p, "", "");
    expect(r, &p, "abc", "abc");
    expect(r, &p, "abcd", "a|bcd"); // bcd is better than abc
    expect(r, &p, "abab", "ab|ab");
    float *scores = arena_copy_bytes(r->a, p.scores, sizeof(float) * (size_t) p.num_words);
    scores[FIRST] = scores[FIRST + 1] = -1; // ab and bc
    p.scores = scores;
    expect(r, &p, "abcd", "abc|d"); // equal ones from the left
}

static void characters_without_a_word_are_bytes(void **state)
{
    static const char *const pieces[] = {"a\xC3\xA9", "\xC3\xA8z", "a", "b", MARK};
    struct room *r = *state;
    struct tokenizer_params p = words_scored(r, pieces, 5);
    expect(r, &p, "b\xC3\xA9", "b|<0xC3>|<0xA9>");
    expect(r, &p, "ba\xC3\xA9", "b|a\xC3\xA9"); // a word of a character that is none itself
    expect(r, &p, "\xC3\xA8z", "\xC3\xA8z");
    expect(r, &p, "z\n b", "<0x7A>|<0x0A>|" MARK "|b");
    expect(r, &p, "a\xC3", "a|<0xC3>"); // cut
    expect(r, &p, "\xFF\xFE", "<0xFF>|<0xFE>");
    expect(r, &p, "<0x0A>", "<0x3C>|<0x30>|<0x78>|<0x30>|<0x41>|<0x3E>");
    p.scores = NULL;
    p.merges = (const char *const[]) {"a \xC3\xA9"};
    p.num_merges = 1;
    assert_null(tokenizer_create(&p));
    expect_error(r, "merge",
                 "pieces: merge 0, \"a \xC3\xA9\": the second word is not in the "
                 "vocabulary");
    p.num_merges = 0;
    expect(r, &p, "a\xC3\xA9", "a|<0xC3>|<0xA9>");
    p.byte_fallback = false;
    expect(r, &p, "a\xC3\xA9zb", "a|b"); // nothing stands for them
    p.unknown = 0;
    expect(r, &p, "a\xC3\xA9zb", "a|<unk>|<unk>|b");
    p.fuse_unknown = true;
    expect(r, &p, "a\xC3\xA9zb", "a|<unk>|b");
}

static void spaces_are_marked(void **state)
{
    static const char *const pieces[] = {MARK MARK, MARK "a", MARK, "a"};
    struct room *r = *state;
    struct tokenizer_params p = words_scored(r, pieces, 4);
    expect(r, &p, "a a", "a|" MARK "a");
    p.prefix = PREFIX_ALL;
    expect(r, &p, "a", MARK "a");
    expect(r, &p, " a", MARK MARK "|a");
    expect(r, &p, "a<s>a", MARK "a|<s>|" MARK "a");
    expect(r, &p, "", "");
    p.spaces = SPACES_MARKED_LATE;
    p.prefix = PREFIX_UNMARKED;
    expect(r, &p, " a", MARK "a");
    expect(r, &p, MARK "a", MARK "a");
    expect(r, &p, "a<s>a", MARK "a|<s>|" MARK "a");
    p.prefix = PREFIX_UNMARKED_FIRST;
    expect(r, &p, "a<s>a", MARK "a|<s>|a");
    expect(r, &p, "<s>a", "<s>|a");
    p.split_at_marks = true;
    expect(r, &p, "a   a", MARK "a|" MARK "|" MARK "|" MARK "a");
}

static void words_may_reach_over_a_space(void **state)
{
    static const char *const pieces[] = {("a" MARK "b"), ("a" MARK), "a", "b", MARK};
    struct room *r = *state;
    const struct tokenizer_params p = words_scored(r, pieces, 5);
    expect(r, &p, "ba bb", "b|a" MARK "b|b");
}

static void the_rest_of_a_text_begins_as_it_does(void **state)
{
    static const char *const pieces[] = {MARK "a", MARK, "a"};
    static const enum tokenizer_prefix prefixes[] = {PREFIX_ALL, PREFIX_UNMARKED_FIRST};
    struct room *r = *state;
    struct tokenizer_params p = words_scored(r, pieces, 3);
    p.strip_first = true;
    for (int i = 0; i < 2; i++) {
        p.spaces = i ? SPACES_MARKED_LATE : SPACES_MARKED_EARLY;
        p.prefix = prefixes[i];
        struct tokenizer *t = create(r, &p);
        int *ids, num;
        assert_int_equal(tokenizer_encode_rest(t, r->a, "a a", true, &ids, &num), EM_OK);
        assert_string_equal(split(r, &p, ids, num), "a|" MARK "a");
        assert_int_equal(tokenizer_encode_rest(t, r->a, " a", true, &ids, &num), EM_OK);
        assert_string_equal(split(r, &p, ids, num), MARK "a");
        assert_string_equal(tokenizer_decode_rest(t, r->a, ids, num, true), " a");
        assert_string_equal(tokenizer_decode(t, r->a, ids, num, true), "a");
        tokenizer_destroy(&t);
    }
}

static void bytes_come_back(void **state)
{
    static const char *const pieces[] = {("a" MARK), "a", MARK};
    struct room *r = *state;
    const struct tokenizer_params p = words_scored(r, pieces, 3);
    struct tokenizer *t = create(r, &p);
    const int ids[] = {FIRST, 2 + 0xC3, 2 + 0xA9, 2, FIRST + 2, 0};
    assert_string_equal(tokenizer_decode(t, r->a, ids, 6, false), "a \xC3\xA9\xEF\xBF\xBD ");
    tokenizer_destroy(&t);
}

// The best pair looked for again and again; spans of a text of single-byte characters.
static int merge_plainly(const struct tokenizer_params *p, const char *text, int *ids)
{
    int size[80], num = (int) strlen(text), start = 0;
    for (int i = 0; i < num; i++)
        size[i] = 1;
    for (int best = 0; best >= 0;) {
        int place = best = -1;
        for (int i = 0, at = 0; i + 1 < num; at += size[i++])
            for (int id = FIRST; id < p->num_words; id++)
                if ((best < 0 || p->scores[id] > p->scores[best]) &&
                    strlen(p->words[id].text) == (size_t) (size[i] + size[i + 1]) &&
                    strncmp(p->words[id].text, text + at, strlen(p->words[id].text)) == 0) {
                    best = id;
                    place = i;
                }
        if (best < 0)
            break;
        size[place] += size[place + 1];
        memmove(size + place + 1, size + place + 2, (size_t) (num - place - 2) * sizeof(*size));
        num--;
    }
    for (int i = 0; i < num; start += size[i++])
        for (int id = FIRST; id < p->num_words; id++)
            if (strlen(p->words[id].text) == (size_t) size[i] &&
                strncmp(p->words[id].text, text + start, (size_t) size[i]) == 0)
                ids[i] = id;
    return num;
}

static void merges_are_those_of_a_plain_search(void **state)
{
    enum { PIECES = 40 };
    struct room *r = *state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct random chance = random_stream(seed, "scores");
        const char *pieces[PIECES] = {"a", "b", "c"};
        for (int num = 3; num < PIECES;) {
            const char *left = pieces[random_below(&chance, (uint32_t) num)];
            char *word =
                arena_print(r->a, "%s%s", left, pieces[random_below(&chance, (uint32_t) num)]);
            bool fresh = strlen(word) <= 12;
            for (int i = 0; i < num; i++)
                fresh = fresh && strcmp(pieces[i], word) != 0;
            if (fresh)
                pieces[num++] = word;
        }
        struct tokenizer_params p = words_scored(r, pieces, PIECES);
        float *scores = arena_array(r->a, float, (size_t) p.num_words);
        for (int i = FIRST; i < p.num_words; i++) // some are equal
            scores[i] = (float) random_below(&chance, 20);
        p.scores = scores;
        struct tokenizer *t = create(r, &p);
        for (int i = 0; i < 60; i++) {
            char text[80] = "";
            int expected[80], *ids, num;
            const int length = 1 + (int) random_below(&chance, sizeof(text) - 1);
            for (int j = 0; j < length; j++)
                text[j] = (char) ('a' + random_below(&chance, 3));
            assert_int_equal(tokenizer_encode(t, r->a, text, false, &ids, &num), EM_OK);
            assert_int_equal(num, merge_plainly(&p, text, expected));
            assert_memory_equal(ids, expected, (size_t) num * sizeof(*ids));
        }
        tokenizer_destroy(&t);
    }
}

static void bad_vocabularies_are_named(void **state)
{
    static const char *const pieces[] = {"a", "b"};
    struct room *r = *state;
    struct tokenizer_params p = words_scored(r, pieces, 2);
    struct tokenizer_word *words =
        arena_copy_bytes(r->a, p.words, (size_t) p.num_words * sizeof(*words));
    float *scores = arena_copy_bytes(r->a, p.scores, (size_t) p.num_words * sizeof(*scores));
    p.words = words;
    p.scores = scores;
    scores[FIRST + 1] = NAN;
    assert_null(tokenizer_create(&p));
    expect_error(r, "nan", "pieces: the score of token 259 is nan");
    scores[FIRST + 1] = 0;
    words[FIRST + 1].text = "a";
    assert_null(tokenizer_create(&p));
    expect_error(r, "twice", "pieces: tokens 258 and 259 of its vocabulary are both \"a\"");
    words[FIRST + 1].text = "<0x41>";
    assert_null(tokenizer_create(&p));
    expect_error(r, "a byte twice",
                 "pieces: tokens 67 and 259 of its vocabulary are both \"<0x41>\"");
    words[FIRST + 1].text = "b";
    words[2 + 0x41].text = "<0x4x>";
    assert_null(tokenizer_create(&p));
    expect_error(r, "no byte",
                 "pieces: its vocabulary has no \"<0x41>\", but characters that have no token are "
                 "to be written as their bytes");
}

static const char good_json[] =
    "{\"model\": {\"type\": \"BPE\", \"unk_token\": \"?\", \"fuse_unk\": true,\n"
    "\"vocab\": {\"?\": 0, \"a\": 1, \"b\": 2, \"ab\": 3, \"" MARK "\": 4, \"" MARK "ab\": 5},\n"
    "\"merges\": [\"a b\", \"" MARK " ab\"]},\n"
    "\"added_tokens\": [{\"id\": 6, \"content\": \"[X]\"}],\n"
    "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", "
    "\"prepend\": \"" MARK
    "\"}, {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"" MARK "\"}]},\n"
    "\"pre_tokenizer\": null,\n"
    "\"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": "
    "{\"String\": \"" MARK "\"}, \"content\": \" \"}, {\"type\": \"Fuse\"}, {\"type\": \"Strip\", "
    "\"content\": \" \", \"start\": 1}]}}";

static const struct {
    const char *find, *by; // in the good text
    const char *message;
} bad_json[] = {
    {"\"BPE\"", "\"WordPiece\"", ":1: model.type: \"WordPiece\" is not supported; BPE is"},
    {"\"BPE\"", "\"Unigram\"", ":1: model.type: \"Unigram\" is not supported; BPE is"},
    {"\"BPE\"", "\"BPE\", \"byte_fallback\": true",
     ": its vocabulary has no \"<0x00>\", but characters that have no token are to be written as "
     "their bytes"},
    {"\"unk_token\": \"?\"", "\"unk_token\": \"[U]\"",
     ":1: model.unk_token: \"[U]\" is not in the vocabulary"},
    {"\"b\": 2", "\"a\": 2", ": tokens 1 and 2 of its vocabulary are both \"a\""},
    {"\"b\": 2", "\"b\": 2000000",
     ":2: model.vocab.b: the id is 2000000; a whole number below 1052 is needed"},
    {"\"a b\"", "\"a  b\"", ": merge 0, \"a  b\", is not two words with a space between"},
    {"\"a b\"", "\"b a\"", ": merge 0, \"b a\": what it makes is not in the vocabulary"},
    {"\"[X]\"", "\"\"", ": the added token 6 is empty"},
    {"{\"type\": \"Prepend\"", "{\"type\": \"Strip\"",
     ":5: normalizer.normalizers[0].type: \"Strip\" is not supported; NFC, one Prepend and Replace "
     "are"},
    {"\"prepend\": \"" MARK, "\"prepend\": \"_",
     ":5: normalizer.normalizers[0].prepend: \"_\" is not supported; \"" MARK "\" is"},
    {"\"pre_tokenizer\": null", "\"pre_tokenizer\": {\"type\": \"Metaspace\"}",
     ":6: pre_tokenizer: is Metaspace behind other steps, which is not supported"},
    {"\"pre_tokenizer\": null",
     "\"pre_tokenizer\": {\"type\": \"Digits\", \"individual_digits\": true}",
     ":6: pre_tokenizer: has no step ByteLevel or Metaspace"},
    {"\"decoder\": {\"type\": \"Sequence\"", "\"decoder\": {\"type\": \"Metaspace\"",
     ":7: decoder.type: \"Metaspace\" is not supported; a Sequence of Replace, ByteFallback, Fuse "
     "and Strip is"},
    {"{\"type\": \"Fuse\"}", "{\"type\": \"CTC\"}",
     ":7: decoder.decoders[1].type: \"CTC\" is not supported; Replace, ByteFallback, Fuse and "
     "Strip "
     "are"},
    {"\"start\": 1", "\"start\": 1, \"stop\": 1",
     ":7: decoder.decoders[2].stop: is set, which is not supported"},
    {"[{\"type\": \"Replace\", \"pattern\": {\"String\": \"" MARK "\"}, \"content\": \" \"}, ", "[",
     ":7: decoder: does not make spaces of U+2581, which encoding makes of spaces"},
};

static void what_would_change_ids_is_refused(void **state)
{
    struct room *r = *state;
    struct tokenizer *t = tokenizer_from_json(r->log, "t.json", good_json);
    assert_non_null(t);
    const char *text = "ab ab[X]abzz";
    assert_string_equal(words_ids(r, t, text, strlen(text), false), "5 5 6 5 0");
    tokenizer_destroy(&t);
    for (size_t i = 0; i < sizeof(bad_json) / sizeof(bad_json[0]); i++) {
        const char *json = replace_text(r, good_json, bad_json[i].find, bad_json[i].by);
        assert_null(tokenizer_from_json(r->log, "t.json", json));
        expect_error(r, bad_json[i].by, "t.json%s", bad_json[i].message);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_begin, room_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_best_word_is_merged_first),
        TEST(characters_without_a_word_are_bytes),
        TEST(spaces_are_marked),
        TEST(words_may_reach_over_a_space),
        TEST(the_rest_of_a_text_begins_as_it_does),
        TEST(bytes_come_back),
        TEST(merges_are_those_of_a_plain_search),
        TEST(bad_vocabularies_are_named),
        TEST(what_would_change_ids_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
