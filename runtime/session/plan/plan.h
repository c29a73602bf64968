// A plan: one pass (or a chunk of its groups) as recorded work on the device.
//
// What does not depend on a vector that varies between runs is recorded once, in `constant`; what
// does, in `forward` and `backward`. At each stage the live rows are rows [0, live_rows) of the
// forest's order, the constant ones a range behind them. A row that becomes live at a stage joins
// there: the constant program leaves its state in the join tensors, the forward program starts from
// them. Where nothing is live or acts, the constant program may begin at a layer whose entering
// rows an earlier plan has left (store/residual.h).

#ifndef SESSION_PLAN_H
#define SESSION_PLAN_H

#include "session/plan/forest.h"
#include "session/plan/layout.h"
#include "session/store/residual.h"

enum program { CONSTANT, LIVE, PROGRAMS };

struct row_list { // rows of a stage's tensor (nodes) beside rows of another tensor
    int *node, *other, num;
    struct tensor *node_at, *other_at; // on the device
};

struct plan_probe {
    const struct em_probe *probe;
    int number, stage;
    uint32_t width;
    struct row_list value[PROGRAMS], set[PROGRAMS], add[PROGRAMS], grad;
    int *value_row, num_values; // row of probe->value of each row of `values`
    int *grad_row, num_grads;   // index into the probe's rows of each row of `grads`
    int num_sets;
    const int *set_row;                      // row of probe->set of each row of `sets`
    struct tensor values, sets, adds, grads; // host-visible
};

struct item { // one label at one row, or one KL
    int prompt, node, row, label;
    float weight;
};

struct head { // items that are read from the same layer's output
    int layer;
    enum em_loss loss; // items of one kind only; NONE: their log-probabilities are asked for
    bool kl;
    struct item *items;
    int num_items, cap_items;
    int *rows, num_rows;              // nodes
    struct row_list gather[PROGRAMS]; // node -> row of `hidden`
    struct row_list *scatter;         // [num_rounds] row of `dhidden` -> node
    int num_rounds;
    struct tensor hidden, dhidden, reference;
    struct tensor *out; // per block, host-visible: of each item, or log-probabilities of each row
    struct tensor **row_at, **label_at, **weight_at; // per block
    int *block_item, block_rows, num_blocks;         // first item of each block
};

struct live_layer { // what the backward reads, for the live rows of one layer
    struct tensor h_in, q, lse, h_mid, gate_up, kv;
    struct tensor *heirs_start, *heirs;
};

struct plan {
    struct em_session *s;
    struct arena *a;
    const struct em_pass *pass;
    const struct weights *weights;
    int first_prompt, num_prompts; // of the chunk, in the pass
    int first_group, num_groups;
    const bool *active; // [num_groups] that take part, while the plan is made; NULL: all
    // [prompts of the pass] what EM_LOSS_KL_START compares with; NULL: the first run
    float **starts;
    bool vary;  // `add` vectors change from run to run
    bool grads; // a gradient is asked for
    struct forest forest;
    int top, stop, first_live; // last layer; stage at which the backward ends; first live stage
    int *live_rows, *const_first, *const_end; // [layers * STAGES]

    const struct residual *kept; // rows that `constant` begins with; NULL: with embeddings
    int keep;                    // the layer whose entering rows are kept for later; 0: none
    char forest_hash[HASH_SIZE];
    struct tensor entering; // host-visible, of both

    struct plan_probe *probes;
    int num_probes;
    struct head *heads;
    int num_heads;

    struct tensor *tokens, *position, *path_start, *path;
    struct {
        struct index_part {
            struct tensor *to;
            const void *words;
            uint32_t num;
        } * items;
        size_t num, cap;
    } index;
    struct {
        struct tensor **items;
        size_t num, cap;
    } host;
    struct gpu_buf *index_buf, *host_buf;
    uint64_t host_size;

    struct live_layer *live; // [layers], and one more for the last layer's output
    struct tensor *kv;       // [layers]
    struct tensor join_h, join_q, join_key;
    struct tensor h, x, qkv, q, attn, lse, gate_up, key, tmp; // of the constant program
    struct tensor lx, lqkv, lattn, lkey, ltmp;                // of the live program
    struct tensor dh, dkey, dgate_up, dx, dattn, dq, delta, dkv, dqkv;
    struct tensor logits, head_x, head_dx;
    uint64_t bytes; // of activations

    struct gpu_cmd *constant, *forward, *reference, *backward;
};

struct plan_params {
    struct em_session *s;
    const struct em_pass *pass;
    int first_group, num_groups; // prompts of a group are consecutive
    int first_prompt, num_prompts;
    const bool *active;
    float **starts;
    bool vary;
    bool measure; // only `bytes`
};

struct plan *plan_create(const struct plan_params *params);
void plan_destroy(struct plan **plan);

// Run: constant (and the KL reference) at the first time only. Fills the pass's outputs of the
// groups that are active (NULL: all).
EM_MUST_CHECK enum em_status plan_run(struct plan *plan, bool first, const bool *active);
// Of the prompts that have none yet, what their EM_LOSS_KL_START compares with; scratch of the
// call.
EM_MUST_CHECK enum em_status plan_keep_starts(struct plan *plan, float **starts);

// --- chunks: units of a pass (groups, or prompts where there are none) that fit the memory
EM_MUST_CHECK enum em_status plan_check_pass(struct em_session *s, const struct em_pass *pass,
                                             bool iterate);
// Those from unit `first` on, as many as fit: from shapes only, never from what happens to be free.
EM_MUST_CHECK enum em_status plan_chunk(struct em_session *s, const struct em_pass *pass, int first,
                                        bool vary, struct plan_params *out, int *num);

// --- of the files of this folder

// The device's copy of 32-bit words.
struct tensor *plan_index(struct plan *p, const void *words, int num);
void plan_host(struct plan *p, struct tensor *to, uint32_t rows, uint32_t cols); // host-visible f32
bool plan_holds(const struct plan *p, int prompt);                               // while it is made
int plan_live(const struct plan *p, int layer, enum stage stage);
enum em_status plan_make_heads(struct plan *p);
void plan_layout_heads(struct plan *p, struct layout *l);
void plan_layout(struct plan *p, struct layout *l);
void plan_index_heirs(struct plan *p);
void plan_index_heads(struct plan *p);
void plan_record_constant(struct plan *p);
void plan_record_forward(struct plan *p);
void plan_record_backward(struct plan *p);
void plan_record_heads(struct plan *p, struct gpu_cmd *cmd, bool reference);
enum em_status plan_upload_references(struct plan *p);
void plan_read_heads(struct plan *p, const bool *active);
void plan_gather_heads(struct plan *p, struct gpu_cmd *cmd, enum program prog, int layer,
                       struct tensor h);
void plan_scatter_heads(struct plan *p, struct gpu_cmd *cmd, int layer);
void plan_make_list(struct plan *p, struct row_list *list, int cap);
void plan_push_row(struct row_list *list, int node, int other);
void plan_index_list(struct plan *p, struct row_list *list);
void rows_to(struct plan *p, struct gpu_cmd *cmd, const struct row_list *list, struct tensor to,
             struct tensor from, bool add); // to[node] = from[other]
void rows_from(struct plan *p, struct gpu_cmd *cmd, const struct row_list *list, struct tensor to,
               struct tensor from); // to[other] = from[node]

#endif
