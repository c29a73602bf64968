// A session, as the tiers above see it: a model on a device, the edits made to it, and what plugins
// may do with it (<emend/session.h>). A session is created once per model and lives through a whole
// experiment.
//
// Memory: what em_* functions hand out lives until session_call_end. Threads: one at a time.
// Errors: in the log of the params.

#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <emend/plugin.h>

#include "base/arena.h"
#include "base/log.h"
#include "model/files.h"
#include "op/op.h"

enum session_bos { SESSION_BOS_AUTO, SESSION_BOS_NONE };
// As in the file (quantised ones as F32), or all as F32.
enum session_weights { SESSION_WEIGHTS_FILE, SESSION_WEIGHTS_F32 };

struct session_params {
    struct log *log;
    struct gpu *gpu;
    struct model_files *files;
    enum op_matmul matmul;
    enum session_weights weights;
    enum session_bos bos;
    uint64_t seed;
    // Bytes of device memory that plans may use beside the weights; 0: from the device.
    uint64_t memory;
    struct cache *cache; // covariances, values of facts; NULL: nothing is kept on disk
};

struct em_session *session_create(const struct session_params *params);
void session_destroy(struct em_session **s);

struct gpu *session_gpu(struct em_session *s);
const char *session_model_hash(const struct em_session *s); // of the weight files
const char *session_profile(const struct em_session *s);    // the numeric profile, one line of text
struct tokenizer *session_tokenizer(struct em_session *s);

// A plugin's entry point runs between these.
void session_call_begin(struct em_session *s);
void session_call_end(struct em_session *s); // frees what the call was given
// As session_call_begin; what the call is given lives in `keep`, and session_call_end leaves it.
void session_call_begin_in(struct em_session *s, struct arena *keep);

// --- context templates: each set's first is "{}"

struct session_templates { // texts that the model writes: `per_start` of each length and start
    const char *const *starts;
    const int *lengths; // tokens in all, the start's included
    int num_starts, num_lengths, per_start, top_k;
};
// The templates are "{}" and, for each text, "TEXT. {}"; the draws depend on the seed and on the
// set's name.
EM_MUST_CHECK enum em_status session_templates_generate(struct em_session *s, const char *set,
                                                        const struct session_templates *how);
EM_MUST_CHECK enum em_status session_templates_set(struct em_session *s, const char *set,
                                                   const char *const *texts, int num);

// --- texts

struct session_text {
    const char *prompt, *stream;
};
// As em_generate, each text drawn from a stream of its own that the seed and `stream` name: it does
// not depend on what else is written.
EM_MUST_CHECK enum em_status session_write_texts(struct em_session *s,
                                                 const struct session_text *texts, int num,
                                                 int length, int top_k, const char **out);

// --- covariance

struct session_corpus {
    // Text files, whose documents are their paragraphs, or JSON lines with "text".
    const char *const *paths;
    int num_paths;
    uint64_t tokens;    // 0: 10 F
    uint64_t documents; // 0: as many as `tokens` needs
    int max_length;     // tokens of a document, the rest is another document; 0: as below
    bool shuffle;       // documents in an order drawn from the seed, not in file order
};
// Of whom says none: 128, or as many as the model takes if those are fewer.
int session_document_length(const struct model_config *config);
// What em_whiten and the rest will measure, and the layers to measure in one pass when the first is
// asked for.
EM_MUST_CHECK enum em_status session_corpus_set(struct em_session *s,
                                                const struct session_corpus *corpus,
                                                const int *layers, int num_layers);
// Measure now, if not cached.
EM_MUST_CHECK enum em_status session_covariance_prepare(struct em_session *s);
bool session_covariance_is_kept(struct em_session *s, int layer);          // in memory or on disk
uint64_t session_covariance_tokens(const struct em_session *s, int layer); // once measured; else 0
// Under which the cache keeps it, as kind "covariance".
void session_covariance_key(struct em_session *s, int layer, char key[65]);
// Bytes of host memory that covariances, factors and eigenvectors stay within, as far as they can
// be read again from disk.
uint64_t session_covariance_limit(const struct em_session *s);
// Import C of a layer: .safetensors with tensor "C" [F, F] (f32 or f64), or .npz as the published
// tools keep it, the sum "mom2.mom2" [F, F] over "mom2.count" keys.
EM_MUST_CHECK enum em_status session_covariance_import(struct em_session *s, int layer,
                                                       const char *path);
// The same two forms written, by the path's ending; measured first, if it is not. Of .npz:
struct session_covariance_file {
    const char *path;
    bool single; // float32, as those tools' own usually are; else float64, which loses nothing
    // they take a file only if its sample_size is theirs (mom2_n_samples); 0: it has none
    uint64_t documents;
};
EM_MUST_CHECK enum em_status session_covariance_export(struct em_session *s, int layer,
                                                       const struct session_covariance_file *to);

