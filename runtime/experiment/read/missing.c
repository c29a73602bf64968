// Missing files, and where to get them; see missing.h.

#include "experiment/read/missing.h"

#include <string.h>

#include "base/file/file.h"

// Files that users fetch by hand, by the name that the presets give them. One more is one line.
#define STUDY_ORDER                                                                                \
    "the study's order of the records, in the folder data of "                                     \
    "scalable-model-editing/unified-model-editing on GitHub; --set data.order=null takes them as " \
    "they stand instead"

static const struct hint {
    const char *name, *source;
} hints[] = {
    {"Meta-Llama-3-8B",
     "meta-llama/Meta-Llama-3-8B (16 GB) from Hugging Face, whose page asks to accept a licence "
     "first: with hf download meta-llama/Meta-Llama-3-8B --exclude \"original/*\", or config.json, "
     "tokenizer.json, model.safetensors.index.json and the four model-*.safetensors"},
    {"Llama-2-7b-hf",
     "meta-llama/Llama-2-7b-hf (13.5 GB) from Hugging Face, whose page asks to accept a licence "
     "first: with hf download meta-llama/Llama-2-7b-hf --exclude \"*.bin\", or config.json, "
     "tokenizer.json, model.safetensors.index.json and the two model-*.safetensors"},
    {"counterfact.json", "counterfact.json, 21,919 records, from the data page of the ROME project "
                         "(rome.baulab.info/data)"},
    {"multi_counterfact.json",
     "multi_counterfact.json, 20,877 records, from the data page of the MEMIT project "
     "(memit.baulab.info/data)"},
    {"zsre_mend_eval.json", "zsre_mend_eval.json, 19,086 records, from the data page of the MEMIT "
                            "project (memit.baulab.info/data)"},
    {"MQuAKE-CF-3k.json",
     "MQuAKE-CF-3k.json, 3,000 records, in the folder datasets of princeton-nlp/MQuAKE on GitHub"},
    {"MQuAKE-T.json",
     "MQuAKE-T.json, 1,825 records, in the folder datasets of princeton-nlp/MQuAKE on GitHub"},
    {"counterfact_sampled_unique_cf_10_20000.json", STUDY_ORDER},
    {"counterfact_sampled_unique_mcf_10_20000.json", STUDY_ORDER},
    {"zsre_sampled_unique_10_10000.json", STUDY_ORDER},
    {"attribute_snippets.json",
     "attribute_snippets.json, the reference texts, from the data page of the ROME project "
     "(rome.baulab.info/data)"},
    {"idf.npy", "idf.npy, from the data page of the ROME project (rome.baulab.info/data)"},
    {"tfidf_vocab.json",
     "tfidf_vocab.json, from the data page of the ROME project (rome.baulab.info/data)"},
    {"wikipedia.jsonl",
     "text of Wikipedia, such as wikimedia/wikipedia (20231101.en) on Hugging Face: some thousand "
     "articles, one a line as {\"text\": \"...\"} (a file with another name may be plain text)"},
};

struct missing {
    struct log *log;
    struct arena *arena;
    const char *lines; // NULL: nothing is missing
    int num;
};

struct missing *missing_create(struct log *log, struct arena *a)
{
    struct missing *m = arena_new(a, struct missing);
    *m = (struct missing) {.log = log, .arena = a};
    return m;
}

static const char *find_source(const char *path)
{
    for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
        if (strcmp(hints[i].name, path_name(path)) == 0)
            return hints[i].source;
    return NULL;
}

void missing_add(struct missing *m, const char *where, const char *written, const char *path,
                 const char *what)
{
    const char *source = find_source(path);
    m->num++;
    m->lines = arena_print(m->arena, "%s%s%s: \"%s\": there is no such %s (looked for %s)%s%s%s%s",
                           m->lines ? m->lines : "", m->lines ? "\n" : "", where, written, what,
                           path, source ? "\n    fetch " : "", source ? source : "",
                           source ? "\n    to " : "", source ? path : "");
}

enum em_status missing_fail(const struct missing *m)
{
    if (m->num == 0)
        return EM_OK;
    if (m->num == 1)
        return log_fail(m->log, EM_ERR_CONFIG, "%s", m->lines);
    return log_fail(
        m->log, EM_ERR_CONFIG,
        "%s\n%d files are missing; nothing else is wrong, as far as can be told without "
        "them",
        m->lines, m->num);
}
