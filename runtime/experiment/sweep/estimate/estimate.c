// Estimates of sweeps; see estimate.h.

#include "experiment/sweep/estimate/estimate.h"

#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/number/least.h"
#include "experiment/run/templates.h"
#include "experiment/sweep/estimate/operations.h"
#include "experiment/sweep/estimate/probe.h"
#include "experiment/sweep/estimate/seen.h"

enum { ANCHORS = 3 }; // layers of a family that are measured; between them lie straight lines

// A batch's journal, factors and texts of it, synced to disk.
static const double batch_seconds = 0.01, bytes_per_second = 1e9;

struct family { // points whose values differ by their layer alone
    const char *key;
    int layers[ANCHORS], num;
    struct pace pace[ANCHORS];
    struct family *next;
};

struct asked { // of a model and a data set
    const char *key;
    struct pace pace;
    double text, state, token;
    struct asked *next;
};

struct estimator {
    struct sweep *sweep;
    struct arena *arena;
    struct estimate *out;
    int first, end;
    struct family *families;
    struct asked *asked;
    struct seen *seen;
    struct seen_rows *rows;
    double flop;    // seconds of one
    double open[2]; // seconds to open the first point, and another
    int num_open;
    double moments; // bytes of covariances and factors
};

// False the first time.
static bool has_seen(struct estimator *t, const char *key)
{
    return seen_before(t->arena, &t->seen, key);
}

// The session is the experiment's own from here on, with the templates and options it reads.
static enum em_status open_experiment(struct estimator *t, struct experiment *e)
{
    const double begun = time_now();
    workshop_expect(t->sweep->workshop, &e->spec, e->files);
    e->ready = false; // another one may have had the session since
    EM_TRY(experiment_setup(e));
    t->open[min_int(t->num_open++, 1)] = time_now() - begun;
    return EM_OK;
}

// --- values

static int value_layer(struct experiment *e)
{
    int num;
    const int *layers = options_layers(e->arena, e->spec.algorithm->options, e->spec.options, &num);
    return num ? layers[num - 1] : 0;
}

// What the values depend on, without the layers.
static enum em_status family_key(struct estimator *t, struct experiment *e, const char **key)
{
    const char *text;
    EM_TRY(experiment_store_key(e, &text));
    char *copy = arena_copy(t->arena, text), *save = NULL;
    char *out =
        arena_print(t->arena, "%p %p", (const void *) e->files, (const void *) e->data.facts);
    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        if (strncmp(l, "layers=", 7) != 0)
            out = arena_print(t->arena, "%s\n%s", out, l);
    *key = out;
    return EM_OK;
}

struct members {
    struct experiment **items; // by layer, one each
    size_t num, cap;
};

static void add_member(struct estimator *t, struct members *m, struct experiment *e)
{
    const int layer = value_layer(e);
    size_t at = 0;
    while (at < m->num && value_layer(m->items[at]) < layer)
        at++;
    if (at < m->num && value_layer(m->items[at]) == layer)
        return;
    *arena_push(t->arena, m) = e;
    for (size_t i = m->num - 1; i > at; i--)
        m->items[i] = m->items[i - 1];
    m->items[at] = e;
}

static bool is_to_do(const struct estimator *t, int i)
{
    const struct point_estimate *p = &t->out->points[i];
    return p->chosen && !p->finished && !p->busy;
}

static enum em_status measure_family(struct estimator *t, struct family *f)
{
    struct members members = {0};
    for (int i = t->first; i < t->end; i++) {
        const char *key;
        if (!is_to_do(t, i))
            continue;
        struct experiment *e = t->sweep->points[i].experiment;
        EM_TRY(family_key(t, e, &key));
        if (strcmp(key, f->key) == 0)
            add_member(t, &members, e);
    }
    const size_t last = members.num - 1;
    f->num = min_int((int) members.num, ANCHORS);
    for (int k = 0; k < f->num; k++) {
        struct experiment *e =
            members.items[f->num == 1 ? 0 : last * (size_t) k / (size_t) (f->num - 1)];
        f->layers[k] = value_layer(e);
        EM_TRY(open_experiment(t, e));
        EM_TRY(probe_values(e, &f->pace[k]));
    }
    return EM_OK;
}

