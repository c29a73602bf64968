// Texts as TF-IDF vectors over a published vocabulary, with the terms that scikit-learn's
// TfidfVectorizer finds: runs of two or more letters, digits and _, in lower case.

#ifndef METRICS_TERMS_H
#define METRICS_TERMS_H

#include <emend/plugin.h>

struct terms {
    const struct em_entry *entries; // [num], by name
    const double *idf;              // [num], by the entries' values
    size_t num;
};

// The vocabulary {"term": index, ...} of one file and the weights of another.
EM_MUST_CHECK enum em_status terms_open(struct em_session *s, const char *vocabulary,
                                        const char *idf, struct terms *out);

// Adds how often each term occurs in `text` to `counts` [num].
void terms_count(const struct terms *t, const char *text, double *counts);

// The cosine of two vectors of counts weighted by idf; NAN where one of them is zero.
double terms_cosine(const struct terms *t, const double *a, const double *b);

#endif
