// Finds values by gradient descent:
//
//   loss = mean over rewriting rows of NLL + kl_factor KL(p || p0) + v_weight_decay ||d|| /
//   ||z0||^2
//
// d is added at the subject's last token of every rewriting row and of the row "{} is a", whose
// next-token distribution p must stay what it was (p0). Adam, then d is clipped to
// clamp_norm_factor ||z0||.

#include "common/value.h"

#include <math.h>

#include <emend/vec.h>

static const float stop_below = 0.05f;

const struct em_option value_option_table[] = {
    EM_FLOAT(struct value_options, v_lr, 0.5, 1e-6, 100, "learning rate of Adam", .prepares = true),
    EM_INT(struct value_options, v_num_grad_steps, 25, 1, 10000,
           "losses computed at most; one update fewer", .prepares = true),
    EM_INT(struct value_options, v_loss_layer, -1, -1, EM_MAX_LAYER,
           "layer whose output the NLL is read from through norm and head; -1 is the last",
           .prepares = true),
    EM_FLOAT(struct value_options, v_weight_decay, 1e-3, 0, 1e6,
             "weight of ||d|| / ||z0||^2 in the loss", .prepares = true),
    EM_FLOAT(struct value_options, kl_factor, 0.0625, 0, 1e6,
             "weight of the KL divergence behind \"{} is a\" in the loss", .prepares = true),
    EM_FLOAT(struct value_options, clamp_norm_factor, 4, 0, 1e6,
             "largest norm of d, in norms of z0", .prepares = true),
    {0},
};

struct search { // of all facts at once; group g is fact g
    struct em_session *s;
    const struct value_options *o;
    struct value *out;
    int rows, width, num;  // rewriting rows of a fact; D; facts
    float *losses;         // [num * (rows + 1)]
    float *d, *grad;       // [num, D]
    float *first, *second; // [num, D] Adam's moments
    float *z0;             // [num, D]
    int done;              // steps, for progress
};

// One step of torch.optim.Adam, betas 0.9 and 0.999, eps 1e-8.
static void adam(struct search *x, int fact, int t)
{
    const size_t at = (size_t) fact * (size_t) x->width;
    const double unbias = 1 - pow(0.9, t + 1), unbias2 = sqrt(1 - pow(0.999, t + 1));
    const float size = (float) ((double) x->o->v_lr / unbias);
    for (int i = 0; i < x->width; i++) {
        const float g = x->grad[at + (size_t) i];
        float *m = &x->first[at + (size_t) i], *v = &x->second[at + (size_t) i];
        *m = 0.9f * *m + 0.1f * g;
        *v = 0.999f * *v + 0.001f * g * g;
        x->d[at + (size_t) i] -= size * *m / (sqrtf(*v) / (float) unbias2 + 1e-8f);
    }
}

static bool step(void *user, int fact, int t)
{
    struct search *x = user;
    const size_t at = (size_t) fact * (size_t) x->width;
    float *d = x->d + at, *z0 = x->z0 + at, *grad = x->grad + at;
    const float *losses = x->losses + (size_t) fact * (size_t) (x->rows + 1);
    const float z0_norm = em_norm(z0, x->width), d_norm = em_norm(d, x->width);
    struct value_step now = {.norm = d_norm};
    for (int i = 0; i < x->rows; i++)
        now.nll += losses[i] / (float) x->rows;
    now.kl = x->o->kl_factor * losses[x->rows];
    now.wd = x->o->v_weight_decay * d_norm / (z0_norm * z0_norm);
    now.loss = now.nll + now.kl + now.wd;
    struct value *out = &x->out[fact];
    out->steps[out->num_steps++] = now;
    const bool last = now.loss < stop_below || t + 1 == x->o->v_num_grad_steps;
    x->done += last ? x->o->v_num_grad_steps - t : 1;
    em_progress(x->s, "value", x->done, x->num * x->o->v_num_grad_steps);
    if (last)
        return false;
    if (d_norm > 0)
        em_axpy(grad, x->o->v_weight_decay / (d_norm * z0_norm * z0_norm), d, x->width);
    adam(x, fact, t);
    em_clip(d, x->width, x->o->clamp_norm_factor * z0_norm);
    return true;
}

