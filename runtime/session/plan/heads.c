// Losses and answers of a plan: rows of a layer's output through final norm and head, a block of
// rows at a time, so that logits are never held for more than a block; see plan.h.

#include "session/plan/plan.h"

#include <string.h>

enum { LOGITS_BYTES = 48 << 20, BLOCK_ROUND = 64 };

static struct head *find_head(struct plan *p, int layer, enum em_loss loss)
{
    for (int i = 0; i < p->num_heads; i++)
        if (p->heads[i].layer == layer && p->heads[i].loss == loss)
            return &p->heads[i];
    struct head *h = &p->heads[p->num_heads++];
    const bool kl = loss == EM_LOSS_KL || loss == EM_LOSS_KL_START;
    *h = (struct head) {.layer = layer, .loss = loss, .kl = kl};
    return h;
}

static void push_item(struct plan *p, int layer, enum em_loss loss, struct item item)
{
    struct head *h = find_head(p, layer, loss);
    if (h->num_items == h->cap_items) {
        h->cap_items = h->cap_items ? 2 * h->cap_items : 64;
        struct item *grown = arena_array(p->a, struct item, (size_t) h->cap_items);
        if (h->num_items)
            memcpy(grown, h->items, (size_t) h->num_items * sizeof(*grown));
        h->items = grown;
    }
    h->items[h->num_items++] = item;
}

// The items of each prompt: its target's tokens, one KL, one distribution. `node` holds the token
// until the forest is made.
enum em_status plan_make_heads(struct plan *p)
{
    const struct em_pass *pass = p->pass;
    const int last = p->s->config->layers - 1;
    p->heads = arena_array(p->a, struct head, 3 * (size_t) p->s->config->layers + 2);
    for (int i = p->first_prompt; i < p->first_prompt + p->num_prompts; i++) {
        if (!plan_holds(p, i))
            continue;
        const struct em_prompt *prompt = &pass->prompts[i];
        const struct em_term term = pass->terms ? pass->terms[i] : (struct em_term) {0};
        const int layer = term.lens ? term.lens - 1 : last;
        const bool kl = term.loss == EM_LOSS_KL || term.loss == EM_LOSS_KL_START;
        if (kl)
            push_item(p, layer, term.loss,
                      (struct item) {i, prompt->subject_last, 0, 0, term.weight});
        if (pass->log_probs)
            push_item(p, last, EM_LOSS_NONE, (struct item) {i, prompt->subject_last, 0, 0, 0});
        const int labels = prompt->num_tokens - prompt->target_first;
        if ((term.loss != EM_LOSS_NLL && !pass->answers) || labels <= 0)
            continue;
        const float weight = term.loss == EM_LOSS_NLL ? term.weight / (float) labels : 0;
        for (int t = prompt->target_first; t < prompt->num_tokens; t++)
            push_item(p, kl ? last : layer, EM_LOSS_NLL,
                      (struct item) {i, t - 1, 0, prompt->tokens[t], weight});
    }
    return EM_OK;
}

// Logits rows: one for each item where gradients flow, else one for each node.
static void assign_rows(struct plan *p, struct head *h)
{
    h->rows = arena_array(p->a, int, (size_t) h->num_items + 1);
    h->num_rows = 0;
    int *row_of = arena_array(p->a, int, (size_t) p->forest.num + 1);
    for (int i = 0; i < h->num_items; i++) {
        struct item *item = &h->items[i];
        if (p->grads || h->kl || !row_of[item->node]) {
            h->rows[h->num_rows++] = item->node;
            row_of[item->node] = h->num_rows;
        }
        item->row = row_of[item->node] - 1;
    }
}

static int block_rows(const struct plan *p)
{
    const int rows = LOGITS_BYTES / 4 / p->s->config->vocab / BLOCK_ROUND * BLOCK_ROUND;
    return rows < BLOCK_ROUND ? BLOCK_ROUND : rows;
}

