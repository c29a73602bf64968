// Which of the formats a data file looks like, by its beginning: for the message where it is not
// the one that the experiment says.

#ifndef EXPERIMENT_SNIFF_H
#define EXPERIMENT_SNIFF_H

#include "experiment/read/spec.h"

// Fails if the file certainly is not of the format; what is only doubtful is left to its reader.
EM_MUST_CHECK enum em_status sniff_check(const struct spec *spec, const char *text);

#endif
