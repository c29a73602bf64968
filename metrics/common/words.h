// A text as words, split as the Penn Treebank does: punctuation apart, "can't" as "ca" and "n't",
// straight quotes as `` or ''. A full stop is a word of its own where a sentence ends, which is
// told from what follows.

#ifndef METRICS_WORDS_H
#define METRICS_WORDS_H

#include <stdbool.h>

struct words {
    char *text;      // holds the words
    const char **at; // [num]
    int num;
};

// False: out of memory.
bool words_split(const char *text, struct words *out);
void words_free(struct words *words);

#endif
