// The session's own state, shared by the files of this folder only.

#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

#include "base/file/cache.h"
#include "model/block.h"
#include "model/tokenizer.h"
#include "session/session.h"

enum { MAX_SLABS = 64, MAX_SETS = 8 };

struct template_set {
    char *name;
    const char **texts;
    int num;
};

struct edit;      // edit/edit.h
struct kept_rows; // the same

struct edited_matrix { // a matrix that has been promoted to a float32 copy
    struct gpu_buf *buf;
    struct tensor t; // rows == 0: never promoted
    bool in_force;
};

struct covariance {           // of one layer; covariance.c
    double *c;                // [F, F], NULL: not measured yet
    uint64_t tokens;          // whose keys C is the mean over; 0: a file did not say
    double *factor;           // [F, F] lower Cholesky factor, NULL: not made yet
    double *values, *vectors; // eigenvalues [F], eigenvectors as rows [F, F]
    bool imported;            // from a file of the user's
    uint64_t used;            // when it was last asked for, by the session's covariance_clock
};
struct store;    // values of facts; store/
struct residual; // store/residual.h
struct residuals {
    struct residual *items;
    size_t num, cap;
    uint64_t bytes, clock, expected; // the last: when edits were last expected
};

struct em_session {
    struct log *log;
    struct gpu *gpu;
    struct op *op;
    struct model_files *files;
    const struct model_config *config;
    struct em_model model;
    struct tokenizer *tokenizer;
    struct weights weights;
    struct weights unedited;        // the same, every matrix as loaded
    struct layer_weights *original; // [layers] as loaded
    struct edited_matrix *edited;   // [layers * EM_MATRIX_COUNT]
    struct arena *life, *call, *edits_arena;
    struct arena *call_own; // `call` while a call's memory is the caller's; else NULL
    bool bos;
    uint64_t seed, memory;
    uint64_t slab_limit; // bytes of one activation buffer
    int chunk;           // groups in a chunk at most; 0: as many as fit (a test compares)
    bool never_reuse;    // lay activations out without reuse (a test compares)
    char model_hash[65];
    char state_hash[65];
    char *profile;
    struct cache *cache;

    struct gpu_buf *slabs[MAX_SLABS]; // activations of the current plan, kept from plan to plan
    uint64_t slab_size[MAX_SLABS];
    bool slabs_dirty; // may hold values that are not finite

    struct gpu_buf *rope_buf;
    struct tensor rope_table;

    struct template_set sets[MAX_SETS];
    int num_sets;

    struct edit *edits, **edits_tail;
    int num_edits;
    struct kept_rows *kept;

    struct covariance *covariances;             // [layers]
    uint64_t covariance_clock, covariance_call; // the latter: when the call began
    uint64_t covariance_limit; // bytes of host memory beyond which those on disk leave it
    struct session_corpus corpus;
    int *corpus_layers, num_corpus_layers;
    char corpus_hash[65];

    int first_edited; // session_expect_edits
    struct residuals residuals;
    uint64_t residual_limit; // bytes of host memory

    struct store *store;
    char *store_options, *store_set;
    bool remembers;      // session_remember
    char entry_hash[65]; // the state when the plugin's entry point was called

    struct {
        struct session_series *items;
        size_t num, cap;
    } series;
    session_progress_fn *on_progress;
    void *progress_user;
    struct session_cost cost;

    bool timed; // session_timing
    struct {
        struct session_time *items;
        size_t num, cap;
    } times;
};

// A block to record with, on the session's weights (or the unedited ones).
struct block session_block(struct em_session *s, struct gpu_cmd *cmd,
                           const struct weights *weights);

// What a computed value depends on beside its own inputs and the model's state, which is its
// weights: the program's code, the numeric profile, BOS, the tokenizer, the configuration.
void session_hash_arithmetic(const struct em_session *s, struct hash *h);

void session_time_add(struct em_session *s, const char *program, const struct gpu_time *time);

// At least `positions` rows of the RoPE table on the device.
EM_MUST_CHECK enum em_status session_rope_reserve(struct em_session *s, int positions);

void session_state_reset(struct em_session *s); // no edits, no kept rows
// The state behind the newest change of a layer below `layer`: where it is the same, those layers
// are.
const char *session_state_below(const struct em_session *s, int layer);
void residual_destroy(struct em_session *s);
void store_destroy(struct em_session *s);
bool store_is_open(const struct em_session *s); // facts are being prepared
void covariance_destroy(struct em_session *s);
// To the limit, but for what the plugin's call has been given.
void covariance_trim(struct em_session *s);

#endif
