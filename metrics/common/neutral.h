// Neutral text: paragraphs of a file as prompts, on which an edit should change nothing.

#ifndef METRICS_NEUTRAL_H
#define METRICS_NEUTRAL_H

#include <emend/plugin.h>

struct neutral {
    const char *text; // options
    int prompts, tokens;
    struct em_prompt *made; // [num_made] by neutral_open; the target is all but the first token
    int num_made;
};

extern const struct em_option neutral_option_table[]; // ends with {0}

EM_MUST_CHECK enum em_status neutral_open(struct em_session *s, struct neutral *n);

#endif
