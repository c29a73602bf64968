// S: the harmonic mean of the means of ES, PS and NS; of the three means, never of single cases.

#include <emend/plugin.h>

enum { NUM_READS = 3 };
static const char *const reads[NUM_READS + 1] = {"efficacy", "paraphrase", "neighborhood", NULL};
static const struct em_option options[] = {{0}};

static double derive(const double *means)
{
    double sum = 0;
    for (int i = 0; i < NUM_READS; i++) {
        if (means[i] <= 0)
            return 0; // the limit, as the published tables have it
        sum += 1 / means[i];
    }
    return NUM_READS / sum;
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "score",
    .label = "S",
    .summary = "harmonic mean of ES, PS and NS",
    .reference = "Meng et al. 2022, Locating and Editing Factual Associations in GPT",
    .scope = EM_DERIVED,
    .reads = reads,
    .options = options,
    .derive = derive,
};