static enum em_status find_family(struct estimator *t, struct experiment *e, struct family **out)
{
    const char *key;
    EM_TRY(family_key(t, e, &key));
    for (*out = t->families; *out; *out = (*out)->next)
        if (strcmp((*out)->key, key) == 0)
            return EM_OK;
    *out = arena_new(t->arena, struct family);
    **out = (struct family) {.key = key, .next = t->families};
    t->families = *out;
    return measure_family(t, *out);
}

static double chunk_seconds(const struct family *f, int layer, int n)
{
    int k = 0;
    while (k + 1 < f->num && f->layers[k + 1] < layer)
        k++;
    const double low = pace_seconds(&f->pace[k], n);
    if (k + 1 == f->num || layer <= f->layers[k])
        return low;
    const double high = pace_seconds(&f->pace[k + 1], n);
    return low + (high - low) * (layer - f->layers[k]) / (f->layers[k + 1] - f->layers[k]);
}

// Chunks of 64 facts, of the whole run where every batch meets the unedited model, else of a batch.
static enum em_status count_values(struct estimator *t, int i, double *seconds)
{
    struct experiment *e = t->sweep->points[i].experiment;
    const bool keeps = spec_keeps_edits(&e->spec);
    const int num = e->data.num, part = keeps ? e->spec.run.batch_size : num;
    const int layer = value_layer(e);
    struct family *family;
    const char *key;
    if (!e->spec.algorithm->prepare)
        return EM_OK;
    EM_TRY(find_family(t, e, &family));
    EM_TRY(experiment_store_key(e, &key));
    session_store_key(t->sweep->workshop->session, key, templates_set(e));
    session_call_begin(t->sweep->workshop->session);
    for (int first = 0; first < num; first += part)
        for (int at = first, end = min_int(first + part, num); at < end; at += CHUNK) {
            const int n = min_int(CHUNK, end - at);
            const char *name = arena_print(t->arena, "values %s\n%s\n%d %d %d", family->key, key,
                                           at, n, keeps && at ? i : -1);
            if (!has_seen(t, name) &&
                !((!keeps || !at) &&
                  session_chunk_is_kept(t->sweep->workshop->session, e->data.facts + at, n)))
                *seconds += chunk_seconds(family, layer, n);
        }
    session_call_end(t->sweep->workshop->session);
    return EM_OK;
}

// --- covariances and updates

// Layers are measured in one pass, and factored when the first point needs them.
static void count_covariances(struct estimator *t, struct experiment *e, double token,
                              double *seconds)
{
    const double F = model_files_config(e->files)->ffn;
    const struct spec_covariance *c = &e->spec.covariance;
    const char *corpus =
        arena_print(t->arena, "%p %d %d", (const void *) e->files, c->tokens, c->documents);
    int num;
    const int *layers = options_layers(e->arena, e->spec.algorithm->options, e->spec.options, &num);
    if (!(e->spec.needs & EM_NEEDS_COVARIANCE))
        return;
    for (int i = 0; i < num; i++) {
        if (has_seen(t, arena_print(t->arena, "layer %s %d", corpus, layers[i])))
            continue;
        *seconds += F * F * F / 3 * t->flop + 8 * F * F / bytes_per_second;
        t->moments += 2 * 8 * F * F;
        if (session_covariance_is_kept(t->sweep->workshop->session, layers[i]))
            continue;
        *seconds += c->tokens * F * F * t->flop;
        if (!has_seen(t, arena_print(t->arena, "corpus %s", corpus)))
            *seconds += c->tokens * token;
    }
}

// --- questions

static enum em_status find_asked(struct estimator *t, struct experiment *e, struct asked **out)
{
    const char *key = arena_print(t->arena, "%p %p %d %s", (const void *) e->files,
                                  (const void *) e->data.facts, e->spec.evaluate.text_length,
                                  json_print_line(t->arena, json_get(e->json, "metrics")));
    for (*out = t->asked; *out; *out = (*out)->next)
        if (strcmp((*out)->key, key) == 0)
            return EM_OK;
    struct asked *asked = *out = arena_new(t->arena, struct asked);
    *asked = (struct asked) {.key = key, .next = t->asked};
    t->asked = asked;
    EM_TRY(open_experiment(t, e));
    t->flop = t->flop > 0 ? t->flop : probe_flop();
    EM_TRY(probe_evaluate(e, &asked->pace));
    EM_TRY(probe_state(e, &asked->state));
    if (e->spec.evaluate.texts)
        EM_TRY(probe_text(e, &asked->text));
    return e->spec.needs & EM_NEEDS_COVARIANCE ? probe_tokens(e, &asked->token) : EM_OK;
}

