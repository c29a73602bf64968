// A run in progress, shared by the files of this folder only.
//
// Batch by batch: the facts are edited together, the change is saved (edits/), the batch's
// questions are asked (cases.jsonl), and where the schedule says so the model as it stands is
// measured (states.jsonl) and asked about every fact so far (retained.jsonl). Then the change is
// taken back, or kept in the sequential modes. Each journal grows in this order, so that what is
// there says where a run that was cut off goes on.

#ifndef EXPERIMENT_RUN_H
#define EXPERIMENT_RUN_H

#include "base/text/json.h"
#include "experiment/internal.h"

#define RUN_BEFORE "before.jsonl"
#define RUN_CASES "cases.jsonl"
#define RUN_RETAINED "retained.jsonl"
#define RUN_STATES "states.jsonl"
#define RUN_EDITS "edits" // folders of a file a batch
#define RUN_PARTS "values"
#define RUN_VALUES "values.safetensors"

struct run {
    struct experiment *e;
    struct em_reply **replies; // [cases][questions], of the newest evaluation
    cJSON **before;            // [cases] "pre" of each case; NULL: not asked for
    bool keeps;                // edits stay in the model
    int prepared;              // cases that the algorithm has prepared
    int done;                  // cases in their journal, of whole batches
    int retained, states;      // lines in these journals
    int edited;                // in this process
};

struct lines { // of a journal
    const char *name;
    const char **at;
    int num;
};

const char *run_file(const struct run *r, const char *name);
// Of the batch of case `first`, in one of the folders.
const char *run_batch_file(const struct run *r, const char *folder, int first);
int run_batch_end(const struct run *r, int first);

// The whole lines of a journal, of which there may be `most`.
EM_MUST_CHECK enum em_status run_read_lines(const struct run *r, const char *name, int most,
                                            struct lines *out);
// Parses line `number` and checks that it is about case i.
EM_MUST_CHECK enum em_status run_parse_line(const struct run *r, const struct lines *lines,
                                            int number, int i, struct json *out);

// The unedited model's answers.
EM_MUST_CHECK enum em_status run_before(struct run *r);

// Edits the batch of cases [first, end), saves the change and asks the batch's questions. The
// change stays in the model.
EM_MUST_CHECK enum em_status run_batch(struct run *r, int first, int end);

// Measures the unedited model, if that is asked for and not in the journal yet.
EM_MUST_CHECK enum em_status run_unedited_state(struct run *r);
// Measures the model with the batch of cases [first, end) in force, if that is due and not in the
// journals yet.
EM_MUST_CHECK enum em_status run_state(struct run *r, int first, int end);
bool run_state_is_due(const struct run *r, int first, int end);
bool run_state_is_missing(const struct run *r, int end); // of a batch that ends there, or before
// Lines of retained.jsonl and states.jsonl of all batches before case `first`.
int run_retained_lines(const struct run *r, int first);
int run_states_lines(const struct run *r, int first);

// Of export.values: in the call of a batch's apply, the values it was edited with; at the end, all
// in RUN_VALUES. Whether a batch of an earlier process has left its own.
EM_MUST_CHECK enum em_status run_values_save(struct run *r, int first, int end);
EM_MUST_CHECK enum em_status run_values_finish(struct run *r);
bool run_values_fit(const struct run *r, int first);

// summary.json and timing.json, from the journals.
EM_MUST_CHECK enum em_status run_results(struct run *r);

#endif
