// Run and sweep folders written as finished runs leave them, with numbers that a test can foretell.

#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H

#include <stdbool.h>

#define FIXTURE_HOSTILE "a'b\"c<d>&e`f$g@h\\i{j}%k_l^m~n#o,p;\n\tq\xFF</svg><script>λ"

// What a folder can be made as: "one" run in batches, a sweep of "layers" by two algorithms, of
// "batches" with references, of "sequential" runs, of "lambda" for algorithms that are objects, of
// "texts", "large" (60 points), and "hostile": names that hold every character that means
// something.
extern const char *const fixture_names[]; // ends with NULL

// Makes it at `folder`, which must not be there; returns false for a name it does not know.
bool fixture_make(const char *name, const char *folder);

// The mean of a metric in a run: efficacy 90, paraphrase 80, neighborhood 70 and score 60, less
// `step` for each step of the point along its first axis and 3 along its second; an interval of 4
// to both sides. Before: 12. Retained: 9 less than fresh.
enum { FIXTURE_STEP = 2, FIXTURE_BEFORE = 12, FIXTURE_RETAINED_LESS = 9, FIXTURE_INTERVAL = 4 };

#endif
