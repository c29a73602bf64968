// A sweep: the points of an experiment's grid, each a run with a folder of its own, worked through
// one after another by one process that loads the model once. An experiment without a sweep is one
// point, whose folder is the experiment's own.
//
// runs/NAME/sweep.json: {"name", "about", "experiment": the first point's, resolved,
// "axes": [{"path", "values"}], "points": [{"folder", "values": {path: value}}], "reference"?}.

#ifndef EXPERIMENT_SWEEP_H
#define EXPERIMENT_SWEEP_H

#include "experiment/experiment.h"

struct sweep;

// Resolves and validates every point, as experiment_open does.
struct sweep *sweep_open(const struct experiment_params *params);
void sweep_destroy(struct sweep **s);

const char *sweep_folder(const struct sweep *s);
int sweep_num_points(const struct sweep *s);   // 0: the experiment has no sweep
bool sweep_is_finished(const struct sweep *s); // every point, whoever ran it
// The resolved experiment, or what sweep.json holds.
const cJSON *sweep_json(const struct sweep *s);

// Shows the points with the time and the memory that they will take, and runs nothing.
EM_MUST_CHECK enum em_status sweep_plan(struct sweep *s, int only, FILE *to, bool json);

// Shows the operations and bytes of all points, and the time that they take at least on a chip:
// "h100", or "TFLOPS:GB/S". No device is needed.
EM_MUST_CHECK enum em_status sweep_floor(struct sweep *s, const char *chip, FILE *to, bool json);

// Runs what is not finished: point `only` alone, or all (-1). A point that fails is said, and the
// others are run; then it is an error. Points that another process works at are left to it.
EM_MUST_CHECK enum em_status sweep_run(struct sweep *s, int only);

// The table of the finished points, or of the one run; for people or as JSON.
EM_MUST_CHECK enum em_status sweep_print(const struct sweep *s, FILE *to, bool json);

#endif
