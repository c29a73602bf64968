// Vocabularies for the tokenizer tests: one word for each byte, then words of a list.

#ifndef TESTS_PARSERS_WORDS_H
#define TESTS_PARSERS_WORDS_H

#include "room.h"

#include "model/tokenizer.h"

// The byte-level characters of a text.
char *words_spell(struct room *r, const char *text);

// ids 0 to 255 are the bytes, 256 on what each of the merges "a b" (in plain text) makes.
struct tokenizer_params words_make(struct room *r, const char *const *merges, int num_merges);

// As SentencePiece has it: <unk>, <s>, the bytes from id 2 on, then `pieces` from the best to the
// worst, each with a score one lower than the one before.
enum { WORDS_SCORED_FIRST = 2 + 256 };
struct tokenizer_params words_scored(struct room *r, const char *const *pieces, int num);

// A byte-level vocabulary as a tokenizer.json, with `parts`, members of the object, in the place of
// the pre-tokenizer and what comes after it.
char *words_json(struct room *r, const struct tokenizer_params *p, const char *parts);

// The ids of a text as "1 2 3".
const char *words_ids(struct room *r, struct tokenizer *t, const char *text, size_t size,
                      bool special);

#endif
