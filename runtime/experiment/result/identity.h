// What an experiment is made of, by content: {"model": its weights, "config", "tokenizer", "data",
// "order"?, "templates"?, "corpus"?, "covariances"?, "values"?}, each a SHA-256; "chunk", and the
// "profile".

#ifndef EXPERIMENT_IDENTITY_H
#define EXPERIMENT_IDENTITY_H

#include "experiment/internal.h"

EM_MUST_CHECK enum em_status identity_make(struct experiment *e, cJSON **out);
// Adds "profile": the session's numeric profile and the algorithm's file.
EM_MUST_CHECK enum em_status identity_add_profile(struct experiment *e, cJSON *identity);

#endif
