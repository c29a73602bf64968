// Factors and eigenvectors of symmetric matrices in float64, for the files of this folder.

#ifndef SESSION_LINALG_H
#define SESSION_LINALG_H

#include "session/internal.h"

// a [n, n] becomes its lower Cholesky factor (column-major); `condition` as in em_solve.
EM_MUST_CHECK enum em_status linalg_factor(struct em_session *s, double *a, int n,
                                           double *condition);
// a [n, n] becomes its eigenvectors as rows, `values` [n] ascending.
EM_MUST_CHECK enum em_status linalg_eigen(struct em_session *s, double *a, int n, double *values);

#endif
