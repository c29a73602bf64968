// Everything a plugin may ask of the runtime.
//
// A session is one loaded model and the edits made to it. The runtime reverts
// edits as the experiment's mode asks, so plugins never save or restore weights.
//
// Memory: pointers handed out by the session live until the plugin's entry
// point returns. Plugins never free.
// Thread-safety: one thread at a time. Calls block until results are on the host.
// Errors: propagate with EM_TRY; the session keeps the first message.

#ifndef EM_SESSION_H
#define EM_SESSION_H

#include <emend/types.h>

struct em_session;

EM_EXPORT const struct em_model *em_model(const struct em_session *s);

// Zeroed scratch memory for `count` floats.
EM_EXPORT float *em_floats(struct em_session *s, size_t count);
EM_EXPORT double *em_doubles(struct em_session *s, size_t count);
EM_EXPORT void *em_alloc(struct em_session *s, size_t bytes); // the same, of anything

// Context templates of the named set ("rome", "memit"), each with one `{}`. The first is "{}".
EM_EXPORT const char *const *em_contexts(const struct em_session *s, const char *set, int *num);

struct em_text {
    const char *context; // a context template, or NULL for "{}"
    const char *prompt;  // `{}` stands for the subject
    const char *subject;
    const char *target; // put after the prompt, or NULL
};

// Tokenise `text` and find the subject and the target in it.
EM_EXPORT EM_MUST_CHECK enum em_status em_prompt_make(struct em_session *s,
                                                      const struct em_text *text,
                                                      struct em_prompt *out);

struct em_row { // one token of one prompt
    int prompt, token;
};

// A probe reads, perturbs or differentiates activations of one site at N rows.
// At a row: `value` is read, then `set` replaces, then `add` is added; gradients are with respect
// to `add`. G is the number of groups; prompts of one group (one fact) share `add` and `grad`.
struct em_probe {
    enum em_site site;
    int layer;
    const struct em_row *rows; // [N]; NULL: every prompt's subject_last, N = P
    int num_rows;
    const float *add; // [G, width] added at every row of the group, or NULL
    const float *set; // [N, width] replaces the activation, or NULL
    float *value;     // out [N, width], or NULL
    float *grad;      // out [G, width], d loss / d add, summed over the group's rows, or NULL
    float *row_grad;  // out [N, width], d loss / d activation, or NULL
};

enum em_loss {
    EM_LOSS_NONE = 0,
    EM_LOSS_NLL,      // mean -ln p of the target's tokens
    EM_LOSS_KL_START, // KL(p || p of the first run of this pass), at subject_last
    EM_LOSS_KL,       // KL(p || reference), at subject_last
};

// One prompt's term of its group's loss.
struct em_term {
    enum em_loss loss;
    float weight;
    int lens; // 1 + layer whose output is read through final norm and head; 0: the last
    const float *reference; // [V] log-probabilities, for EM_LOSS_KL
};

struct em_pass {
    const struct em_prompt *prompts; // [P], each names its group
    int num_prompts, num_groups;
    const struct em_probe *probes;
    int num_probes;
    const struct em_term *terms; // [P]; required if any probe asks for a gradient
    float *losses;               // out [P], unweighted value of each term, or NULL
    struct em_answer *answers;   // out [P], of each prompt's target, or NULL
    float *log_probs;            // out [P, V], of the token after subject_last, or NULL
    bool unedited;               // run on the model without its edits
};

// Run once. Split by the runtime where memory asks for it.
EM_EXPORT EM_MUST_CHECK enum em_status em_run(struct em_session *s, const struct em_pass *pass);

// Called after a run for each active group: changes the group's `add` vectors in place;
// true: run the group again. `losses` and `grad` of its rows and group are those of this run.
typedef bool em_step(void *user, int group, int iteration);

// Run again and again until every group is done. The runtime works through chunks of groups that
// fit in memory, each to its end; what does not depend on an `add` is computed once.
EM_EXPORT EM_MUST_CHECK enum em_status em_iterate(struct em_session *s, const struct em_pass *pass,
                                                  em_step *step, void *user);

// W += sum_i left_i right_i^T, with left [n, rows of W] and right [n, cols of W].
EM_EXPORT EM_MUST_CHECK enum em_status em_weight_add(struct em_session *s, enum em_matrix m,
                                                     int layer, const float *left,
                                                     const float *right, int n);

// Copy W to `out`, or replace it, [rows, cols].
EM_EXPORT EM_MUST_CHECK enum em_status em_weight_read(struct em_session *s, enum em_matrix m,
                                                      int layer, float *out);
