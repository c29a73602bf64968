// The forest of a pass: the token sequences of its prompts in tries, what is equal held once.
//
// A node is (parent, token, perturbation): two prompts share a position only if their tokens agree
// up to it and so does every `add`, `set` and gradient that acts on it or on an ancestor. Each node
// knows the first stage at which its state varies between runs (`live`) and the last stage at which
// it is computed (`need`). Nodes are sorted by (live ascending, need descending), so that the live
// rows of every stage are a prefix; nodes that nothing read descends from are dropped.

#ifndef SESSION_FOREST_H
#define SESSION_FOREST_H

#include <emend/session.h>

#include "base/arena.h"
#include "base/file/hash.h"

// The stages of a block, in order: operations and the five sites between them. Stage s of layer l
// is 9 l + s.
enum stage {
    STAGE_IN,       // site BLOCK_IN
    STAGE_QKV,      // q, k, v
    STAGE_ATTN,     // attention over the path
    STAGE_ATTN_OUT, // site ATTN_OUT, and the residual after it
    STAGE_GATE,     // gate, up, silu
    STAGE_KEY,      // site MLP_KEY
    STAGE_DOWN,     // down_proj
    STAGE_MLP_OUT,  // site MLP_OUT
    STAGE_OUT,      // site BLOCK_OUT
    STAGES
};

enum { NEVER = 1 << 30 };

struct node {
    int parent; // -1: a root
    int token, depth;
    int act;        // perturbation, 0: none
    int live, need; // stages
};

struct forest {
    struct node *nodes; // [num]
    int num;
    int **at; // [P][num_tokens]: node of a prompt's token, -1: dropped
};

struct forest_read { // a state that is read: it makes a node needed
    int prompt, token, stage;
};

// Something that acts on a state, and so parts it from others that are equal in tokens.
struct forest_act {
    int prompt, token;
    int stage; // from which it makes the state vary; NEVER: it does not
    int who;   // acts with equal `who` (> 0) keep states equal
};

struct forest_params {
    const struct em_prompt *prompts; // [num_prompts]
    int num_prompts;
    const struct forest_read *reads;
    int num_reads;
    const struct forest_act *acts;
    int num_acts;
};

struct forest forest_build(struct arena *a, const struct forest_params *params);
// Of the tokens and their order: where nothing acts, states depend on no more beside weights.
void forest_hash(const struct forest *f, char hex[HASH_SIZE]);

int site_stage(int layer, enum em_site site);

#endif
