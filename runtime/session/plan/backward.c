// Records a plan's backward program: from the losses down to the lowest gradient that is asked for,
// over live rows only; see plan.h.

#include "session/plan/plan.h"

static struct tensor first_rows(struct tensor t, int rows)
{
    return tensor_rows(t, 0, (uint32_t) rows);
}

// For each of the first `keys` rows, the rows below `queries` whose path holds it, ascending.
static void index_heirs(struct plan *p, int keys, int queries, struct tensor **start_at,
                        struct tensor **heirs_at)
{
    const struct node *nodes = p->forest.nodes;
    int *start = arena_array(p->a, int, (size_t) keys + 2);
    for (int i = 0; i < queries; i++)
        for (int at = i; at >= 0; at = nodes[at].parent)
            if (at < keys)
                start[at + 1]++;
    for (int i = 0; i < keys; i++)
        start[i + 1] += start[i];
    int *heirs = arena_array(p->a, int, (size_t) start[keys] + 1);
    int *next = arena_array(p->a, int, (size_t) keys + 1);
    for (int i = 0; i < queries; i++)
        for (int at = i; at >= 0; at = nodes[at].parent)
            if (at < keys)
                heirs[start[at] + next[at]++] = i;
    *start_at = plan_index(p, start, keys + 1);
    *heirs_at = plan_index(p, heirs, start[keys]);
}

void plan_index_heirs(struct plan *p)
{
    if (!p->grads || p->first_live == NEVER)
        return;
    for (int i = 0; i <= p->top; i++) {
        const int keys = plan_live(p, i, STAGE_QKV), queries = plan_live(p, i, STAGE_ATTN);
        struct live_layer *at = &p->live[i];
        if (!keys || !queries)
            continue;
        if (i && p->live[i - 1].heirs && keys == plan_live(p, i - 1, STAGE_QKV) &&
            queries == plan_live(p, i - 1, STAGE_ATTN)) { // as in the layer below
            at->heirs_start = p->live[i - 1].heirs_start;
            at->heirs = p->live[i - 1].heirs;
        } else {
            index_heirs(p, keys, queries, &at->heirs_start, &at->heirs);
        }
    }
}

static void read_grads(struct plan *p, int stage, struct tensor at)
{
    for (int i = 0; i < p->num_probes; i++)
        if (p->probes[i].stage == stage)
            rows_from(p, p->backward, &p->probes[i].grad, p->probes[i].grads, at);
}

static void fill_rows(struct plan *p, struct tensor t, int first, int end)
{
    if (first < end)
        gpu_cmd_fill(p->backward,
                     gpu_sub(t.mem, 4ull * (uint64_t) first * t.cols,
                             4ull * (uint64_t) (end - first) * t.cols),
                     0);
}

static void mlp_back(struct plan *p, const struct block *b, int layer)
{
    struct live_layer *at = &p->live[layer];
    const int down = plan_live(p, layer, STAGE_DOWN), gate = plan_live(p, layer, STAGE_GATE);
    const int t = layer * STAGES;
    if (p->stop < t + STAGE_DOWN) {
        if (down)
            block_down_back(b, layer, first_rows(p->dh, down), first_rows(p->dkey, down));
        fill_rows(p, p->dkey, down, (int) p->dkey.rows); // rows that no loss depends on from here
        read_grads(p, t + STAGE_KEY, p->dkey);
    }
    if (p->stop < t + STAGE_GATE && gate) {
        struct tensor dgate_up = first_rows(p->dgate_up, gate);
        op_silu_gate_back(p->s->op, p->backward, first_rows(at->gate_up, gate),
                          first_rows(p->dkey, gate), dgate_up);
        block_gate_back(b, layer, first_rows(at->h_mid, gate), dgate_up, first_rows(p->dx, gate),
                        first_rows(p->dh, gate));
    }
}

static void attention_back(struct plan *p, const struct block *b, int layer)
{
    struct live_layer *at = &p->live[layer];
    const struct model_config *c = p->s->config;
    const int keys = plan_live(p, layer, STAGE_QKV), queries = plan_live(p, layer, STAGE_ATTN);
    if (!keys)
        return;
    fill_rows(p, p->dq, queries, keys);
    if (queries) {
        block_attn_out_back(b, layer, first_rows(p->dh, queries), first_rows(p->dattn, queries));
        const struct op_attention_back a = {
            .q = first_rows(at->q, queries),
            .kv = p->kv[layer],
            .path_start = tensor_rows(*p->path_start, 0, (uint32_t) queries + 1),
            .path = *p->path,
            .lse = first_rows(at->lse, queries),
            .dout = first_rows(p->dattn, queries),
            .dq = first_rows(p->dq, queries),
            .delta = first_rows(p->delta, queries),
            .heirs_start = *at->heirs_start,
            .heirs = *at->heirs,
            .dkv = first_rows(p->dkv, keys),
            .heads = (uint32_t) c->heads,
            .kv_heads = (uint32_t) c->kv_heads,
            .head_dim = (uint32_t) c->head_dim,
        };
        op_attention_back(p->s->op, p->backward, &a);
    } else {
        fill_rows(p, p->dkv, 0, keys);
    }
    const struct op_rope rope = {
        .qkv = first_rows(p->dqkv, keys),
        .q = first_rows(p->dq, keys),
        .kv = first_rows(p->dkv, keys),
        .position = first_rows(*p->position, keys),
        .table = b->rope_table,
        .heads = (uint32_t) c->heads,
        .kv_heads = (uint32_t) c->kv_heads,
        .head_dim = (uint32_t) c->head_dim,
    };
    op_rope_back(p->s->op, p->backward, &rope);
    block_qkv_back(b, layer, first_rows(at->h_in, keys), first_rows(p->dqkv, keys),
                   first_rows(p->dx, keys), first_rows(p->dh, keys));
}

void plan_record_backward(struct plan *p)
{
    plan_record_heads(p, p->backward, false);
    if (!p->grads || p->first_live == NEVER)
        return;
    const struct block b = session_block(p->s, p->backward, p->weights);
    fill_rows(p, p->dh, 0, (int) p->dh.rows);
    for (int layer = p->top; layer >= 0 && p->stop < (layer + 1) * STAGES; layer--) {
        const int t = layer * STAGES;
        gpu_cmd_label(p->backward, arena_print(p->a, "layer %d", layer));
        plan_scatter_heads(p, p->backward, layer);
        read_grads(p, t + STAGE_OUT, p->dh);
        read_grads(p, t + STAGE_MLP_OUT, p->dh);
        mlp_back(p, &b, layer);
        read_grads(p, t + STAGE_ATTN_OUT, p->dh);
        if (p->stop < t + STAGE_QKV)
            attention_back(p, &b, layer);
        read_grads(p, t + STAGE_IN, p->dh);
    }
}
