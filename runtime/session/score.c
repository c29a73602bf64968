// em_score: NLLs and arg-max hits of (prompt, target) pairs, in one pass.

#include "session/text.h"

#include <string.h>

enum em_status em_score(struct em_session *s, const struct em_pair *pairs, int num,
                        struct em_answer *out)
{
    if (num <= 0)
        return EM_OK;
    struct em_prompt *prompts = arena_array(s->call, struct em_prompt, (size_t) num);
    for (int i = 0; i < num; i++)
        EM_TRY(session_question(s, pairs[i].prompt, pairs[i].target, &prompts[i]));
    return em_run(s, &(struct em_pass) {.prompts = prompts, .num_prompts = num, .answers = out});
}
