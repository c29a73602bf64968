// Values and keys found ahead, many facts at once; see prepare.h.

#include "common/prepare.h"

#include <string.h>

#include <emend/vec.h>

enum { LOG_FIELDS = sizeof(struct value_step) / sizeof(float) };

static size_t log_size(const struct preparation *p)
{
    return 1 + (size_t) p->value->v_num_grad_steps * LOG_FIELDS;
}

static enum em_status keep_value(struct em_session *s, const struct preparation *p,
                                 const struct em_fact *fact, const struct value *v)
{
    const int D = em_model(s)->dim;
    float *z = em_floats(s, (size_t) D), *log = em_floats(s, log_size(p));
    for (int i = 0; i < D; i++)
        z[i] = v->z0[i] + v->d[i];
    log[0] = (float) v->num_steps;
    memcpy(log + 1, v->steps, (size_t) v->num_steps * sizeof(*v->steps));
    EM_TRY(em_store_put(s, fact, "z", z, (size_t) D));
    return em_store_put(s, fact, "log", log, log_size(p));
}

// The facts that have no value of this name, into `todo`.
static int find_missing(struct em_session *s, const struct em_fact *facts, int n, const char *name,
                        size_t width, struct em_fact *todo)
{
    float *scratch = em_floats(s, width);
    int num = 0;
    for (int i = 0; i < n; i++)
        if (!em_store_get(s, &facts[i], name, scratch, width))
            todo[num++] = facts[i];
    return num;
}

static enum em_status prepare_values(struct em_session *s, const struct preparation *p,
                                     const struct em_fact *facts, int n)
{
    struct value *values = em_alloc(s, (size_t) n * sizeof(*values));
    const struct value_search search = {.options = p->value,
                                        .contexts = p->contexts,
                                        .site = p->site,
                                        .layer = p->z_layer,
                                        .facts = facts,
                                        .num_facts = n};
    EM_TRY(value_find(s, &search, values));
    for (int i = 0; i < n; i++)
        EM_TRY(keep_value(s, p, &facts[i], &values[i]));
    return EM_OK;
}

static enum em_status prepare_keys(struct em_session *s, const struct preparation *p,
                                   const struct em_fact *facts, int n)
{
    const size_t F = (size_t) em_model(s)->ffn;
    float *keys = em_floats(s, (size_t) n * F), *bare = em_floats(s, (size_t) n * F);
    EM_TRY(keys_average(s, p->contexts, p->key_layer, p->average, facts, n, keys, bare, NULL));
    for (int i = 0; i < n; i++) {
        EM_TRY(em_store_put(s, &facts[i], "key", keys + (size_t) i * F, F));
        EM_TRY(em_store_put(s, &facts[i], "key_bare", bare + (size_t) i * F, F));
    }
    return EM_OK;
}

enum em_status prepare_facts(struct em_session *s, const struct preparation *p,
                             const struct em_fact *facts, int n)
{
    struct em_fact *todo = em_alloc(s, (size_t) n * sizeof(*todo));
    int num = find_missing(s, facts, n, "z", (size_t) em_model(s)->dim, todo);
    if (num)
        EM_TRY(prepare_values(s, p, todo, num));
    num = find_missing(s, facts, n, "key", (size_t) em_model(s)->ffn, todo);
    return num ? prepare_keys(s, p, todo, num) : EM_OK;
}

enum em_status prepared_value(struct em_session *s, const struct preparation *p,
                              const struct em_fact *fact, float *z)
{
    if (!em_store_get(s, fact, "z", z, (size_t) em_model(s)->dim)) {
        EM_TRY(prepare_facts(s, p, fact, 1));
        if (!em_store_get(s, fact, "z", z, (size_t) em_model(s)->dim))
            return em_fail(s, EM_ERR_NUMERIC, "the value of \"%s\" was not kept", fact->subject);
    }
    em_record(s, "z_norm", em_norm(z, em_model(s)->dim));
    float *log = em_floats(s, log_size(p));
    if (!em_store_get(s, fact, "log", log, log_size(p)))
        return EM_OK; // an imported value has no log
    const struct value_step *steps = (const struct value_step *) (log + 1);
    for (int i = 0; i < (int) log[0]; i++) {
        em_record(s, "nll", steps[i].nll);
        em_record(s, "kl", steps[i].kl);
        em_record(s, "wd", steps[i].wd);
        em_record(s, "loss", steps[i].loss);
        em_record(s, "d_norm", steps[i].norm);
    }
    return EM_OK;
}

enum em_status prepared_key(struct em_session *s, const struct preparation *p,
                            const struct em_fact *fact, const char *name, float *key)
{
    const size_t F = (size_t) em_model(s)->ffn;
    if (em_store_get(s, fact, name, key, F))
        return EM_OK;
    EM_TRY(prepare_keys(s, p, fact, 1));
    if (!em_store_get(s, fact, name, key, F))
        return em_fail(s, EM_ERR_NUMERIC, "the key of \"%s\" was not kept", fact->subject);
    return EM_OK;
}