void plan_layout_heads(struct plan *p, struct layout *l)
{
    const uint32_t D = (uint32_t) p->s->config->dim, V = (uint32_t) p->s->config->vocab;
    int most = 0;
    for (int i = 0; i < p->num_heads; i++) {
        struct head *h = &p->heads[i];
        assign_rows(p, h);
        h->block_rows = block_rows(p);
        most = h->num_rows > most ? h->num_rows : most;
        h->hidden = layout_take(l, (uint32_t) h->num_rows, D);
        if (p->grads && h->loss)
            h->dhidden = layout_take(l, (uint32_t) h->num_rows, D);
        if (h->kl)
            h->reference = layout_take(l, (uint32_t) h->num_rows, V);
    }
    const uint32_t rows = (uint32_t) (most < block_rows(p) ? most : block_rows(p));
    if (!rows)
        return;
    p->logits = layout_take(l, rows, V);
    p->head_x = layout_take(l, rows, D);
    if (p->grads)
        p->head_dx = layout_take(l, rows, D);
}

// Rows of logits in a block.
static uint32_t rows_of_block(const struct head *h, int block)
{
    const int left = h->num_rows - block * h->block_rows;
    return (uint32_t) (left < h->block_rows ? left : h->block_rows);
}

static void index_block(struct plan *p, struct head *h, int block)
{
    if (!h->loss) {
        plan_host(p, &h->out[block], rows_of_block(h, block), (uint32_t) p->s->config->vocab);
        return;
    }
    const int first = h->block_item[block], num = h->block_item[block + 1] - first;
    int *row = arena_array(p->a, int, (size_t) num + 1);
    int *label = arena_array(p->a, int, (size_t) num + 1);
    float *weight = arena_array(p->a, float, (size_t) num + 1);
    for (int i = 0; i < num; i++) {
        const struct item *item = &h->items[first + i];
        row[i] = item->row - block * h->block_rows;
        label[i] = item->label;
        weight[i] = item->weight;
    }
    h->row_at[block] = plan_index(p, row, num);
    h->label_at[block] = plan_index(p, label, num);
    h->weight_at[block] = plan_index(p, weight, num);
    h->weight_at[block]->type = TENSOR_F32;
    plan_host(p, &h->out[block], (uint32_t) num, h->kl ? 1 : 2);
}

// Gradients of rows to their nodes. Several rows may be of one node; the rows of one round are of
// distinct nodes.
static void index_scatter(struct plan *p, struct head *h, int stage)
{
    int *count = arena_array(p->a, int, (size_t) p->forest.num + 1);
    int *round = arena_array(p->a, int, (size_t) h->num_rows + 1);
    for (int i = 0; i < h->num_rows; i++) {
        round[i] = p->forest.nodes[h->rows[i]].live <= stage ? count[h->rows[i]]++ : -1;
        h->num_rounds = round[i] + 1 > h->num_rounds ? round[i] + 1 : h->num_rounds;
    }
    h->scatter = arena_array(p->a, struct row_list, (size_t) h->num_rounds + 1);
    for (int r = 0; r < h->num_rounds; r++) {
        plan_make_list(p, &h->scatter[r], h->num_rows);
        for (int i = 0; i < h->num_rows; i++)
            if (round[i] == r)
                plan_push_row(&h->scatter[r], h->rows[i], i);
        plan_index_list(p, &h->scatter[r]);
    }
}

