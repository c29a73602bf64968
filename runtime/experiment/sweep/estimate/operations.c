// Counts operations; see operations.h. Per row and layer a product with a matrix [N, K] is 2 N K
// flop forward, and as many back.

#include "experiment/sweep/estimate/operations.h"

#include <string.h>

#include "base/number/least.h"
#include "experiment/run/templates.h"
#include "experiment/sweep/estimate/seen.h"
#include "experiment/sweep/estimate/tokens.h"

enum { PASS_ROWS = 4096 }; // of a corpus in one pass, about

struct shape { // flop of a row forward, bytes of weights
    double layers, dim, ffn, vocab;
    double qkv, layer, head; // the three products first in a layer; all of it; logits
    double layer_bytes, head_bytes;
    double moved; // bytes that a row and layer read and write between products
};

struct read_set { // a data set in tokens
    const struct em_fact *facts;
    struct case_tokens *cases;
    struct read_set *next;
};

struct counter {
    struct sweep *sweep;
    struct arena *arena;
    struct operations *out;
    struct read_set *sets;
    struct seen *seen;
    struct seen_rows *rows;
};

static double min_double(double a, double b)
{
    return a < b ? a : b;
}

// False the first time.
static bool has_seen(struct counter *t, const char *key)
{
    return seen_before(t->arena, &t->seen, key);
}

static struct shape shape_of(const struct experiment *e)
{
    const struct model_config *c = model_files_config(e->files);
    const double D = c->dim, F = c->ffn, Q = (double) c->heads * c->head_dim,
                 KV = 2.0 * c->kv_heads * c->head_dim, V = c->vocab;
    const double params = D * (Q + KV) + Q * D + 3 * D * F;
    const enum file_type type = model_files_matrix(e->files, 0, EM_MATRIX_DOWN)->type;
    const double size = type == FILE_F16 || type == FILE_BF16 ? 2 : 4; // on the device
    return (struct shape) {
        .layers = c->layers,
        .dim = D,
        .ffn = F,
        .vocab = V,
        .qkv = 2 * D * (Q + KV),
        .layer = 2 * params,
        .head = 2 * D * V,
        .layer_bytes = params * size,
        .head_bytes = D * V * size,
        .moved = sizeof(float) * (5 * D + 2 * Q + 2 * KV + 4 * F),
    };
}

static void add(struct work *w, double flop, double bytes)
{
    w->flop += flop;
    w->bytes += bytes;
}

// `rows` through the layers [0, layers), the last of which computes for `wanted` of them what
// comes behind keys and values.
static void add_layers(struct work *w, const struct shape *s, double rows, double wanted,
                       double layers)
{
    if (layers > 0 && rows > 0)
        add(w, (layers - 1) * rows * s->layer + rows * s->qkv + wanted * (s->layer - s->qkv),
            layers * (s->layer_bytes + rows * s->moved));
}

static enum em_status read_tokens(struct counter *t, struct experiment *e,
                                  struct case_tokens **cases)
{
    for (struct read_set *s = t->sets; s; s = s->next)
        if (s->facts == e->data.facts) {
            *cases = s->cases;
            return EM_OK;
        }
    EM_TRY(tokens_read(e, t->arena, cases));
    struct read_set *s = arena_new(t->arena, struct read_set);
    *s = (struct read_set) {e->data.facts, *cases, t->sets};
    t->sets = s;
    return EM_OK;
}

// --- values

struct contexts { // templates: how many, and the tokens before their prompts
    double num, tokens;
};

static struct contexts contexts_of(const struct experiment *e)
{
    const char *name = templates_set(e);
    struct contexts out = {1, 0};
    for (int i = 0; name && i < SPEC_TEMPLATE_SETS; i++) {
        const struct spec_template_set *set = &e->spec.templates.sets[i];
        if (strcmp(set->name, name) != 0)
            continue;
        for (int k = 0; k < set->lengths.num; k++) {
            const double texts = (double) set->num_starts * set->per_start;
            out.num += texts;
            out.tokens += texts * (set->lengths.at[k] + 1); // and the full stop
        }
    }
    return out;
}

