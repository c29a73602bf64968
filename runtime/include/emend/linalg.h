// Dense linear algebra in float64 for closed-form editors, by BLAS and LAPACK on the host. Matrices
// are row-major, sizes 1 or more. Memory: all that is passed is the caller's, out parameters do not
// overlap inputs; scratch is the session's. Threads: as the session. Errors: EM_ERR_NUMERIC.

#ifndef EM_LINALG_H
#define EM_LINALG_H

#include <emend/types.h>

struct em_session;

// g = a a^T                                                      a [n, width], g [n, n]
EM_EXPORT void em_gram(const double *a, int n, int width, double *g);

// c = a b                                              a [m, k], b [k, n], c [m, n]
EM_EXPORT void em_product(const double *a, const double *b, int m, int k, int n, double *c);

// c_ij = (row i of a) . (row j of b)                   a [m, k], b [n, k], c [m, n]
EM_EXPORT void em_row_products(const double *a, const double *b, int m, int k, int n, double *c);

// Each row of b becomes x with A x = row, A symmetric positive definite [n, n] and overwritten.
// `condition` receives the reciprocal condition number; 0, and no solution, where A is not positive
// definite in float64.                                           b [m, n]
EM_EXPORT EM_MUST_CHECK enum em_status em_solve(struct em_session *s, double *a, int n, double *b,
                                                int m, double *condition);

// The same with the pseudo-inverse: eigenvalues below `cut` of the largest count as zero.
EM_EXPORT EM_MUST_CHECK enum em_status em_pseudo_solve(struct em_session *s, double *a, int n,
                                                       double *b, int m, double cut);

#endif // EM_LINALG_H
