// A look at markup without a browser: whether its elements are closed in order, and what texts it
// holds.

#ifndef TESTS_REPORT_MARKUP_H
#define TESTS_REPORT_MARKUP_H

#include <stdbool.h>

// NULL if every element is closed in its turn, every attribute is quoted, every & begins a
// reference, ids differ and the bytes are UTF-8; else what is wrong. `html`: some elements need no
// end.
const char *markup_error(const char *text, bool html);

int markup_count(const char *text, const char *what); // places where `what` stands

#endif
