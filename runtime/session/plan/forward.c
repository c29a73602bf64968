// Lays a plan's activations out and records its constant and forward programs; see plan.h.

#include "session/plan/plan.h"

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

// The layer whose keys and values live rows read must keep them; below, one scratch serves all.
static bool keeps_kv(const struct plan *p, int layer)
{
    return p->first_live != NEVER && layer * STAGES + STAGE_ATTN >= p->first_live;
}

static uint32_t most_live(const struct plan *p)
{
    uint32_t most = 0;
    for (int t = 0; t <= p->top * STAGES + STAGE_OUT; t++)
        most = max_u32(most, (uint32_t) p->live_rows[t]);
    return most;
}

static void layout_kept(struct plan *p, struct layout *l)
{
    const struct model_config *c = p->s->config;
    const uint32_t D = (uint32_t) c->dim, F = (uint32_t) c->ffn, n = (uint32_t) p->forest.num;
    const uint32_t live = most_live(p);
    p->kv = arena_array(p->a, struct tensor, (size_t) c->layers + 1);
    p->live = arena_array(p->a, struct live_layer, (size_t) c->layers + 2);
    if (!live)
        return;
    for (int i = 0; i <= p->top; i++)
        if (keeps_kv(p, i))
            p->kv[i] = layout_take(l, n, block_kv_dim(c));
    bool any = false; // the first live layer on
    for (int i = 0; i <= p->top; i++) {
        struct live_layer *at = &p->live[i];
        uint32_t most = 0;
        for (int s = 0; s < STAGES; s++)
            most = max_u32(most, (uint32_t) plan_live(p, i, s));
        if (most || any)
            at->h_in = layout_take(l, live, D);
        any |= most > 0;
        if (!any)
            continue;
        at->q = layout_take(l, (uint32_t) plan_live(p, i, STAGE_ATTN), block_q_dim(c));
        at->lse = layout_take(l, (uint32_t) plan_live(p, i, STAGE_ATTN), (uint32_t) c->heads);
        at->h_mid = layout_take(l, live, D);
        at->gate_up = layout_take(l, (uint32_t) plan_live(p, i, STAGE_GATE), 2 * F);
    }
    p->live[p->top + 1].h_in = layout_take(l, live, D); // the top layer's output
    p->join_h = layout_take(l, live, D);
    p->join_q = layout_take(l, live, block_q_dim(c));
    p->join_key = layout_take(l, live, F);
}

static void layout_constant(struct plan *p, struct layout *l)
{
    const struct model_config *c = p->s->config;
    const uint32_t D = (uint32_t) c->dim, F = (uint32_t) c->ffn, n = (uint32_t) p->forest.num;
    p->h = layout_take(l, n, D);
    p->x = layout_take(l, n, D);
    p->tmp = layout_take(l, n, D);
    struct tensor kv = layout_take(l, n, block_kv_dim(c));
    for (int i = 0; i <= p->top; i++)
        if (!p->kv[i].rows)
            p->kv[i] = kv;
    const uint64_t mark = layout_mark(l); // attention and MLP never meet
    p->qkv = layout_take(l, n, block_q_dim(c) + block_kv_dim(c));
    p->q = layout_take(l, n, block_q_dim(c));
    p->attn = layout_take(l, n, block_q_dim(c));
    p->lse = layout_take(l, n, (uint32_t) c->heads);
    layout_release(l, mark);
    p->gate_up = layout_take(l, n, 2 * F);
    p->key = layout_take(l, n, F);
}

static void layout_live(struct plan *p, struct layout *l)
{
    const struct model_config *c = p->s->config;
    const uint32_t D = (uint32_t) c->dim, F = (uint32_t) c->ffn, live = most_live(p);
    p->lx = layout_take(l, live, D);
    p->ltmp = layout_take(l, live, D);
    uint64_t mark = layout_mark(l);
    p->lqkv = layout_take(l, live, block_q_dim(c) + block_kv_dim(c));
    p->lattn = layout_take(l, live, block_q_dim(c));
    layout_release(l, mark);
    p->lkey = layout_take(l, live, F);
    if (!p->grads)
        return;
    p->dh = layout_take(l, live, D);
    p->dx = layout_take(l, live, D);
    mark = layout_mark(l);
    p->dkey = layout_take(l, live, F);
    p->dgate_up = layout_take(l, live, 2 * F);
    layout_release(l, mark);
    p->dattn = layout_take(l, live, block_q_dim(c));
    p->dq = layout_take(l, live, block_q_dim(c));
    p->delta = layout_take(l, live, (uint32_t) c->heads);
    p->dkv = layout_take(l, live, block_kv_dim(c));
    p->dqkv = layout_take(l, live, block_q_dim(c) + block_kv_dim(c));
}