// --- edits

// To the unedited model, bit for bit.
EM_MUST_CHECK enum em_status session_revert(struct em_session *s);
const char *session_state_hash(struct em_session *s); // of the model and all edits in force
// Edits to come leave the layers below `layer` as they are (0: any may be edited). What enters
// `layer` in a pass without probes is kept, in 4 GiB or a sixteenth of the host's memory, and the
// same prompts begin there while the layers below are what they were, with the same bits. Call it
// where each series of edits and passes begins: what only served those before makes room.
void session_expect_edits(struct em_session *s, int layer);
enum session_edit_kind {
    SESSION_ADD,   // W += left^T right
    SESSION_WRITE, // W = right, n = its rows
    SESSION_KEEP,  // em_keep: right joins the rows kept under `name`
};
struct session_edit { // one change in force; they stand in order
    enum session_edit_kind kind;
    const char *name; // SESSION_KEEP
    enum em_matrix matrix;
    int layer, n, rows, cols;
    const float *left;  // [n, rows], SESSION_ADD
    const float *right; // [n, cols]
};
const struct session_edit *session_edits(struct em_session *s, int *num);

// The changes from number `since` on as a safetensors file: "0.down.5.left" and "0.down.5.right",
// "1.up.5.weight", "2.kept.NAME", and in its metadata the hashes of the state before and after.
EM_MUST_CHECK enum em_status session_edits_save(struct em_session *s, const char *path, int since);
// Makes the changes of a file again, to the bit, on the state that they were made on; anything else
// (damage, another model, another order of files) is EM_ERR_CONFIG and changes nothing.
EM_MUST_CHECK enum em_status session_edits_load(struct em_session *s, const char *path);
// Whether session_edits_load would take it.
bool session_edits_fit(struct em_session *s, const char *path);
// Such a file read without a session, for a model of these shapes; all lives in `a`.
struct session_edits_file {
    struct session_edit *changes;
    int num;
    char before[65], after[65]; // hashes of the states; the one after is checked
};
EM_MUST_CHECK enum em_status session_edits_read(struct log *log, struct arena *a,
                                                const struct model_files *model, const char *path,
                                                struct session_edits_file *out);
// A change made to a matrix in host memory, as a session makes it; SESSION_KEEP makes none.
void session_edit_apply(const struct session_edit *e, float *w);

// --- values of facts

// What they depend on beside the facts, the model as the plugin's call finds it, and the templates:
// what the algorithm `prepares` by, its options that count, and the set of templates that it reads
// (NULL: all that there are count). Call before prepare and apply.
void session_store_key(struct em_session *s, const char *options_text, const char *set);
// An algorithm's prepare() stands between these, in one call. The facts' values are found on disk,
// or are kept there when all are computed; facts and order say which, so that values depend on
// nothing else. `status`: prepare()'s, which is returned.
EM_MUST_CHECK enum em_status session_chunk_begin(struct em_session *s, const struct em_fact *facts,
                                                 int n);
EM_MUST_CHECK enum em_status session_chunk_end(struct em_session *s, enum em_status status);
void session_values_forget(struct em_session *s); // those that were put outside any chunk
// Whether the values of such a chunk are on disk; waits for nobody. In a plugin's call.
bool session_chunk_is_kept(struct em_session *s, const struct em_fact *facts, int n);
// Values from a file: .safetensors with tensors "z.ID", "key.ID", ... They win over computed ones.
EM_MUST_CHECK enum em_status session_store_import(struct em_session *s, const char *path);
// The same of all values of these facts that the plugin's call finds, under the same names.
EM_MUST_CHECK enum em_status session_store_export(struct em_session *s, const struct em_fact *facts,
                                                  int n, const char *path);

// --- what the model said

// While it is on, what the model as it stands answers and writes is kept on disk by what it is
// asked, call by call: for what many runs ask of one model. Templates always are.
void session_remember(struct em_session *s, bool on);

// --- series and progress

struct session_series { // one em_record call
    const char *name;
    double value;
};
// Those since session_call_begin.
const struct session_series *session_series(struct em_session *s, int *num);
typedef void session_progress_fn(void *user, const char *what, int done, int total);
void session_on_progress(struct em_session *s, session_progress_fn *fn, void *user);

// --- measurements

struct session_cost {
    double flop;          // of the matmuls that were run
    uint64_t peak_memory; // bytes of device memory
};
uint64_t session_memory(const struct em_session *s); // bytes that plans may use beside the weights
struct session_cost session_cost(const struct em_session *s); // since creation

struct session_time { // of one kernel or host call in one program of the plans
    const char *program, *kernel;
    double seconds, flop;
    int64_t count;
};
// Plans that are made from here on are timed, which slows them a little; what was timed before is
// forgotten.
void session_timing(struct em_session *s, bool on);
const struct session_time *session_times(struct em_session *s, int *num); // dearest first

#endif
