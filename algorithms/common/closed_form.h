// The closed form of every editor here: the change of a layer's down_proj that moves what n keys
// put out by their residuals R, leaves what held keys put out, and is otherwise the least,
//
//   dW = R [I 0] (H H^T + lambda I)^-1 H B        H [n + held, width]: the keys in coordinates
//
//   coordinates    of a key k    back, x B    with                          used by
//   whitened       L^-1 k        L^-T x       C = L L^T                     MEMIT, EMMET, ROME
//   plain          k             x                                          ROME without C
//   basis          U^T k         U x          U orthonormal [F, width]      AlphaEdit
//
// It is solved on the side of the keys or, where they are more than the coordinates, on the other:
// (H H^T + lambda I)^-1 H = H (H^T H + lambda I)^-1. All of it in float64, rounded at the end.

#ifndef COMMON_CLOSED_FORM_H
#define COMMON_CLOSED_FORM_H

#include <emend/plugin.h>

enum coordinates { COORDINATES_WHITENED, COORDINATES_PLAIN, COORDINATES_BASIS };
enum equal_keys { EQUAL_KEYS_ERROR, EQUAL_KEYS_PINV };

extern const char *const equal_keys_choices[];

struct closed_form {
    int layer;
    enum coordinates coordinates;
    const double *basis; // U^T [width, F]
    int width;           // of the basis
    const float *held;   // [num_held, F]
    int num_held;
    double lambda;
    int equal_keys;   // what happens where keys are dependent and lambda is too small for them
    const char *cure; // what the user can do about it: "lambda > 0"
};

// Adds the update to the layer; records update_norm, ||dW||, and update_share, ||dW|| / ||W||.
//                                                              keys [n, F], residuals [n, D]
EM_MUST_CHECK enum em_status closed_form_write(struct em_session *s, const struct closed_form *form,
                                               const struct em_fact *facts, const float *keys,
                                               const double *residuals, int n);

// The inner product of two keys [F] in the form's coordinates: a^T C^-1 b of whitened ones.
EM_MUST_CHECK enum em_status closed_form_inner(struct em_session *s, const struct closed_form *form,
                                               const float *a, const float *b, double *product);

#endif