void plan_layout(struct plan *p, struct layout *l)
{
    layout_kept(p, l);
    plan_layout_heads(p, l);
    const uint64_t mark = layout_mark(l); // the programs never run at the same time
    layout_constant(p, l);
    layout_release(l, mark);
    if (p->first_live != NEVER)
        layout_live(p, l);
}

void rows_to(struct plan *p, struct gpu_cmd *cmd, const struct row_list *list, struct tensor to,
             struct tensor from, bool add)
{
    if (list->num)
        op_rows(p->s->op, cmd,
                &(struct op_rows) {.to = to,
                                   .to_at = *list->node_at,
                                   .from = from,
                                   .from_at = *list->other_at,
                                   .num = (uint32_t) list->num,
                                   .add = add});
}

void rows_from(struct plan *p, struct gpu_cmd *cmd, const struct row_list *list, struct tensor to,
               struct tensor from)
{
    if (list->num)
        op_rows(p->s->op, cmd,
                &(struct op_rows) {.to = to,
                                   .to_at = *list->other_at,
                                   .from = from,
                                   .from_at = *list->node_at,
                                   .num = (uint32_t) list->num});
}

// Rows [first, end) of `from` to `to`, in place on the same device.
static void copy_rows(struct gpu_cmd *cmd, struct tensor to, struct tensor from, int first, int end)
{
    if (first >= end)
        return;
    const uint64_t at = 4ull * (uint64_t) first * to.cols;
    const uint64_t size = 4ull * (uint64_t) (end - first) * to.cols;
    gpu_cmd_copy(cmd, gpu_sub(to.mem, at, size), gpu_sub(from.mem, at, size));
}

static struct tensor range(struct tensor t, int first, int end)
{
    return tensor_rows(t, (uint32_t) first, (uint32_t) (end - first));
}

// A probe that reads or replaces what a residual step adds needs it by itself, before it is added.
static bool isolated(const struct plan *p, int stage, enum program prog)
{
    for (int i = 0; i < p->num_probes; i++)
        if (p->probes[i].stage == stage &&
            (p->probes[i].value[prog].num || p->probes[i].set[prog].num))
            return true;
    return false;
}

static void read_and_set(struct plan *p, struct gpu_cmd *cmd, int stage, enum program prog,
                         struct tensor at)
{
    for (int i = 0; i < p->num_probes; i++) {
        const struct plan_probe *pp = &p->probes[i];
        if (pp->stage != stage)
            continue;
        rows_from(p, cmd, &pp->value[prog], pp->values, at);
        rows_to(p, cmd, &pp->set[prog], at, pp->sets, false);
    }
}

static void add_vectors(struct plan *p, struct gpu_cmd *cmd, int stage, enum program prog,
                        struct tensor at)
{
    for (int i = 0; i < p->num_probes; i++)
        if (p->probes[i].stage == stage)
            rows_to(p, cmd, &p->probes[i].add[prog], at, p->probes[i].adds, true);
}

// The rows that become live at a stage and are computed there: [*first, *end).
static void joiners(const struct plan *p, int stage, int *first, int *end)
{
    const struct forest *f = &p->forest;
    *first = *end = 0;
    if (p->first_live == NEVER)
        return;
    while (*first < f->num && f->nodes[*first].live < stage)
        ++*first;
    *end = *first;
    while (*end < f->num && f->nodes[*end].live == stage && f->nodes[*end].need >= stage)
        ++*end;
}

static void leave(struct plan *p, struct gpu_cmd *cmd, int stage, struct tensor to,
                  struct tensor from)
{
    int first, end;
    joiners(p, stage, &first, &end);
    copy_rows(cmd, to, from, first, end);
}

// A site on the residual stream in the constant program: read, set, leave what turns live here,
// add.
static void constant_site(struct plan *p, int stage, struct tensor at)
{
    struct gpu_cmd *cmd = p->constant;
    read_and_set(p, cmd, stage, CONSTANT, at);
    leave(p, cmd, stage, p->join_h, at);
    add_vectors(p, cmd, stage, CONSTANT, at);
}