static void index_head(struct plan *p, struct head *h)
{
    const int stage = h->layer * STAGES + STAGE_OUT;
    for (int g = 0; g < PROGRAMS; g++)
        plan_make_list(p, &h->gather[g], h->num_rows);
    for (int i = 0; i < h->num_rows; i++)
        plan_push_row(&h->gather[p->forest.nodes[h->rows[i]].live <= stage], h->rows[i], i);
    for (int g = 0; g < PROGRAMS; g++)
        plan_index_list(p, &h->gather[g]);
    // Items in the order of their rows, so that a block of rows is a range of items.
    struct item *sorted = arena_array(p->a, struct item, (size_t) h->num_items + 1);
    h->num_blocks = (h->num_rows + h->block_rows - 1) / h->block_rows;
    h->block_item = arena_array(p->a, int, (size_t) h->num_blocks + 2);
    int num = 0;
    for (int b = 0; b < h->num_blocks; b++) {
        h->block_item[b] = num;
        for (int i = 0; i < h->num_items; i++)
            if (h->items[i].row / h->block_rows == b)
                sorted[num++] = h->items[i];
    }
    h->block_item[h->num_blocks] = num;
    h->items = sorted;
    h->row_at = arena_array(p->a, struct tensor *, (size_t) h->num_blocks + 1);
    h->label_at = arena_array(p->a, struct tensor *, (size_t) h->num_blocks + 1);
    h->weight_at = arena_array(p->a, struct tensor *, (size_t) h->num_blocks + 1);
    h->out = arena_array(p->a, struct tensor, (size_t) h->num_blocks + 1);
    for (int b = 0; b < h->num_blocks; b++)
        index_block(p, h, b);
    if (p->grads && h->loss)
        index_scatter(p, h, stage);
}

void plan_index_heads(struct plan *p)
{
    for (int i = 0; i < p->num_heads; i++)
        index_head(p, &p->heads[i]);
}

void plan_gather_heads(struct plan *p, struct gpu_cmd *cmd, enum program prog, int layer,
                       struct tensor h)
{
    for (int i = 0; i < p->num_heads; i++)
        if (p->heads[i].layer == layer)
            rows_from(p, cmd, &p->heads[i].gather[prog], p->heads[i].hidden, h);
}

void plan_scatter_heads(struct plan *p, struct gpu_cmd *cmd, int layer)
{
    for (int i = 0; i < p->num_heads; i++)
        for (int r = 0; p->heads[i].layer == layer && r < p->heads[i].num_rounds; r++)
            rows_to(p, cmd, &p->heads[i].scatter[r], p->dh, p->heads[i].dhidden, true);
}

static void record_block(struct plan *p, const struct block *b, struct head *h, int block,
                         bool reference)
{
    const uint32_t first = (uint32_t) (block * h->block_rows), rows = rows_of_block(h, block);
    struct tensor hidden = tensor_rows(h->hidden, first, rows);
    struct tensor logits = tensor_rows(p->logits, 0, rows);
    block_head(b, hidden, tensor_rows(p->head_x, 0, rows), logits);
    const bool has_grad = p->grads && h->loss && !reference;
    const struct tensor grad = has_grad ? logits : (struct tensor) {0};
    if (!h->loss)
        op_log_softmax(p->s->op, b->cmd, logits, h->out[block]);
    else if (h->kl)
        op_kl(p->s->op, b->cmd,
              &(struct op_kl) {.logits = logits,
                               .reference = tensor_rows(h->reference, first, rows),
                               .weight = *h->weight_at[block],
                               .out = h->out[block],
                               .grad = grad,
                               .first = reference});
    else
        op_nll(p->s->op, b->cmd,
               &(struct op_nll) {.logits = logits,
                                 .row = *h->row_at[block],
                                 .label = *h->label_at[block],
                                 .weight = *h->weight_at[block],
                                 .out = h->out[block],
                                 .grad = grad});
    if (grad.rows)
        block_head_back(b, hidden, logits, tensor_rows(p->head_dx, 0, rows),
                        tensor_rows(h->dhidden, first, rows));
}

// The heads' losses and their gradients; or, for `reference`, only what later KLs compare with.
void plan_record_heads(struct plan *p, struct gpu_cmd *cmd, bool reference)
{
    const struct block b = session_block(p->s, cmd, p->weights);
    for (int i = 0; i < p->num_heads; i++) {
        struct head *h = &p->heads[i];
        for (int k = 0; k < h->num_blocks && (h->loss == EM_LOSS_KL_START || !reference); k++)
            record_block(p, &b, h, k, reference);
    }
}

