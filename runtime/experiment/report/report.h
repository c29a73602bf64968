// Reports of runs and sweeps: sweep.csv, table.txt, table.tex, figures/*.svg, and report.html, one
// file that holds all of them and needs no network. The same folders give the same bytes.

#ifndef EXPERIMENT_REPORT_H
#define EXPERIMENT_REPORT_H

#include "base/arena.h"
#include "base/log.h"

struct report_params {
    struct log *log;
    struct arena *arena;        // of what is returned
    const char *const *folders; // run folders and sweep folders [num_folders]
    int num_folders;
    const char *out; // folder; NULL: the one folder that is given
};

struct report {
    const char *page;  // path of report.html
    const char *table; // of table.txt, as text
    int points, missing, figures;
    // Why there are no figures, or NULL: gnuplot is not there. All else is written without them.
    const char *undrawn;
};

EM_MUST_CHECK enum em_status experiment_report(const struct report_params *params,
                                               struct report *out);

#endif
