// Builds the forest of a pass; see forest.h.

#include "session/plan/forest.h"

#include <stdlib.h>
#include <string.h>

struct builder {
    struct arena *a;
    const struct forest_params *p;
    struct node *nodes;
    int num, cap; // nodes; slots of the table
    int *slots;   // open addressing over (parent, token, act), -1: empty
    int **at;     // [P][tokens]
    int **act;    // [P][tokens] perturbation
    int **own;    // [P][tokens] first stage made live by its own acts
};

int site_stage(int layer, enum em_site site)
{
    static const int stages[EM_SITE_COUNT] = {
        [EM_SITE_BLOCK_IN] = STAGE_IN,   [EM_SITE_ATTN_OUT] = STAGE_ATTN_OUT,
        [EM_SITE_MLP_KEY] = STAGE_KEY,   [EM_SITE_MLP_OUT] = STAGE_MLP_OUT,
        [EM_SITE_BLOCK_OUT] = STAGE_OUT,
    };
    return layer * STAGES + stages[site];
}

// Several acts on one position combine to one perturbation: (the one before, who) -> a new number.
struct act_pair {
    int before, who;
};

static void combine_acts(struct builder *b)
{
    const struct forest_params *p = b->p;
    struct act_pair *pairs = arena_array(b->a, struct act_pair, (size_t) p->num_acts + 1);
    int num = 0;
    for (int i = 0; i < p->num_acts; i++) {
        const struct forest_act *act = &p->acts[i];
        int *at = &b->act[act->prompt][act->token], found = 0;
        // Acts come in runs of one `who`, so the pair is nearly always the last one made.
        for (int j = num; j > 0 && !found; j--)
            if (pairs[j - 1].before == *at && pairs[j - 1].who == act->who)
                found = j;
        if (!found) {
            pairs[num++] = (struct act_pair) {*at, act->who};
            found = num;
        }
        *at = found;
        int *own = &b->own[act->prompt][act->token];
        *own = act->stage < *own ? act->stage : *own;
    }
}

static int find_or_add(struct builder *b, int parent, int token, int act)
{
    uint64_t h = ((uint64_t) (uint32_t) parent * 0x9e3779b97f4a7c15u) ^
                 ((uint64_t) (uint32_t) token * 0xc2b2ae3d27d4eb4fu) ^
                 ((uint64_t) (uint32_t) act * 0x165667b19e3779f9u);
    for (h ^= h >> 29;; h++) {
        int *slot = &b->slots[h % (uint64_t) b->cap];
        if (*slot < 0) {
            const int depth = parent < 0 ? 0 : b->nodes[parent].depth + 1;
            b->nodes[b->num] = (struct node) {parent, token, depth, act, NEVER, -1};
            return *slot = b->num++;
        }
        const struct node *n = &b->nodes[*slot];
        if (n->parent == parent && n->token == token && n->act == act)
            return *slot;
    }
}

static void insert_prompts(struct builder *b)
{
    for (int i = 0; i < b->p->num_prompts; i++) {
        const struct em_prompt *prompt = &b->p->prompts[i];
        int parent = -1;
        for (int t = 0; t < prompt->num_tokens; t++) {
            parent = find_or_add(b, parent, prompt->tokens[t], b->act[i][t]);
            struct node *n = &b->nodes[parent];
            n->live = b->own[i][t] < n->live ? b->own[i][t] : n->live;
            b->at[i][t] = parent;
        }
    }
}

// A node's attention at a layer reads keys and values of all its ancestors there.
static void find_need(struct builder *b)
{
    for (int i = 0; i < b->p->num_reads; i++) {
        const struct forest_read *r = &b->p->reads[i];
        struct node *n = &b->nodes[b->at[r->prompt][r->token]];
        n->need = r->stage > n->need ? r->stage : n->need;
    }
    for (int i = b->num - 1; i >= 0; i--) { // children come after their parents
        const struct node *n = &b->nodes[i];
        if (n->parent < 0 || n->need < 0)
            continue;
        // The last layer of which the node, or one below it, needs its ancestors' keys and values.
        const int layer = n->need / STAGES - (n->need % STAGES < STAGE_QKV);
        const int need = layer * STAGES + STAGE_QKV;
        struct node *parent = &b->nodes[n->parent];
        if (layer >= 0 && need > parent->need)
            parent->need = need;
    }
}