static void constant_residual(struct plan *p, const struct block *b, int layer, enum stage op,
                              struct tensor from)
{
    const int t = layer * STAGES + (int) op, site = t + 1;
    const int first = p->const_first[t], end = p->const_end[t];
    if (first >= end)
        return;
    void (*step)(const struct block *, int, struct tensor, struct tensor, bool) =
        op == STAGE_ATTN ? block_attn_out : block_down;
    struct tensor h = range(p->h, first, end);
    if (isolated(p, site, CONSTANT)) {
        step(b, layer, range(from, first, end), range(p->tmp, first, end), false);
        read_and_set(p, p->constant, site, CONSTANT, p->tmp);
        op_add(p->s->op, p->constant, h, range(p->tmp, first, end), h);
    } else {
        step(b, layer, range(from, first, end), h, true);
    }
    leave(p, p->constant, site, p->join_h, p->h);
    add_vectors(p, p->constant, site, CONSTANT, p->h);
}

static struct op_attention attention(struct plan *p, int layer, struct tensor q, struct tensor out,
                                     struct tensor lse, int first, int end)
{
    const struct model_config *c = p->s->config;
    return (struct op_attention) {
        .q = range(q, first, end),
        .kv = p->kv[layer],
        .path_start = tensor_rows(*p->path_start, (uint32_t) first, (uint32_t) (end - first + 1)),
        .path = *p->path,
        .out = range(out, first, end),
        .lse = range(lse, first, end),
        .heads = (uint32_t) c->heads,
        .kv_heads = (uint32_t) c->kv_heads,
        .head_dim = (uint32_t) c->head_dim,
    };
}

static void constant_attention(struct plan *p, const struct block *b, int layer)
{
    const int t = layer * STAGES + STAGE_QKV;
    int first = p->const_first[t], end = p->const_end[t];
    if (first < end) {
        struct tensor qkv = range(p->qkv, first, end);
        block_qkv(b, layer, range(p->h, first, end), range(p->x, first, end), qkv);
        block_rope(b, qkv, range(*p->position, first, end), range(p->q, first, end),
                   range(p->kv[layer], first, end));
    }
    leave(p, p->constant, t + 1, p->join_h, p->h);
    leave(p, p->constant, t + 1, p->join_q, p->q);
    first = p->const_first[t + 1], end = p->const_end[t + 1];
    if (first >= end)
        return;
    const struct op_attention at = attention(p, layer, p->q, p->attn, p->lse, first, end);
    op_attention(p->s->op, p->constant, &at);
    constant_residual(p, b, layer, STAGE_ATTN, p->attn);
}

static void constant_mlp(struct plan *p, const struct block *b, int layer)
{
    const int t = layer * STAGES + STAGE_GATE;
    const int first = p->const_first[t], end = p->const_end[t];
    if (first < end) {
        struct tensor gate_up = range(p->gate_up, first, end);
        block_gate(b, layer, range(p->h, first, end), range(p->x, first, end), gate_up);
        op_silu_gate(p->s->op, p->constant, gate_up, range(p->key, first, end));
    }
    read_and_set(p, p->constant, t + 1, CONSTANT, p->key);
    leave(p, p->constant, t + 1, p->join_key, p->key);
    leave(p, p->constant, t + 1, p->join_h, p->h);
    add_vectors(p, p->constant, t + 1, CONSTANT, p->key);
    constant_residual(p, b, layer, STAGE_DOWN, p->key);
}

void plan_record_constant(struct plan *p)
{
    const struct block b = session_block(p->s, p->constant, p->weights);
    const int first = p->top < 0 ? 0 : p->const_first[0], end = p->top < 0 ? 0 : p->const_end[0];
    // Rows that are live from the very first site still begin as embeddings.
    const int start = p->first_live == STAGE_IN ? 0 : first;
    const int stop = p->first_live == STAGE_IN ? p->forest.num : end;
    if (p->kept)
        copy_rows(p->constant, p->h, p->entering, 0, p->forest.num);
    else if (start < stop)
        op_embed(p->s->op, p->constant, p->weights->embed, range(*p->tokens, start, stop),
                 range(p->h, start, stop));
    for (int layer = p->kept ? p->kept->layer : 0; layer <= p->top; layer++) {
        gpu_cmd_label(p->constant, arena_print(p->a, "layer %d", layer));
        if (p->keep && layer == p->keep)
            copy_rows(p->constant, p->entering, p->h, 0, p->forest.num);
        constant_site(p, layer * STAGES + STAGE_IN, p->h);
        constant_attention(p, &b, layer);
        constant_mlp(p, &b, layer);
        constant_site(p, layer * STAGES + STAGE_OUT, p->h);
        plan_gather_heads(p, p->constant, CONSTANT, layer, p->h);
    }
}

