// Norm: how far the weights have moved, ||W - W0||_F / ||W0||_F over all edited matrices together.

#include <emend/plugin.h>

#include <math.h>

static const struct em_option options[] = {{0}};

static enum em_status inspect(struct em_session *s, const void *unused, double *out)
{
    (void) unused;
    double change = 0, original = 0; // squares
    for (int layer = 0; layer < em_model(s)->layers; layer++)
        for (int m = 0; m < EM_MATRIX_COUNT; m++) {
            double moved, from;
            EM_TRY(em_weight_change(s, (enum em_matrix) m, layer, &moved, &from));
            change += moved * moved;
            original += from * from;
        }
    *out = original > 0 ? sqrt(change / original) : 0;
    return EM_OK;
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "norm",
    .label = "dW",
    .unit = "share of the weights' norm",
    .summary = "relative change of the edited matrices, ||W - W0||_F / ||W0||_F",
    .reference = "",
    .scope = EM_PER_STATE,
    .lower_is_better = true,
    .options = options,
    .inspect = inspect,
};