// Cases [first, end) of batches of `size`; all layers take about as long.
static double ask_seconds(struct estimator *t, const struct experiment *e, const struct asked *a,
                          int size, int first, int end)
{
    const double layers = model_files_config(e->files)->layers;
    double seconds = 0;
    for (int at = first; at < end; at += CHUNK) {
        const int last = min_int(at + CHUNK, end);
        const int begin = seen_begin(t->arena, &t->rows, e, size, last);
        seconds += (layers - begin) / layers * pace_seconds(&a->pace, last - at);
    }
    return seconds;
}

static void count_batches(struct estimator *t, struct experiment *e, const struct asked *a,
                          double *seconds)
{
    const struct spec_evaluate *s = &e->spec.evaluate;
    const int num = e->data.num, size = e->spec.run.batch_size;
    const int texts = min_int(s->texts, num);
    if (s->before && !has_seen(t, arena_print(t->arena, "before %s %d", a->key, texts)))
        *seconds += ask_seconds(t, e, a, CHUNK, 0, num) + texts * a->text;
    if (s->fresh)
        *seconds += texts * a->text;
    for (int first = 0; first < num; first += size) {
        const int end = min_int(first + size, num);
        *seconds += batch_seconds + t->flop * operations_update(e, end - first);
        if (s->fresh)
            *seconds += ask_seconds(t, e, a, size, first, end);
        if (spec_state_is_due(&e->spec, num, first, end))
            *seconds +=
                a->state + (s->retained != SPEC_NEVER ? ask_seconds(t, e, a, CHUNK, 0, end) : 0);
    }
}

// --- points

static enum em_status estimate_point(struct estimator *t, int i)
{
    struct experiment *e = t->sweep->points[i].experiment;
    double *seconds = &t->out->points[i].seconds;
    struct asked *asked;
    EM_TRY(find_asked(t, e, &asked));
    EM_TRY(count_values(t, i, seconds));
    count_covariances(t, e, asked->token, seconds);
    count_batches(t, e, asked, seconds);
    *seconds += t->open[has_seen(t, "open")];
    t->out->seconds += *seconds;
    return EM_OK;
}

static enum em_status look(struct estimator *t)
{
    for (int i = t->first; i < t->end; i++) {
        struct experiment *e = t->sweep->points[i].experiment;
        enum folder_state state;
        t->out->points[i].chosen = true;
        t->out->points[i].busy = folder_is_busy(&e->folder);
        if (t->out->points[i].busy)
            continue;
        EM_TRY(experiment_look(e, &state));
        t->out->points[i].finished = state == FOLDER_FINISHED;
    }
    return EM_OK;
}

// Plans grow with the cases in them, up to the memory that they are cut to.
static void count_memory(struct estimator *t)
{
    const struct workshop *w = t->sweep->workshop;
    struct rusage usage;
    if (!w->session)
        return;
    getrusage(RUSAGE_SELF, &usage);
    t->out->device = (double) gpu_memory_used(w->gpu) + (double) session_memory(w->session);
    const double limit = (double) session_covariance_limit(w->session);
    t->out->host = 1024.0 * (double) usage.ru_maxrss + (t->moments < limit ? t->moments : limit);
}

enum em_status estimate_sweep(struct sweep *s, struct arena *a, int first, int end,
                              struct estimate *out)
{
    struct estimator t = {.sweep = s, .arena = a, .out = out, .first = first, .end = end};
    *out = (struct estimate) {
        .points = arena_array(a, struct point_estimate, (size_t) s->grid.num_points)};
    enum em_status status = look(&t);
    s->workshop->label = "estimate";
    for (int i = first; i < end && status == EM_OK; i++)
        if (is_to_do(&t, i))
            status = estimate_point(&t, i);
    s->workshop->label = NULL;
    count_memory(&t);
    return status;
}
