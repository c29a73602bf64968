// The small world under edit; see lab.h.

#include "lab.h"

#include "dense.h"
#include "plugin/options.h"

// The update is read back from float32 weights, which rounds it by up to 1e-7 of a weight.
static const double close_enough = 2e-5;

const struct em_fact lab_facts[LAB_FACTS] = {
    {"0", "The mother tongue of {} is", "Gabreim Kozal", "Krutian", NULL},
    {"1", "{} works as a", "Thadraik Hifert", "mason", NULL},
    {"2", "The birthplace of {} is", "Ludroum Pidr\xc3\xbcm", "Vamo", NULL},
    {"3", "{} works as a", "Gabreim Kozal", "sailor", NULL},
};

void lab_open(struct lab *lab, enum op_matmul matmul)
{
    struct fixture *f = &lab->f;
    fixture_open(f, &(struct fixture_params) {.matmul = matmul});
    const char *folders[] = {EMEND_PLUGINS};
    lab->registry = registry_create(f->log, folders, 1);
    fixture_ok(f, log_status(f->log));
    lab->D = em_model(f->s)->dim;
    lab->F = em_model(f->s)->ffn;
    const char *path = EMEND_WORLD "/corpus.txt";
    const int layers[] = {0, 1, 2};
    const struct session_corpus corpus = {.paths = &path, .num_paths = 1, .tokens = 4000};
    fixture_ok(f, session_corpus_set(f->s, &corpus, layers, 3));
    const char *const texts[] = {"{}", "It is said. {}", "A long day. {}"};
    fixture_ok(f, session_templates_set(f->s, "memit", texts, 3));
    fixture_ok(f, session_templates_set(f->s, "rome", texts, 3));
}

void lab_close(struct lab *lab)
{
    registry_destroy(&lab->registry);
    fixture_close(&lab->f);
}

int lab_begin(void **state)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    assert_non_null(lab);
    lab_open(lab, OP_MATMUL_AUTO);
    *state = lab;
    return 0;
}

int lab_end(void **state)
{
    lab_close(*state);
    free(*state);
    return 0;
}

struct lab *lab_of(void **state)
{
    struct lab *lab = *state;
    session_call_end(lab->f.s);
    fixture_ok(&lab->f, session_revert(lab->f.s)); // whatever a failed test has left
    session_call_begin(lab->f.s);
    return lab;
}

const struct em_algorithm *lab_algorithm(struct lab *lab, const char *name)
{
    const struct em_algorithm *a = registry_algorithm(lab->registry, name);
    if (!a)
        fail_msg("%s", log_error(lab->f.log));
    return a;
}

void *lab_options(struct lab *lab, const char *name, const char *json)
{
    struct fixture *f = &lab->f;
    const struct em_algorithm *a = lab_algorithm(lab, name);
    void *options = arena_alloc(f->arena, a->options_size);
    cJSON *object = cJSON_Parse(json);
    assert_non_null(object);
    const struct options_source source = {.log = f->log, .arena = f->arena, .owner = name};
    fixture_ok(f, options_fill(&source, a->options, object, options));
    cJSON_Delete(object);
    char *prepares;
    fixture_ok(f, options_prepares(f->log, f->arena, a->options, options, &prepares));
    session_store_key(f->s, prepares, NULL);
    return options;
}

enum em_status lab_edit(struct lab *lab, const char *name, const char *json,
                        const struct em_fact *facts, int n)
{
    const void *options = lab_options(lab, name, json);
    session_call_end(lab->f.s);
    session_call_begin(lab->f.s);
    return lab_algorithm(lab, name)->apply(lab->f.s, options, facts, n);
}

struct em_fact *lab_invent(struct lab *lab, int n)
{
    struct fixture *f = &lab->f;
    struct em_fact *facts = arena_array(f->arena, struct em_fact, (size_t) n);
    for (int i = 0; i < n; i++) {
        facts[i] = lab_facts[i % LAB_FACTS];
        facts[i].id = facts[i].target_new = arena_print(f->arena, "invented %d", i);
        const size_t D = (size_t) lab->D, F = (size_t) lab->F;
        fixture_ok(f, em_store_put(f->s, &facts[i], "z", fixture_floats(f, D, 4), D));
        fixture_ok(f, em_store_put(f->s, &facts[i], "key", fixture_floats(f, F, 1), F));
    }
    return facts;
}

double *lab_weights(struct lab *lab, int layer)
{
    struct fixture *f = &lab->f;
    const size_t num = (size_t) lab->D * (size_t) lab->F;
    float *w = em_floats(f->s, num);
    double *wide = arena_array(f->arena, double, num);
    fixture_ok(f, em_weight_read(f->s, EM_MATRIX_DOWN, layer, w));
    for (size_t i = 0; i < num; i++)
        wide[i] = w[i];
    return wide;
}

