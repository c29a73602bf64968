// Descriptors checked; see descriptor.h.

#include "plugin/descriptor.h"

#include <string.h>

#include "base/file/file.h"
#include "plugin/options.h"

const char *plugin_kind_name(enum plugin_kind kind)
{
    return kind == PLUGIN_ALGORITHM ? "an algorithm" : "a metric";
}

const char *plugin_kind_folder(enum plugin_kind kind)
{
    return kind == PLUGIN_ALGORITHM ? "algorithms" : "metrics";
}

const char *plugin_kind_symbol(enum plugin_kind kind)
{
    return kind == PLUGIN_ALGORITHM ? "em_algorithm" : "em_metric";
}

enum plugin_kind plugin_kind_other(enum plugin_kind kind)
{
    return kind == PLUGIN_ALGORITHM ? PLUGIN_METRIC : PLUGIN_ALGORITHM;
}

static const char *abi_defect(struct arena *a, const struct em_abi *have, const struct em_abi *need)
{
    if (have->version != need->version)
        return arena_print(a,
                           "was built for interface version %u, this program has %u; build it "
                           "again with this version's <emend/plugin.h>",
                           have->version, need->version);
    static const char *const structs[] = {
        "the descriptor",  "struct em_option", "struct em_pass",  "struct em_probe",
        "struct em_term",  "struct em_prompt", "struct em_fact",  "struct em_text",
        "struct em_pair",  "struct em_answer", "struct em_model", "struct em_question",
        "struct em_reply", "struct em_case",
    };
    enum { NUM = sizeof(structs) / sizeof(*structs) };
    _Static_assert(sizeof(struct em_abi) == (1 + NUM) * sizeof(uint32_t), "name every field");
    uint32_t sizes[2][1 + NUM];
    memcpy(sizes[0], have, sizeof(*have));
    memcpy(sizes[1], need, sizeof(*need));
    for (int i = 0; i < NUM; i++)
        if (sizes[0][1 + i] != sizes[1][1 + i])
            return arena_print(
                a,
                "was built against other headers: %s has %u bytes there and %u here; "
                "build it again with this version's <emend/plugin.h>",
                structs[i], sizes[0][1 + i], sizes[1][1 + i]);
    return NULL;
}

static const char *name_defect(struct arena *a, const char *name, const char *path)
{
    const char *stem = arena_print(a, "%.*s", (int) strlen(path_name(path)) - 3, path_name(path));
    if (!name || strcmp(name, stem) != 0)
        return arena_print(a, "calls itself \"%s\"; a plugin's name is that of its file, \"%s\"",
                           name ? name : "", stem);
    if (!options_is_name(name))
        return arena_print(a, "its name \"%s\" is not lower-case letters, digits and _", name);
    return NULL;
}

static const char *algorithm_defect(struct arena *a, const struct em_algorithm *d)
{
    const unsigned known = EM_NEEDS_GRADIENT | EM_NEEDS_COVARIANCE;
    if (d->needs & ~known)
        return arena_print(a, "needs 0x%x, of which this program knows 0x%x", d->needs, known);
    if (d->max_facts < 0)
        return arena_print(a, "its max_facts is %d; 0 means any number", d->max_facts);
    return d->apply ? NULL : "has no apply()";
}

static const char *metric_defect(struct arena *a, const struct em_metric *d)
{
    const unsigned known = EM_NEEDS_REFERENCES | EM_NEEDS_TARGET_NEW | EM_NEEDS_TARGET_TRUE;
    if (!d->label || !*d->label)
        return "has no label";
    if (d->needs & ~known)
        return arena_print(a, "needs 0x%x, of which metrics are given 0x%x", d->needs, known);
    if (d->scope == EM_PER_CASE && !d->measure)
        return "is measured per case but has no measure()";
    if (d->scope == EM_PER_STATE && !d->inspect)
        return "is measured per model state but has no inspect()";
    if (d->scope == EM_DERIVED && (!d->derive || !d->reads || !d->reads[0]))
        return "is derived but has no derive() or reads no other metric";
    int reads = 0;
    while (d->reads && d->reads[reads] && reads <= EM_MAX_READS)
        reads++;
    if (reads > EM_MAX_READS)
        return arena_print(a, "reads more than %d groups or metrics", EM_MAX_READS);
    if ((unsigned) d->scope > EM_DERIVED)
        return arena_print(a, "has scope %d, which this program does not know", (int) d->scope);
    return NULL;
}

static const char *text_defect(const char *summary, const char *reference)
{
    if (!summary || !*summary)
        return "has no summary";
    return reference ? NULL : "has no reference; \"\" says there is none";
}

// What follows the defect of a table: the plugin's author is the one who can cure it.
static const char *table_defect(struct arena *a, const struct em_option *table, size_t size)
{
    const char *defect = options_defect(a, table, size);
    return defect ? arena_print(a, "its option table is wrong: %s", defect) : NULL;
}

const char *descriptor_defect(struct arena *a, enum plugin_kind kind, const void *descriptor,
                              const char *path)
{
    static const struct em_abi algorithm_abi = EM_ABI(struct em_algorithm);
    static const struct em_abi metric_abi = EM_ABI(struct em_metric);
    const bool is_algorithm = kind == PLUGIN_ALGORITHM;
    const char *defect =
        abi_defect(a, descriptor, is_algorithm ? &algorithm_abi : &metric_abi); // first member
    if (defect)
        return defect;
    const struct em_algorithm *algorithm = descriptor;
    const struct em_metric *metric = descriptor;
    defect =
        is_algorithm ? name_defect(a, algorithm->name, path) : name_defect(a, metric->name, path);
    if (!defect)
        defect = is_algorithm ? text_defect(algorithm->summary, algorithm->reference)
                              : text_defect(metric->summary, metric->reference);
    if (!defect)
        defect = is_algorithm ? algorithm_defect(a, algorithm) : metric_defect(a, metric);
    if (!defect)
        defect = is_algorithm ? table_defect(a, algorithm->options, algorithm->options_size)
                              : table_defect(a, metric->options, metric->options_size);
    return defect;
}
