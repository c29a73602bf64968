// GE: the weighted entropy of the 2- and 3-grams of generated texts, low where a text repeats
// itself.
//
//   1/2 (2/3 H2 + 4/3 H3),  Hn = - sum f log2 f over the n-grams of a text's words
//
// Zhang et al. 2018, Generating Informative and Diverse Conversational Responses; weights of Meng
// et al. 2022.

#include <emend/plugin.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/words.h"

static const char *const reads[] = {"generation", NULL};
static const struct em_option options[] = {{0}};

struct grams {
    const char *const *words;
    int n;
};

static int compare_grams(const void *a, const void *b, void *user)
{
    const struct grams *g = user;
    const int first = *(const int *) a, second = *(const int *) b;
    int order = 0;
    for (int i = 0; i < g->n && !order; i++)
        order = strcmp(g->words[first + i], g->words[second + i]);
    return order;
}

// H of the n-grams in bits; `starts` is scratch for one int a word.
static double entropy(const struct words *words, int n, int *starts)
{
    struct grams g = {words->at, n};
    const int num = words->num - n + 1;
    double sum = 0;
    for (int i = 0; i < num; i++)
        starts[i] = i;
    if (num > 0)
        qsort_r(starts, (size_t) num, sizeof(*starts), compare_grams, &g);
    for (int first = 0, end; first < num; first = end) {
        for (end = first + 1; end < num; end++)
            if (compare_grams(&starts[first], &starts[end], &g) != 0)
                break;
        const double share = (double) (end - first) / num;
        sum -= share * log2(share);
    }
    return sum;
}

static bool text_entropy(const char *text, double *out)
{
    struct words words;
    if (!words_split(text, &words))
        return false;
    int *starts = malloc(((size_t) words.num + 1) * sizeof(*starts));
    const bool made = starts;
    if (made)
        *out = (2.0 / 3 * entropy(&words, 2, starts) + 4.0 / 3 * entropy(&words, 3, starts)) / 2;
    words_free(&words);
    free(starts);
    return made;
}

static bool measure(const void *unused, const struct em_case *c, double *out)
{
    (void) unused;
    double sum = 0;
    int num = 0;
    for (int i = 0; i < c->num_questions; i++) {
        double one;
        if (strcmp(c->questions[i].group, reads[0]) != 0 || !c->replies[i].text)
            continue;
        if (!text_entropy(c->replies[i].text, &one))
            return false;
        sum += one;
        num++;
    }
    if (num)
        *out = sum / num;
    return num > 0;
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "fluency",
    .label = "GE",
    .unit = "bits x 100",
    .summary = "n-gram entropy of generated texts",
    .reference = "Meng et al. 2022, Locating and Editing Factual Associations in GPT",
    .scope = EM_PER_CASE,
    .reads = reads,
    .options = options,
    .measure = measure,
};
