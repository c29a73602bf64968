// What an edit is made from, against PyTorch: the model's logits, a fact's prompts, the second
// moment.

#include "set.h"

#include <math.h>

// --- the model

// The token that is likeliest at a position is ours, too, and what follows is as likely.
static void check_positions(struct bench *b, const cJSON *text)
{
    int num, num_best;
    const int *ids = golden_tokens(b, json_get(text, "ids"), &num);
    const int *best = golden_tokens(b, json_get(text, "argmax"), &num_best);
    assert_int_equal(num, num_best);
    struct golden_questions q = {0};
    for (int i = 0; i < num; i++) {
        golden_ask(b, &q, ids, i + 1, best[i]);
        golden_ask(b, &q, ids, i + 1, i + 1 < num ? ids[i + 1] : 0);
    }
    const struct em_answer *answers = golden_answers(b, &q);
    const cJSON *nll = json_get(text, "nll")->child;
    for (int i = 0; i < num; i++) {
        if (!answers[2 * i].hit)
            fail_msg("\"%s\": token %d is not the likeliest at %d", set_text(text, "text"), best[i],
                     i);
        if (nll && fabs(answers[2 * i + 1].nll - nll->valuedouble) > 1e-4)
            fail_msg("\"%s\": nll %.6f at %d, not %.6f", set_text(text, "text"),
                     answers[2 * i + 1].nll, i, nll->valuedouble);
        nll = nll ? nll->next : NULL;
    }
}

static void test_logits(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    struct json texts = golden_json(b, t->folder, "logits.json");
    struct st_file tensors = golden_tensors(b, t->folder, "logits.safetensors");
    int i = 0;
    for (const cJSON *text = texts.root->child; text; text = text->next, i++) {
        check_positions(b, text);
        int num;
        const int *ids = golden_tokens(b, json_get(text, "ids"), &num);
        size_t stored;
        const float *logits = golden_floats(b, &tensors, &stored, "logits.%d", i);
        const int stride = em_model(b->s)->vocab / (int) stored;
        struct golden_questions q = {0};
        for (size_t v = 0; v < stored; v++)
            golden_ask(b, &q, ids, num, (int) v * stride);
        const double error = golden_logit_error(golden_answers(b, &q), logits, stored);
        if (!(error <= 1e-4))
            fail_msg("\"%s\": logits are off by %.1e of their spread", set_text(text, "text"),
                     error);
    }
    assert_true(i >= 6);
    st_close(&tensors);
    json_close(&texts);
}

// --- the prompts of a fact

static void check_prompt(struct bench *b, const struct em_text *text, const cJSON *row, int last,
                         const cJSON *target)
{
    struct em_prompt prompt;
    check_ok(b->log, em_prompt_make(b->s, text, &prompt));
    int num, num_target = 0;
    const int *ids = golden_tokens(b, row, &num);
    const int *labels = target ? golden_tokens(b, target, &num_target) : NULL;
    assert_int_equal(prompt.num_tokens, target ? num + 1 : num);
    assert_memory_equal(prompt.tokens, ids, (size_t) num * sizeof(int));
    assert_int_equal(prompt.subject_last, last);
    assert_int_equal(prompt.num_tokens - prompt.target_first, num_target);
    for (int i = 0; i < num_target; i++)
        assert_int_equal(prompt.tokens[prompt.target_first + i], labels[i]);
}

static void test_prompts(void **state)
{
    struct set *t = set_of(state);
    int num;
    const char *const *contexts = em_contexts(t->bench.s, "memit", &num);
    const struct em_fact *f = t->facts;
    for (const cJSON *x = json_get(t->edit.root, "facts")->child; x; x = x->next, f++) {
        const cJSON *row = json_get(x, "rows")->child, *last = json_get(x, "subject_last")->child;
        for (int i = 0; i < num; i++, row = row->next, last = last->next)
            check_prompt(&t->bench,
                         &(struct em_text) {contexts[i], f->prompt, f->subject, f->target_new}, row,
                         last->valueint, json_get(x, "target"));
        check_prompt(&t->bench, &(struct em_text) {NULL, "{} is a", f->subject, NULL}, row,
                     last->valueint, NULL);
    }
}

// --- the second moment

static void test_moment(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    const int F = em_model(b->s)->ffn;
    const double *c;
    check_ok(b->log, em_covariance(b->s, t->layer, &c));
    double trace = 0, error = 0, size = 0;
    for (int i = 0; i < F; i++)
        trace += c[(size_t) i * (size_t) F + (size_t) i];
    assert_true(fabs(trace / set_number(t->cov.root, "trace") - 1) < 1e-6);
    int i = 1;
    for (const cJSON *v = json_get(t->cov.root, "Cv")->child; v; v = v->next, i++) {
        const cJSON *gold = v->child;
        for (int row = 0; row < F; row++, gold = gold->next) {
            double sum = 0;
            for (int j = 0; j < F; j++)
                sum += c[(size_t) row * (size_t) F + (size_t) j] * set_fixed(i, j);
            error += (sum - gold->valuedouble) * (sum - gold->valuedouble);
            size += gold->valuedouble * gold->valuedouble;
        }
    }
    assert_int_equal(i, 5);
    if (!(sqrt(error / size) < 1e-6))
        fail_msg("C v is off by %.1e", sqrt(error / size));
}

// C^-1 k of the golden keys: C's smallest eigenvalues magnify what float32 does to its entries.
static void test_whitening(void **state)
{
    struct set *t = set_of(state);
    struct bench *b = &t->bench;
    const size_t F = (size_t) em_model(b->s)->ffn;
    const float *gold = golden_floats(b, &t->moments, NULL, "solves");
    float *ours = arena_array(b->arena, float, F);
    double *full = arena_array(b->arena, double, F);
    for (int i = 0; i < t->num_facts; i++) {
        const float *key = golden_floats(b, &t->edits, NULL, "key.%s", t->facts[i].id);
        check_ok(b->log, em_whiten(b->s, t->layer, key, 1, NULL, full));
        for (size_t j = 0; j < F; j++)
            ours[j] = (float) full[j];
        const double error = golden_distance(ours, gold + (size_t) i * F, F);
        if (!(error < 1e-4))
            fail_msg("case %s: C^-1 k is off by %.1e", t->facts[i].id, error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits),
        cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_moment),
        cmocka_unit_test(test_whitening),
    };
    const int world = cmocka_run_group_tests_name("world", tests, set_begin_world, set_end);
    return world + cmocka_run_group_tests_name("outside", tests, set_begin_outside, set_end);
}