static bool is_active(const struct plan *p, int prompt, const bool *active)
{
    return !active || active[p->pass->prompts[prompt].group - p->first_group];
}

static void read_nll(struct plan *p, const struct head *h, int i, const float *out)
{
    const struct em_pass *pass = p->pass;
    const struct item *item = &h->items[i];
    const struct em_prompt *prompt = &pass->prompts[item->prompt];
    const double share = (double) out[0] / (prompt->num_tokens - prompt->target_first);
    if (pass->losses && pass->terms && pass->terms[item->prompt].loss == EM_LOSS_NLL)
        pass->losses[item->prompt] += (float) share;
    if (!pass->answers)
        return;
    pass->answers[item->prompt].nll += share;
    pass->answers[item->prompt].hit &= out[1] != 0;
}

static void read_item(struct plan *p, const struct head *h, int block, int i)
{
    const struct em_pass *pass = p->pass;
    const struct item *item = &h->items[i];
    const float *out = gpu_buf_at(h->out[block].mem);
    const int at = i - h->block_item[block];
    const size_t vocab = (size_t) p->s->config->vocab;
    const size_t row = (size_t) (item->row - block * h->block_rows);
    if (!h->loss)
        memcpy(pass->log_probs + (size_t) item->prompt * vocab, out + row * vocab,
               vocab * sizeof(float));
    else if (!h->kl)
        read_nll(p, h, i, out + 2 * at);
    else if (pass->losses)
        pass->losses[item->prompt] = out[at];
}

// What was asked of the active groups to the pass's arrays.
void plan_read_heads(struct plan *p, const bool *active)
{
    const struct em_pass *pass = p->pass;
    for (int i = p->first_prompt; i < p->first_prompt + p->num_prompts; i++) {
        if (!is_active(p, i, active))
            continue;
        const bool asked = pass->prompts[i].num_tokens > pass->prompts[i].target_first;
        if (pass->losses)
            pass->losses[i] = 0;
        if (pass->answers)
            pass->answers[i] = (struct em_answer) {0, asked};
    }
    for (int k = 0; k < p->num_heads; k++) {
        const struct head *h = &p->heads[k];
        for (int b = 0; b < h->num_blocks; b++)
            for (int i = h->block_item[b]; i < h->block_item[b + 1]; i++)
                if (is_active(p, h->items[i].prompt, active))
                    read_item(p, h, b, i);
    }
}

// The distributions that the pass itself gives for EM_LOSS_KL, or an earlier plan for the start.
enum em_status plan_upload_references(struct plan *p)
{
    for (int k = 0; k < p->num_heads; k++) {
        const struct head *h = &p->heads[k];
        const bool given = h->loss == EM_LOSS_KL || (h->loss == EM_LOSS_KL_START && p->starts);
        for (int i = 0; given && i < h->num_items; i++) {
            const int prompt = h->items[i].prompt;
            const struct tensor to = tensor_rows(h->reference, (uint32_t) h->items[i].row, 1);
            EM_TRY(gpu_upload(p->s->gpu, gpu_sub(to.mem, 0, 4ull * h->reference.cols),
                              h->loss == EM_LOSS_KL ? p->pass->terms[prompt].reference
                                                    : p->starts[prompt]));
        }
    }
    return EM_OK;
}

enum em_status plan_keep_starts(struct plan *p, float **starts)
{
    for (int k = 0; k < p->num_heads; k++) {
        const struct head *h = &p->heads[k];
        for (int i = 0; h->loss == EM_LOSS_KL_START && i < h->num_items; i++) {
            const int prompt = h->items[i].prompt;
            if (starts[prompt])
                continue;
            starts[prompt] = em_floats(p->s, h->reference.cols);
            const struct tensor from = tensor_rows(h->reference, (uint32_t) h->items[i].row, 1);
            EM_TRY(gpu_download(p->s->gpu, starts[prompt],
                                gpu_sub(from.mem, 0, 4ull * h->reference.cols)));
        }
    }
    return EM_OK;
}