static enum em_status make_prompts(struct em_session *s, const struct value_search *v, int fact,
                                   const char *const *contexts, int rows, struct em_prompt *out)
{
    const struct em_fact *f = &v->facts[fact];
    for (int i = 0; i <= rows; i++) {
        const struct em_text rewrite = {i < rows ? contexts[i] : NULL, f->prompt, f->subject,
                                        f->target_new};
        const struct em_text kl = {NULL, "{} is a", f->subject, NULL};
        EM_TRY(em_prompt_make(s, i < rows ? &rewrite : &kl, &out[i]));
        out[i].group = fact;
    }
    return EM_OK;
}

static void share_out(struct search *x)
{
    for (int i = 0; i < x->num; i++) {
        const size_t at = (size_t) i * (size_t) x->width;
        x->out[i].z0 = x->z0 + at;
        x->out[i].d = x->d + at;
    }
}

enum em_status value_find(struct em_session *s, const struct value_search *v, struct value *out)
{
    const struct em_model *model = em_model(s);
    const int n = v->num_facts, layer = v->layer;
    int rows;
    const char *const *contexts = em_contexts(s, v->contexts, &rows);
    if (rows == 0)
        return em_fail(s, EM_ERR_CONFIG, "there are no context templates \"%s\"", v->contexts);
    const size_t each = (size_t) rows + 1, all = (size_t) n * each;
    const size_t wide = (size_t) n * (size_t) model->dim;
    struct search x = {
        .s = s, .o = v->options, .out = out, .rows = rows, .width = model->dim, .num = n};
    x.losses = em_floats(s, all);
    x.d = em_floats(s, wide);
    x.grad = em_floats(s, wide);
    x.first = em_floats(s, wide);
    x.second = em_floats(s, wide);
    x.z0 = em_floats(s, wide);
    struct em_prompt *prompts = em_alloc(s, all * sizeof(*prompts));
    struct em_term *terms = em_alloc(s, all * sizeof(*terms));
    struct em_row *bare = em_alloc(s, (size_t) n * sizeof(*bare));
    const int lens = v->options->v_loss_layer < 0       ? 0
                     : v->options->v_loss_layer > layer ? v->options->v_loss_layer + 1
                                                        : layer + 1;
    for (int i = 0; i < n; i++) {
        const size_t at = (size_t) i * each;
        EM_TRY(make_prompts(s, v, i, contexts, rows, prompts + at));
        for (int k = 0; k < rows; k++)
            terms[at + (size_t) k] =
                (struct em_term) {EM_LOSS_NLL, 1.0f / (float) rows, lens, NULL};
        terms[at + (size_t) rows] =
            (struct em_term) {EM_LOSS_KL_START, v->options->kl_factor, 0, NULL};
        bare[i] = (struct em_row) {(int) at, prompts[at].subject_last};
        out[i] = (struct value) {.steps = em_alloc(s, (size_t) v->options->v_num_grad_steps *
                                                          sizeof(struct value_step))};
    }
    const struct em_probe probes[] = {
        {.site = v->site, .layer = layer, .add = x.d, .grad = x.grad},
        {.site = v->site, .layer = layer, .rows = bare, .num_rows = n, .value = x.z0},
    };
    share_out(&x);
    return em_iterate(s,
                      &(struct em_pass) {.prompts = prompts,
                                         .num_prompts = (int) all,
                                         .num_groups = n,
                                         .probes = probes,
                                         .num_probes = 2,
                                         .terms = terms,
                                         .losses = x.losses},
                      step, &x);
}