static double option(const struct experiment *e, const char *name)
{
    const cJSON *value = json_get(json_get(e->json, "algorithm"), name);
    return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

// A chunk's values at `layer`, each step of which computes the layers above it, and its keys.
static void add_chunk(const struct counter *t, const struct experiment *e, int layer,
                      const struct row_counts *n, int facts)
{
    const struct shape s = shape_of(e);
    const struct contexts c = contexts_of(e);
    struct work *w = &t->out->phases[PHASE_VALUE];
    const double steps = option(e, "v_num_grad_steps"), above = s.layers - 1 - layer;
    const double before = c.tokens + c.num * n->before + n->kl;
    const double live = c.num * n->live + facts, logits = c.num * n->labels + facts;
    add_layers(w, &s, before, 0, s.layers);
    add_layers(w, &s, live, live, layer + 1);
    for (int back = 0; back < 2; back++) {
        struct work step = {0};
        add_layers(&step, &s, live, logits, above);
        add(&step, logits * s.head, s.head_bytes);
        add(w, steps * step.flop, steps * step.bytes);
    }
    add(w, facts * s.head, s.head_bytes); // the distribution that stays what it was
    const double keyed = c.num * facts;
    add_layers(w, &s, c.tokens + c.num * n->before + keyed, keyed, layer + 1);
}

static enum em_status count_values(struct counter *t, int i, const struct case_tokens *cases)
{
    struct experiment *e = t->sweep->points[i].experiment;
    const bool keeps = spec_keeps_edits(&e->spec);
    const int num = e->data.num, part = keeps ? e->spec.run.batch_size : num;
    int layers;
    const int *layer =
        options_layers(e->arena, e->spec.algorithm->options, e->spec.options, &layers);
    const char *key;
    if (!e->spec.algorithm->prepare || !layers)
        return EM_OK;
    EM_TRY(experiment_store_key(e, &key));
    for (int first = 0; first < num; first += part)
        for (int at = first, end = min_int(first + part, num); at < end; at += CHUNK) {
            const int n = min_int(CHUNK, end - at);
            const char *name =
                arena_print(t->arena, "%p %p %s %d %d %d", (const void *) e->files,
                            (const void *) e->data.facts, key, at, n, keeps && at ? i : -1);
            if (has_seen(t, name))
                continue;
            const struct row_counts rows = tokens_count(t->arena, cases, at, at + n);
            add_chunk(t, e, layer[layers - 1], &rows, n);
        }
    return EM_OK;
}

// --- covariances, solves and updates

static void count_covariances(struct counter *t, struct experiment *e)
{
    const struct shape s = shape_of(e);
    const struct spec_covariance *c = &e->spec.covariance;
    const double rows = c->tokens, passes = rows / PASS_ROWS + 1;
    struct work *w = &t->out->phases[PHASE_COVARIANCE];
    int num, top = -1;
    const int *layers = options_layers(e->arena, e->spec.algorithm->options, e->spec.options, &num);
    if (!(e->spec.needs & EM_NEEDS_COVARIANCE))
        return;
    for (int i = 0; i < num; i++) {
        if (has_seen(t, arena_print(t->arena, "layer %p %d %d", (const void *) e->files, c->tokens,
                                    layers[i])))
            continue;
        top = layers[i] > top ? layers[i] : top;
        t->out->host_flop += s.ffn * s.ffn * s.ffn / 3;
        add(w, rows * s.ffn * s.ffn, 4 * rows * s.ffn);
    }
    // a sweep measures all its layers in one pass; what points add to it is the layers above
    for (int l = 0; l <= top; l++)
        if (!has_seen(
                t, arena_print(t->arena, "pass %p %d %d", (const void *) e->files, c->tokens, l)))
            add(w, rows * s.layer, passes * s.layer_bytes + rows * s.moved);
}

double operations_update(const struct experiment *e, double n)
{
    const struct shape s = shape_of(e);
    const double small = min_double(n, s.ffn);
    int layers;
    options_layers(e->arena, e->spec.algorithm->options, e->spec.options, &layers);
    return layers * (4 * n * s.ffn * s.ffn + 2 * small * small * (n + s.ffn + s.dim));
}

// --- questions

// Cases [first, end) of batches of `size`.
static void add_asked(struct counter *t, const struct experiment *e,
                      const struct case_tokens *cases, int size, int first, int end)
{
    const struct shape s = shape_of(e);
    struct work *w = &t->out->phases[PHASE_EVALUATE];
    for (int at = first; at < end; at += CHUNK) {
        const int last = min_int(at + CHUNK, end);
        const struct row_counts n = tokens_count(t->arena, cases, at, last);
        add_layers(w, &s, n.asked, n.answers,
                   s.layers - seen_begin(t->arena, &t->rows, e, size, last));
        add(w, n.answers * s.head, s.head_bytes);
    }
}

static void add_texts(struct counter *t, const struct experiment *e, int texts)
{
    const struct shape s = shape_of(e);
    const double tokens = (double) texts * e->spec.evaluate.text_length;
    add_layers(&t->out->phases[PHASE_EVALUATE], &s, tokens, tokens, s.layers);
    add(&t->out->phases[PHASE_EVALUATE], tokens * s.head, tokens * s.head_bytes);
}

static void count_batches(struct counter *t, struct experiment *e, const struct case_tokens *cases)
{
    const struct spec_evaluate *s = &e->spec.evaluate;
    const int num = e->data.num, size = e->spec.run.batch_size, texts = min_int(s->texts, num);
    if (s->before && !has_seen(t, arena_print(t->arena, "before %p %p %d", (const void *) e->files,
                                              (const void *) e->data.facts, texts))) {
        add_asked(t, e, cases, CHUNK, 0, num);
        add_texts(t, e, texts);
    }
    if (s->fresh)
        add_texts(t, e, texts);
    for (int first = 0; first < num; first += size) {
        const int end = min_int(first + size, num);
        t->out->host_flop += operations_update(e, end - first);
        if (s->fresh)
            add_asked(t, e, cases, size, first, end);
        if (s->retained != SPEC_NEVER && spec_state_is_due(&e->spec, num, first, end))
            add_asked(t, e, cases, CHUNK, 0, end);
    }
}

enum em_status operations_count(struct sweep *s, struct arena *a, struct operations *out)
{
    struct counter t = {.sweep = s, .arena = a, .out = out};
    *out = (struct operations) {0};
    for (int i = 0; i < s->grid.num_points; i++) {
        struct experiment *e = s->points[i].experiment;
        struct case_tokens *cases;
        EM_TRY(read_tokens(&t, e, &cases));
        EM_TRY(count_values(&t, i, cases));
        count_covariances(&t, e);
        count_batches(&t, e, cases);
        const struct shape shape = shape_of(e);
        const double tables = model_files_config(e->files)->tied ? 1 : 2;
        out->weights = shape.layers * shape.layer_bytes + tables * shape.head_bytes;
    }
    return EM_OK;
}