// A site on the residual stream in the forward program: read and set what was live before, let
// join, add.
static void live_join(struct plan *p, int stage, struct tensor at, struct tensor from)
{
    int first, end;
    joiners(p, stage, &first, &end);
    copy_rows(p->forward, at, from, first, end);
}

static void live_residual(struct plan *p, const struct block *b, int layer, enum stage op,
                          struct tensor from, struct tensor base, struct tensor to)
{
    const int t = layer * STAGES + (int) op, site = t + 1, rows = p->live_rows[t];
    void (*step)(const struct block *, int, struct tensor, struct tensor, bool) =
        op == STAGE_ATTN ? block_attn_out : block_down;
    if (rows && isolated(p, site, LIVE)) {
        struct tensor tmp = range(p->ltmp, 0, rows);
        step(b, layer, range(from, 0, rows), tmp, false);
        read_and_set(p, p->forward, site, LIVE, tmp);
        op_add(p->s->op, p->forward, range(base, 0, rows), tmp, range(to, 0, rows));
    } else if (rows) {
        copy_rows(p->forward, to, base, 0, rows);
        step(b, layer, range(from, 0, rows), range(to, 0, rows), true);
    }
    live_join(p, site, to, p->join_h);
    add_vectors(p, p->forward, site, LIVE, to);
}

static void live_attention(struct plan *p, const struct block *b, int layer)
{
    struct live_layer *at = &p->live[layer];
    const int t = layer * STAGES + STAGE_QKV;
    const int rows = p->live_rows[t], attends = p->live_rows[t + 1];
    if (rows) {
        struct tensor qkv = range(p->lqkv, 0, rows);
        block_qkv(b, layer, range(at->h_in, 0, rows), range(p->lx, 0, rows), qkv);
        // Rows whose attention nobody needs still have keys and values; their q goes to scratch.
        struct tensor q = rows <= (int) at->q.rows ? at->q : p->lattn;
        block_rope(b, qkv, range(*p->position, 0, rows), range(q, 0, rows),
                   range(p->kv[layer], 0, rows));
        if (rows > (int) at->q.rows)
            copy_rows(p->forward, at->q, q, 0, attends);
    }
    live_join(p, t + 1, at->h_in, p->join_h);
    live_join(p, t + 1, at->q, p->join_q);
    if (attends) {
        const struct op_attention a = attention(p, layer, at->q, p->lattn, at->lse, 0, attends);
        op_attention(p->s->op, p->forward, &a);
    }
    live_residual(p, b, layer, STAGE_ATTN, p->lattn, at->h_in, at->h_mid);
}

static void live_mlp(struct plan *p, const struct block *b, int layer)
{
    struct live_layer *at = &p->live[layer];
    const int t = layer * STAGES + STAGE_GATE, rows = p->live_rows[t];
    if (rows) {
        struct tensor gate_up = range(at->gate_up, 0, rows);
        block_gate(b, layer, range(at->h_mid, 0, rows), range(p->lx, 0, rows), gate_up);
        op_silu_gate(p->s->op, p->forward, gate_up, range(p->lkey, 0, rows));
    }
    read_and_set(p, p->forward, t + 1, LIVE, p->lkey);
    live_join(p, t + 1, p->lkey, p->join_key);
    live_join(p, t + 1, at->h_mid, p->join_h);
    add_vectors(p, p->forward, t + 1, LIVE, p->lkey);
    live_residual(p, b, layer, STAGE_DOWN, p->lkey, at->h_mid, p->live[layer + 1].h_in);
}

void plan_record_forward(struct plan *p)
{
    if (p->first_live == NEVER)
        return;
    const struct block b = session_block(p->s, p->forward, p->weights);
    for (int layer = p->first_live / STAGES; layer <= p->top; layer++) {
        const int t = layer * STAGES;
        gpu_cmd_label(p->forward, arena_print(p->a, "layer %d", layer));
        read_and_set(p, p->forward, t + STAGE_IN, LIVE, p->live[layer].h_in);
        live_join(p, t + STAGE_IN, p->live[layer].h_in, p->join_h);
        add_vectors(p, p->forward, t + STAGE_IN, LIVE, p->live[layer].h_in);
        live_attention(p, &b, layer);
        live_mlp(p, &b, layer);
        struct tensor out = p->live[layer + 1].h_in;
        read_and_set(p, p->forward, t + STAGE_OUT, LIVE, out);
        live_join(p, t + STAGE_OUT, out, p->join_h);
        add_vectors(p, p->forward, t + STAGE_OUT, LIVE, out);
        plan_gather_heads(p, p->forward, LIVE, layer, out);
    }
}
