// A set of golden values opened beside its model: the tests of models and of edits run on the small
// world's set and, where the environment names it, on one that was made elsewhere (golden.h).

#ifndef TESTS_GOLDEN_SET_H
#define TESTS_GOLDEN_SET_H

#include "golden.h"
#include "plugin/registry.h"

struct set {
    bool outside, open;
    const char *folder;
    struct bench bench;
    struct registry *registry;
    const struct em_algorithm *rome;
    struct json edit, cov, edited, several, templates;
    struct st_file edits, moments, updates, batches;
    int layer, num_facts;
    double worst_update, worst_likelihood; // seen since set_of
    struct em_fact *facts;
    cJSON *cases;    // in CounterFact's schema
    char corpus[32]; // a file that was made for the test, or ""
};

// cmocka's group fixtures; with the corpus and the templates of the golden values set.
int set_begin_world(void **state);
int set_begin_outside(void **state);
int set_end(void **state);
struct set *set_of(void **state); // on the unedited model; skips the test where there is no set

const char *set_text(const cJSON *object, const char *key);
double set_number(const cJSON *object, const char *key);
double set_fixed(int i, int j); // v_i[j] = cos(0.1 i (j + 1)), i = 1 .. 4

#endif
