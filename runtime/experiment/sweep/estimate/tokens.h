// A data set counted in rows: tokens that a pass computes, where prompts that begin alike share
// them.

#ifndef EXPERIMENT_TOKENS_H
#define EXPERIMENT_TOKENS_H

#include "experiment/internal.h"

struct token_list {
    const int *at; // [num]
    int num;
};

struct case_tokens {
    struct token_list before,
        kl;                   // the edited prompt, and "{} is a", up to the subject's last token
    int live;                 // rows from that token to the target's last but one
    int labels;               // the target's tokens
    struct token_list *asked; // [num_asked] questions with a target, but for its last token
    int num_asked, answers;   // rows whose logits the answers are read from
};

// cases [e->data.num], in the arena.
EM_MUST_CHECK enum em_status tokens_read(struct experiment *e, struct arena *a,
                                         struct case_tokens **cases);

struct row_counts { // of the cases [first, end) together
    double before, kl, live, labels;
    double asked, answers;
};
struct row_counts tokens_count(struct arena *a, const struct case_tokens *cases, int first,
                               int end);

#endif
