// RS: the TF-IDF cosine of a case's generated texts, taken together, with the data set's reference
// texts about what the new target is true of, taken together.
//
// Meng et al. 2022.

#include <emend/plugin.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/terms.h"

struct consistency_options {
    const char *idf, *vocabulary;
    struct terms terms;
};

static const char *const reads[] = {"generation", NULL};
static const struct em_option option_table[] = {
    EM_PATH(struct consistency_options, idf,
            "weights of the vocabulary's terms, idf.npy of the published CounterFact data",
            .required = true),
    EM_PATH(struct consistency_options, vocabulary,
            "{\"term\": index}, tfidf_vocab.json of the published CounterFact data",
            .required = true),
    {0},
};

static enum em_status open(struct em_session *s, void *options)
{
    struct consistency_options *o = options;
    return terms_open(s, o->vocabulary, o->idf, &o->terms);
}

static bool measure(const void *options, const struct em_case *c, double *out)
{
    const struct terms *t = &((const struct consistency_options *) options)->terms;
    double *counts = calloc(2 * t->num, sizeof(*counts)); // of the texts, of the references
    if (!counts)
        return false;
    for (int i = 0; i < c->num_questions; i++)
        if (strcmp(c->questions[i].group, reads[0]) == 0 && c->replies[i].text)
            terms_count(t, c->replies[i].text, counts);
    for (int i = 0; c->references && c->references[i]; i++)
        terms_count(t, c->references[i], counts + t->num);
    *out = terms_cosine(t, counts, counts + t->num);
    free(counts);
    return !isnan(*out);
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "consistency",
    .label = "RS",
    .summary = "TF-IDF cosine of generated texts with reference texts",
    .reference = "Meng et al. 2022, Locating and Editing Factual Associations in GPT",
    .scope = EM_PER_CASE,
    .needs = EM_NEEDS_REFERENCES,
    .reads = reads,
    .options = option_table,
    .options_size = sizeof(struct consistency_options),
    .open = open,
    .measure = measure,
};
