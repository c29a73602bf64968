// <emend/linalg.h> on LAPACK, and what the covariance shares with it.

#include "session/moment/linalg.h"

#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include <emend/linalg.h>

#include "session/moment/lapack.h"

void em_gram(const double *a, int n, int width, double *g)
{
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, n, width, 1, a, width, 0, g, n);
    for (size_t i = 0; i < (size_t) n; i++)
        for (size_t j = i + 1; j < (size_t) n; j++)
            g[j * (size_t) n + i] = g[i * (size_t) n + j];
}

void em_product(const double *a, const double *b, int m, int k, int n, double *c)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
}

void em_row_products(const double *a, const double *b, int m, int k, int n, double *c)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, k, b, k, 0, c, n);
}

// The 1-norm of a symmetric matrix.
static double norm_1(const double *a, int n)
{
    double most = 0;
    for (size_t j = 0; j < (size_t) n; j++) {
        const double sum = cblas_dasum(n, a + j * (size_t) n, 1);
        most = sum > most ? sum : most;
    }
    return most;
}

enum em_status linalg_factor(struct em_session *s, double *a, int n, double *condition)
{
    double *work = malloc(3 * (size_t) n * sizeof(*work));
    int *iwork = malloc((size_t) n * sizeof(*iwork)), info = 0;
    enum em_status status = EM_OK;
    *condition = 0;
    if (!work || !iwork) {
        status = em_fail(s, EM_ERR_IO, "out of host memory for a condition number");
    } else {
        const double norm = norm_1(a, n);
        dpotrf_("L", &n, a, &n, &info, 1);
        if (info == 0)
            dpocon_("L", &n, a, &n, &norm, condition, work, iwork, &info, 1);
    }
    free(work);
    free(iwork);
    return status;
}

enum em_status linalg_eigen(struct em_session *s, double *a, int n, double *values)
{
    double best, *work;
    int info, lwork = -1, liwork = -1, most, *iwork;
    dsyevd_("V", "L", &n, a, &n, values, &best, &lwork, &most, &liwork, &info, 1, 1);
    lwork = (int) best;
    liwork = most;
    work = malloc((size_t) lwork * sizeof(*work));
    iwork = malloc((size_t) liwork * sizeof(*iwork));
    enum em_status status = EM_OK;
    if (!work || !iwork) {
        status = em_fail(s, EM_ERR_IO, "out of host memory for %d eigenvectors", n);
    } else {
        dsyevd_("V", "L", &n, a, &n, values, work, &lwork, iwork, &liwork, &info, 1, 1);
        if (info != 0)
            status = em_fail(s, EM_ERR_NUMERIC,
                             "the eigenvectors of a %d x %d matrix did not converge", n, n);
    }
    free(work);
    free(iwork);
    return status;
}

enum em_status em_solve(struct em_session *s, double *a, int n, double *b, int m, double *condition)
{
    int info;
    EM_TRY(linalg_factor(s, a, n, condition));
    if (*condition > 0) // rows of b are columns to LAPACK
        dpotrs_("L", &n, &m, a, &n, b, &n, &info, 1);
    return EM_OK;
}

enum em_status em_pseudo_solve(struct em_session *s, double *a, int n, double *b, int m, double cut)
{
    const size_t N = (size_t) n, M = (size_t) m;
    double *values = em_doubles(s, N), *along = em_doubles(s, M * N);
    EM_TRY(linalg_eigen(s, a, n, values)); // a now holds eigenvectors as rows
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, n, 1, b, n, a, n, 0, along, n);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++)
            along[i * N + j] *= values[j] > cut * values[N - 1] ? 1 / values[j] : 0;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, n, 1, along, n, a, n, 0, b, n);
    return EM_OK;
}
