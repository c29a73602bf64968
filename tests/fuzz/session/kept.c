// Any bytes as what was kept on disk, under the hash that says they are whole: texts, answers, the
// values of facts, and values of the user's; the first byte says which.

#include "../fuzz.h"

#include "session/store/kept.h"
#include "session/store/store.h"
#include "world.h"

enum { FACTS = 3 };

static const struct em_fact facts[FACTS] = {
    {.id = "0", .prompt = "{} is in", .subject = "Rome", .target_new = "Spain"},
    {.id = "1", .prompt = "{} is in", .subject = "Oslo", .target_new = "Spain"},
    {.id = "2", .prompt = "{} is in", .subject = "Bern", .target_new = "Spain"},
};

static struct hash *question(void)
{
    struct hash *h = hash_begin();
    hash_text(h, "a question");
    return h;
}

static enum em_status read_texts(struct em_session *s, struct file_part bytes)
{
    const char *texts[FACTS];
    struct cache_entry e;
    EM_TRY(kept_texts_open(s, question(), FACTS, texts, &e));
    cache_put(&e, &bytes, 1);
    cache_close(&e);
    EM_TRY(kept_texts_open(s, question(), FACTS, texts, &e));
    for (int i = 0; e.data && i < FACTS; i++)
        fuzz_touch((const uint8_t *) texts[i], strlen(texts[i]));
    cache_close(&e);
    return EM_OK;
}

static enum em_status read_answers(struct em_session *s, struct file_part bytes)
{
    struct em_answer answers[FACTS];
    struct cache_entry e;
    EM_TRY(kept_answers_open(s, question(), FACTS, answers, &e));
    cache_put(&e, &bytes, 1);
    cache_close(&e);
    EM_TRY(kept_answers_open(s, question(), FACTS, answers, &e));
    cache_close(&e);
    return EM_OK;
}

static enum em_status read_values(struct em_session *s, struct file_part bytes)
{
    EM_TRY(session_chunk_begin(s, facts, FACTS));
    struct chunk *chunk = s->store->open;
    cache_put(&chunk->entry, &bytes, 1);
    s->store->chunks = NULL;
    chunk_destroy(&chunk);
    EM_TRY(session_chunk_begin(s, facts, FACTS));
    float z[2];
    for (int i = 0; i < FACTS; i++)
        em_store_get(s, &facts[i], "z", z, 2);
    return session_chunk_end(s, EM_OK);
}

static enum em_status import_values(struct em_session *s, struct file_part bytes)
{
    float z[2];
    EM_TRY(session_store_import(s, fuzz_write(s->call, "values.safetensors", bytes)));
    for (int i = 0; i < FACTS; i++)
        em_store_get(s, &facts[i], "z", z, 2);
    return session_store_export(s, facts, FACTS, path_join(s->call, fuzz_folder(), "out"));
}

static enum em_status read_kept(struct em_session *s, int kind, struct file_part bytes)
{
    switch (kind) {
    case 0:
        return read_texts(s, bytes);
    case 1:
        return read_answers(s, bytes);
    case 2:
        return read_values(s, bytes);
    }
    return import_values(s, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    static const struct model_config config = {.layers = 1, .dim = 2, .ffn = 2};
    struct log *log = log_create(NULL, LOG_QUIET);
    struct arena *a = arena_create();
    const char *folder = path_join(a, fuzz_folder(), "cache");
    struct cache *cache = cache_create(log, folder);
    struct em_session s = {.log = log,
                           .config = &config,
                           .life = a,
                           .call = a,
                           .cache = cache,
                           .tokenizer = model_files_tokenizer(world_open()),
                           .profile = "fuzz"};
    const enum em_status status = read_kept(&s, *data % 4, (struct file_part) {data + 1, size - 1});
    store_destroy(&s);
    cache_destroy(&cache);
    folder_remove(folder);
    fuzz_end(&log, &a, status);
    return 0;
}
