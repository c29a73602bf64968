// em_score: NLLs and arg-max hits of (prompt, target) pairs, in one pass.

#include "session/store/kept.h"
#include "session/text.h"

#include <string.h>

static enum em_status score(struct em_session *s, const struct em_pair *pairs, int num,
                            struct em_answer *out)
{
    struct em_prompt *prompts = arena_array(s->call, struct em_prompt, (size_t) num);
    for (int i = 0; i < num; i++)
        EM_TRY(session_question(s, pairs[i].prompt, pairs[i].target, &prompts[i]));
    return em_run(s, &(struct em_pass) {.prompts = prompts, .num_prompts = num, .answers = out});
}

static struct hash *hash_pairs(const struct em_session *s, const struct em_pair *pairs, int num)
{
    struct hash *h = kept_hash(s, "answers 1");
    for (int i = 0; i < num; i++) {
        hash_text(h, pairs[i].prompt);
        hash_text(h, pairs[i].target);
    }
    return h;
}

enum em_status em_score(struct em_session *s, const struct em_pair *pairs, int num,
                        struct em_answer *out)
{
    struct cache_entry e = {0};
    if (num <= 0)
        return EM_OK;
    if (s->remembers)
        EM_TRY(kept_answers_open(s, hash_pairs(s, pairs, num), num, out, &e));
    const enum em_status status = e.data ? EM_OK : score(s, pairs, num, out);
    if (s->remembers && status == EM_OK)
        kept_answers_put(s, num, out, &e);
    cache_close(&e);
    return status;
}
