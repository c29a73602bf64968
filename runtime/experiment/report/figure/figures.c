// The figures of a study, in the order of the page; see figures.h.

#include "experiment/report/figure/figures.h"

void figures_make(const struct study *s, struct figures *out)
{
    figures_add_by_axis(s, out);
    figures_add_rows(s, out);
    figures_add_along(s, out);
    figures_add_norms(s, out);
    figures_add_margins(s, out);
}
