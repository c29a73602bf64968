// Any bytes as a file that an experiment names: a corpus in either form, or a text, an array or
// numbers that an option takes; the first byte says which.

#include "../fuzz.h"

#include "session/moment/corpus.h"
#include "world.h"

static enum em_status read_corpus(struct em_session *s, const char *path)
{
    const struct session_corpus from = {
        .paths = &path, .num_paths = 1, .max_length = 128, .shuffle = true};
    struct corpus corpus;
    EM_TRY(corpus_read(s, &from, 1000, &corpus));
    for (int i = 0; i < corpus.num; i++)
        if (corpus.docs[i].num_tokens < 1 || corpus.docs[i].num_tokens > corpus.longest)
            abort();
    corpus_free(&corpus);
    return EM_OK;
}

static enum em_status read_text(struct em_session *s, const char *path)
{
    char *text;
    EM_TRY(em_read_text(s, path, &text));
    fuzz_touch((const uint8_t *) text, strlen(text));
    return EM_OK;
}

static enum em_status read_array(struct em_session *s, const char *path)
{
    const double *values;
    size_t num;
    EM_TRY(em_read_array(s, path, &values, &num));
    fuzz_touch((const uint8_t *) values, num * sizeof(*values));
    return EM_OK;
}

static enum em_status read_entries(struct em_session *s, const char *path)
{
    struct em_entry *entries;
    size_t num;
    EM_TRY(em_read_entries(s, path, &entries, &num));
    for (size_t i = 0; i < num; i++)
        fuzz_touch((const uint8_t *) entries[i].name, strlen(entries[i].name));
    return EM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *name;
        enum em_status (*read)(struct em_session *s, const char *path);
    } kinds[] = {{"corpus.txt", read_corpus},
                 {"corpus.jsonl", read_corpus},
                 {"text", read_text},
                 {"array.npy", read_array},
                 {"entries.json", read_entries}};
    if (!size)
        return 0;
    static const struct model_config config = {.layers = 1, .dim = 2, .ffn = 2, .max_tokens = 256};
    const size_t kind = *data % (sizeof(kinds) / sizeof(*kinds));
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    struct em_session s = {.log = log,
                           .config = &config,
                           .life = a,
                           .call = a,
                           .bos = *data & 128,
                           .tokenizer = model_files_tokenizer(world_open())};
    const char *path = fuzz_write(a, kinds[kind].name, (struct file_part) {data + 1, size - 1});
    fuzz_end(&log, &a, kinds[kind].read(&s, path));
    return 0;
}