static void find_live(struct builder *b)
{
    int *first = arena_array(
        b->a, int, (size_t) b->num + 1); // layer from which a node's k, v, or an ancestor's, vary
    for (int i = 0; i < b->num; i++) {
        struct node *n = &b->nodes[i];
        const int above = n->parent < 0 ? NEVER : first[n->parent];
        const int attn = above == NEVER ? NEVER : above * STAGES + STAGE_ATTN;
        n->live = attn < n->live ? attn : n->live;
        const int own = n->live == NEVER ? NEVER : (n->live + STAGES - 1 - STAGE_IN) / STAGES;
        first[i] = own < above ? own : above;
    }
}

static int compare_nodes(const void *x, const void *y, void *nodes)
{
    const int i = *(const int *) x, j = *(const int *) y;
    const struct node *a = (struct node *) nodes + i, *b = (struct node *) nodes + j;
    if (a->live != b->live)
        return a->live < b->live ? -1 : 1;
    if (a->need != b->need)
        return a->need > b->need ? -1 : 1;
    return i < j ? -1 : 1;
}

static struct forest sort_nodes(struct builder *b)
{
    int *order = arena_array(b->a, int, (size_t) b->num + 1);
    int *place = arena_array(b->a, int, (size_t) b->num + 1);
    struct forest f = {.at = b->at};
    for (int i = 0; i < b->num; i++) {
        place[i] = -1;
        if (b->nodes[i].need >= 0)
            order[f.num++] = i;
    }
    qsort_r(order, (size_t) f.num, sizeof(*order), compare_nodes, b->nodes);
    f.nodes = arena_array(b->a, struct node, (size_t) f.num + 1);
    for (int i = 0; i < f.num; i++)
        place[order[i]] = i;
    for (int i = 0; i < f.num; i++) {
        f.nodes[i] = b->nodes[order[i]];
        if (f.nodes[i].parent >= 0)
            f.nodes[i].parent = place[f.nodes[i].parent];
    }
    for (int i = 0; i < b->p->num_prompts; i++)
        for (int t = 0; t < b->p->prompts[i].num_tokens; t++)
            f.at[i][t] = place[f.at[i][t]];
    return f;
}

struct forest forest_build(struct arena *a, const struct forest_params *params)
{
    struct builder b = {.a = a, .p = params};
    const size_t prompts = (size_t) params->num_prompts;
    b.at = arena_array(a, int *, prompts + 1);
    b.act = arena_array(a, int *, prompts + 1);
    b.own = arena_array(a, int *, prompts + 1);
    size_t tokens = 0;
    for (size_t i = 0; i < prompts; i++) {
        const size_t num = (size_t) params->prompts[i].num_tokens;
        b.at[i] = arena_array(a, int, num);
        b.act[i] = arena_array(a, int, num);
        b.own[i] = arena_array(a, int, num);
        for (size_t t = 0; t < num; t++)
            b.own[i][t] = NEVER;
        tokens += num;
    }
    b.nodes = arena_array(a, struct node, tokens + 1);
    b.cap = (int) (2 * tokens + 1);
    b.slots = arena_array(a, int, (size_t) b.cap);
    memset(b.slots, -1, (size_t) b.cap * sizeof(*b.slots));
    combine_acts(&b);
    insert_prompts(&b);
    find_need(&b);
    find_live(&b);
    return sort_nodes(&b);
}

void forest_hash(const struct forest *f, char hex[HASH_SIZE])
{
    struct hash *h = hash_begin();
    for (int i = 0; i < f->num; i++) {
        const int what[] = {f->nodes[i].parent, f->nodes[i].token};
        hash_bytes(h, what, sizeof(what));
    }
    hash_end(h, hex);
}