double *lab_update(struct lab *lab, int layer, const double *before)
{
    double *dW = lab_weights(lab, layer);
    for (int i = 0; i < lab->D * lab->F; i++)
        dW[i] -= before[i];
    return dW;
}

void lab_write(struct lab *lab, int layer, const double *dW)
{
    struct fixture *f = &lab->f;
    const size_t num = (size_t) lab->D * (size_t) lab->F;
    const double *now = lab_weights(lab, layer);
    float *w = em_floats(f->s, num);
    for (size_t i = 0; i < num; i++)
        w[i] = (float) (now[i] + dW[i]);
    fixture_ok(f, em_weight_write(f->s, EM_MATRIX_DOWN, layer, w));
}

int lab_series(struct lab *lab, const char *name, double *out, int space)
{
    int num, found = 0;
    const struct session_series *all = session_series(lab->f.s, &num);
    for (int i = 0; i < num; i++)
        if (strcmp(all[i].name, name) == 0) {
            assert_true(found < space);
            out[found++] = all[i].value;
        }
    return found;
}

// What prompts of facts give at the subject's last token: value [n, width]
static void probe(struct lab *lab, enum em_site site, int layer, const char *context,
                  const struct em_fact *facts, int n, float *value)
{
    struct fixture *f = &lab->f;
    struct em_prompt *prompts = em_alloc(f->s, (size_t) n * sizeof(*prompts));
    for (int i = 0; i < n; i++) {
        const struct em_text text = {context, facts[i].prompt, facts[i].subject, NULL};
        fixture_ok(f, em_prompt_make(f->s, &text, &prompts[i]));
    }
    const struct em_probe probe = {.site = site, .layer = layer, .value = value};
    const struct em_pass pass = {
        .prompts = prompts, .num_prompts = n, .probes = &probe, .num_probes = 1};
    fixture_ok(f, em_run(f->s, &pass));
}

static void set_key(struct lab *lab, struct values *v, int fact, const double *key)
{
    for (int j = 0; j < lab->F; j++)
        v->KT[fact * lab->F + j] = v->K[j * v->n + fact] = key[j];
}

static void make_keys(struct lab *lab, int n, struct values *out)
{
    const size_t num = (size_t) lab->F * (size_t) n;
    out->n = n;
    out->K = arena_array(lab->f.arena, double, num);
    out->KT = arena_array(lab->f.arena, double, num);
}

void lab_keys(struct lab *lab, int layer, const struct em_fact *facts, int n, struct values *out)
{
    int num;
    const char *const *texts = em_contexts(lab->f.s, "memit", &num);
    float *one = em_floats(lab->f.s, (size_t) lab->F);
    double *key = em_doubles(lab->f.s, (size_t) lab->F);
    make_keys(lab, n, out);
    for (int i = 0; i < n; i++) {
        memset(key, 0, (size_t) lab->F * sizeof(*key));
        for (int t = 0; t < num; t++) {
            probe(lab, EM_SITE_MLP_KEY, layer, texts[t], &facts[i], 1, one);
            for (int j = 0; j < lab->F; j++)
                key[j] += one[j] * (t == 0 ? 0.5 : 0.5 / (num - 1));
        }
        set_key(lab, out, i, key);
    }
}

void lab_residuals(struct lab *lab, int z_layer, int layers_left, const struct em_fact *facts,
                   int n, struct values *out)
{
    const size_t D = (size_t) lab->D;
    float *z = em_floats(lab->f.s, D), *now = em_floats(lab->f.s, D * (size_t) n);
    out->R = arena_array(lab->f.arena, double, D *(size_t) n);
    probe(lab, EM_SITE_BLOCK_OUT, z_layer, NULL, facts, n, now);
    for (int i = 0; i < n; i++) {
        assert_true(em_store_get(lab->f.s, &facts[i], "z", z, D));
        for (int d = 0; d < lab->D; d++)
            out->R[d * n + i] = ((double) z[d] - now[i * lab->D + d]) / layers_left;
    }
}

struct values lab_prepared(struct lab *lab, int layer, const struct em_fact *facts, int n)
{
    const size_t F = (size_t) lab->F;
    float *key = em_floats(lab->f.s, F);
    double *wide = em_doubles(lab->f.s, F);
    struct values v;
    make_keys(lab, n, &v);
    for (int i = 0; i < n; i++) {
        assert_true(em_store_get(lab->f.s, &facts[i], "key", key, F));
        for (size_t j = 0; j < F; j++)
            wide[j] = key[j];
        set_key(lab, &v, i, wide);
    }
    lab_residuals(lab, layer, 1, facts, n, &v);
    return v;
}

void lab_expect(struct lab *lab, const double *got, const double *want)
{
    const double apart = dense_distance(got, want, lab->D * lab->F);
    if (!(apart < close_enough))
        fail_msg("the update is %.2e from its formula", apart);
}
