// A metric plugin that is right except for what -DDEFECT_... breaks; one .so is built for each.

#include "specimen.h"

#ifndef NAME
#define NAME "good"
#endif

static const char *const reads[] = {"rewrite", NULL};
static const int layers[] = {0, 1};
static const char *const shades[] = {"light", "dark", NULL};

#if defined(DEFECT_DEFAULT)
#define COUNT_ROW EM_INT(struct specimen_options, count, 99, 0, 9, "how many")
#elif defined(DEFECT_CHOICE)
#define COUNT_ROW EM_CHOICE(struct specimen_options, count, 2, shades, "which shade")
#elif defined(DEFECT_HELP)
#define COUNT_ROW EM_INT(struct specimen_options, count, 1, 0, 9, "")
#elif defined(DEFECT_KEY)
#define COUNT_ROW                                                                                  \
    {                                                                                              \
        .name = "Count", .type = EM_OPTION_INT, .max = 9, .help = "how many"                       \
    }
#elif defined(DEFECT_OFFSET)
#define COUNT_ROW                                                                                  \
    {                                                                                              \
        .name = "count", .type = EM_OPTION_INT, .offset = sizeof(struct specimen_options),         \
        .max = 9, .help = "how many"                                                               \
    }
#else
#define COUNT_ROW EM_INT(struct specimen_options, count, 1, 0, 9, "how many")
#endif

static const struct em_option options[] = {
    COUNT_ROW,
#ifdef DEFECT_TWICE
    EM_INT(struct specimen_options, count, 1, 0, 9, "how many, again"),
#endif
    EM_LAYERS(struct specimen_options, layers, layers, "which layers"),
#ifdef DEFECT_END
    {.name = "far", .type = EM_OPTION_TYPES},
#endif
    {0},
};

static bool measure(const void *values, const struct em_case *c, double *out)
{
    const struct specimen_options *o = values;
    *out = o->count + c->num_questions;
    return true;
}

#ifdef DEFECT_UNDEFINED
void em_of_no_version(void);
#endif

#ifndef DEFECT_SYMBOL
const struct em_metric em_metric = {
    .abi =
        {
            .version = EM_ABI_VERSION
#ifdef DEFECT_VERSION
                       + 1
#endif
            ,
            .descriptor = sizeof(struct em_metric),
#ifdef DEFECT_STRUCT
            .option = OTHER_SIZE,
#else
            .option = sizeof(struct em_option),
#endif
            .pass = sizeof(struct em_pass),
            .probe = sizeof(struct em_probe),
            .term = sizeof(struct em_term),
            .prompt = sizeof(struct em_prompt),
            .fact = sizeof(struct em_fact),
            .text = sizeof(struct em_text),
            .pair = sizeof(struct em_pair),
            .answer = sizeof(struct em_answer),
            .model = sizeof(struct em_model),
            .question = sizeof(struct em_question),
            .reply = sizeof(struct em_reply),
            .em_case = sizeof(struct em_case),
        },
    .name = NAME,
#ifndef DEFECT_LABEL
    .label = "G",
#endif
#ifndef DEFECT_SUMMARY
    .summary = "a specimen",
#endif
#ifndef DEFECT_REFERENCE
    .reference = "",
#endif
#if defined(DEFECT_INSPECT)
    .scope = EM_PER_STATE,
#elif defined(DEFECT_DERIVE)
    .scope = EM_DERIVED,
#elif defined(DEFECT_SCOPE)
    .scope = (enum em_scope) 7,
#else
    .scope = EM_PER_CASE,
#endif
    .reads = reads,
#ifndef DEFECT_TABLE
    .options = options,
#endif
    .options_size = sizeof(struct specimen_options),
#ifndef DEFECT_MEASURE
    .measure = measure,
#endif
};
#endif

#ifdef DEFECT_UNDEFINED
EM_EXPORT extern void (*const specimen_use)(void);
void (*const specimen_use)(void) = em_of_no_version;
#endif