EM_EXPORT EM_MUST_CHECK enum em_status em_weight_write(struct em_session *s, enum em_matrix m,
                                                       int layer, const float *w);

// How far W has moved from the unedited W0: ||W - W0||_F and ||W0||_F; both 0 where it has not been
// edited.
EM_EXPORT EM_MUST_CHECK enum em_status em_weight_change(struct em_session *s, enum em_matrix m,
                                                        int layer, double *change,
                                                        double *original);

// The second moment C [F, F] of EM_SITE_MLP_KEY over the experiment's corpus, on the unedited
// model. Measured once, factored once, cached on disk.
//   em_whiten:           half_i = L^-1 key_i and full_i = C^-1 key_i for n keys [n, F], C = L L^T;
//                        either may be NULL
//   em_whiten_back:      each of n rows [n, F] becomes L^-T row; half becomes full
//   em_covariance_eigen: eigenvalues [F], ascending, and eigenvectors as rows [F, F]
EM_EXPORT EM_MUST_CHECK enum em_status em_whiten(struct em_session *s, int layer, const float *keys,
                                                 int n, double *half, double *full);
EM_EXPORT EM_MUST_CHECK enum em_status em_whiten_back(struct em_session *s, int layer, double *rows,
                                                      int n);
EM_EXPORT EM_MUST_CHECK enum em_status em_covariance(struct em_session *s, int layer,
                                                     const double **c);
EM_EXPORT EM_MUST_CHECK enum em_status em_covariance_eigen(struct em_session *s, int layer,
                                                           const double **values,
                                                           const double **vectors);

// Values of a fact, kept by content: the key is made of the fact, `name`, the options marked
// `prepares`, the model state when the entry point was called, and the numeric profile.
// em_store_get returns false if there is none.
EM_EXPORT bool em_store_get(struct em_session *s, const struct em_fact *fact, const char *name,
                            float *out, size_t count);
EM_EXPORT EM_MUST_CHECK enum em_status em_store_put(struct em_session *s,
                                                    const struct em_fact *fact, const char *name,
                                                    const float *values, size_t count);

// Rows that belong to the edit state: saved, reverted and resumed with the edits.
EM_EXPORT EM_MUST_CHECK enum em_status em_keep(struct em_session *s, const char *name,
                                               const float *rows, int num, int width);
EM_EXPORT EM_MUST_CHECK enum em_status em_kept(struct em_session *s, const char *name,
                                               const float **rows, int *num, int *width);

struct em_pair {                 // a question of em_score
    const char *prompt, *target; // complete; the target is put after the prompt and a space
};

// NLL and arg-max hit of each target after its prompt. What prompts share is computed once.
EM_EXPORT EM_MUST_CHECK enum em_status em_score(struct em_session *s, const struct em_pair *pairs,
                                                int num, struct em_answer *out);

// Text that the model writes after `prompt`, `length` tokens in all, sampled from the top `top_k`
// (1: greedy).
EM_EXPORT EM_MUST_CHECK enum em_status em_generate(struct em_session *s, const char *const *prompts,
                                                   int num, int length, int top_k,
                                                   const char **out);

struct em_entry { // a member of a JSON object
    const char *name;
    double value;
};

// Files that options name:
//   em_read_text:    the whole text
//   em_read_array:   an .npy file of one row of float64 or float32
//   em_read_entries: a JSON object of numbers, in the file's order
EM_EXPORT EM_MUST_CHECK enum em_status em_read_text(struct em_session *s, const char *path,
                                                    char **text);
EM_EXPORT EM_MUST_CHECK enum em_status em_read_array(struct em_session *s, const char *path,
                                                     const double **values, size_t *num);
EM_EXPORT EM_MUST_CHECK enum em_status em_read_entries(struct em_session *s, const char *path,
                                                       struct em_entry **entries, size_t *num);

// Append a number to the named series of this edit in the results; move the progress bar.
EM_EXPORT void em_record(struct em_session *s, const char *series, double value);
EM_EXPORT void em_progress(struct em_session *s, const char *what, int done, int total);

// A line for the run's log, and for the screen where it is verbose.
EM_EXPORT void em_note(struct em_session *s, const char *fmt, ...) EM_PRINTF(2, 3);

// Set the session's error message (the first one wins) and return `status`.
EM_EXPORT enum em_status em_fail(struct em_session *s, enum em_status status, const char *fmt, ...)
    EM_PRINTF(3, 4);

#endif // EM_SESSION_H
