// What the tests of the algorithms share: the small world under edit by the plugins that were
// built, what an update changed, and what its formula is made from, measured anew.

#ifndef TESTS_ALGORITHMS_LAB_H
#define TESTS_ALGORITHMS_LAB_H

#include "fixture.h"

#include "plugin/registry.h"

enum { LAB_FACTS = 4 };

extern const struct em_fact lab_facts[LAB_FACTS];

struct lab {
    struct fixture f;
    struct registry *registry;
    int D, F;
};

void lab_open(struct lab *lab, enum op_matmul matmul);
void lab_close(struct lab *lab);

// cmocka's group fixtures, and the lab of the group on the unedited model.
int lab_begin(void **state);
int lab_end(void **state);
struct lab *lab_of(void **state);

// Options of an algorithm from JSON; what is prepared from now on is theirs.
void *lab_options(struct lab *lab, const char *name, const char *json);
const struct em_algorithm *lab_algorithm(struct lab *lab, const char *name);
enum em_status lab_edit(struct lab *lab, const char *name, const char *json,
                        const struct em_fact *facts, int n);

// Values as if they had been found: z and keys of chance, for facts that differ in their target
// alone. For the options that were set last.
struct em_fact *lab_invent(struct lab *lab, int n);

double *lab_weights(struct lab *lab, int layer);                           // [D, F] as they stand
double *lab_update(struct lab *lab, int layer, const double *before);      // since then [D, F]
void lab_write(struct lab *lab, int layer, const double *dW);              // adds dW [D, F]
int lab_series(struct lab *lab, const char *name, double *out, int space); // what was recorded

struct values { // as the formulas have them: K [F, n], KT [n, F], R [D, n]
    double *K, *KT, *R;
    int n;
};

// The keys of facts at `layer`, measured prompt by prompt on the model as it stands: half the bare
// prompt's, half the mean of the other templates'.
void lab_keys(struct lab *lab, int layer, const struct em_fact *facts, int n, struct values *out);
// (z - output of block z_layer) / layers_left, z as prepared
void lab_residuals(struct lab *lab, int z_layer, int layers_left, const struct em_fact *facts,
                   int n, struct values *out);
// Both at one layer; the keys as prepared, not measured.
struct values lab_prepared(struct lab *lab, int layer, const struct em_fact *facts, int n);

void lab_expect(struct lab *lab, const double *got, const double *want); // updates [D, F]

#endif
