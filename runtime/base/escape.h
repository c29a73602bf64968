// Texts of any content written into other languages, so that they are read there as what they are.
//
// What is not UTF-8 is written as U+FFFD; control characters are written as spaces.

#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdio.h>

#include "base/arena.h"

void escape_xml(FILE *to, const char *text);     // HTML and SVG, within elements and attributes
void escape_tex(FILE *to, const char *text);     // LaTeX, for pdfTeX with its own fonts
void escape_csv(FILE *to, const char *text);     // one field (RFC 4180)
void escape_address(FILE *to, const char *path); // a relative path as an address, in an attribute
void escape_plain(FILE *to, const char *text);   // one line of text

// The text with that done which escape_plain does.
char *escape_clean(struct arena *a, const char *text);

#endif
