// What is computed from a covariance: its Cholesky factor, solves and eigenvectors, in float64
// (numerics section 4). The factor is made once a layer.

#include "session/internal.h"

#include <stdlib.h>
#include <string.h>

#include <cblas.h>

// LAPACK, as OpenBLAS exports it (Fortran: everything by reference, column-major).
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t len);
void dpocon_(const char *uplo, const int *n, const double *a, const int *lda, const double *anorm,
             double *rcond, double *work, int *iwork, int *info, size_t len);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t jlen,
             size_t ulen);

static const double worst_condition = 1e-10; // reciprocal

static double norm_1(const double *c, int n)
{
    double most = 0;
    for (int j = 0; j < n; j++) {
        const double sum = cblas_dasum(n, c + j, n);
        most = sum > most ? sum : most;
    }
    return most;
}

static enum em_status factor(struct em_session *s, int layer)
{
    struct covariance *c = &s->covariances[layer];
    if (c->factor)
        return EM_OK;
    const double *moment;
    EM_TRY(em_covariance(s, layer, &moment));
    const int n = s->config->ffn;
    const size_t num = (size_t) n * (size_t) n;
    double *l, *work = malloc(3 * (size_t) n * sizeof(*work)), rcond = 0;
    int *iwork = malloc((size_t) n * sizeof(*iwork)), info = 0;
    enum em_status status = session_matrix(s, num, &l);
    if (status == EM_OK && (!work || !iwork))
        status = em_fail(s, EM_ERR_IO, "out of host memory for a condition number");
    if (status == EM_OK) {
        memcpy(l, moment, num * sizeof(double));
        const double norm = norm_1(moment, n);
        dpotrf_("L", &n, l, &n, &info, 1);
        if (info == 0)
            dpocon_("L", &n, l, &n, &norm, &rcond, work, iwork, &info, 1);
        if (info != 0 || rcond < worst_condition)
            status =
                em_fail(s, EM_ERR_NUMERIC,
                        "the covariance of layer %d is not positive definite enough (reciprocal "
                        "condition %.1e, at least %.0e is needed); measure it over more text "
                        "(covariance.tokens)",
                        layer, rcond, worst_condition);
    }
    free(work);
    free(iwork);
    if (status == EM_OK)
        c->factor = l;
    else
        free(l);
    return status;
}

enum em_status em_whiten(struct em_session *s, int layer, const float *keys, int n, double *half,
                         double *full)
{
    EM_TRY(factor(s, layer));
    const int F = s->config->ffn;
    const size_t num = (size_t) n * (size_t) F;
    double *x = half ? half : em_doubles(s, num);
    for (size_t i = 0; i < num; i++)
        x[i] = keys[i];
    // Keys are rows here, and columns to the column-major factor.
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, F, n, 1,
                s->covariances[layer].factor, F, x, F);
    if (!full)
        return EM_OK;
    memcpy(full, x, num * sizeof(double));
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, F, n, 1,
                s->covariances[layer].factor, F, full, F);
    return EM_OK;
}

enum em_status em_covariance_eigen(struct em_session *s, int layer, const double **values,
                                   const double **vectors)
{
    struct covariance *c = &s->covariances[layer];
    const double *moment;
    EM_TRY(em_covariance(s, layer, &moment));
    const int n = s->config->ffn;
    if (!c->vectors) {
        double *v, *w, *work = NULL, best;
        EM_TRY(session_matrix(s, (size_t) n * (size_t) n, &v));
        EM_TRY(session_matrix(s, (size_t) n, &w));
        memcpy(v, moment, (size_t) n * (size_t) n * sizeof(double));
        int info, lwork = -1, liwork = -1, most, *iwork = NULL;
        dsyevd_("V", "L", &n, v, &n, w, &best, &lwork, &most, &liwork, &info, 1, 1);
        lwork = (int) best;
        liwork = most;
        work = malloc((size_t) lwork * sizeof(*work));
        iwork = malloc((size_t) liwork * sizeof(*iwork));
        if (!work || !iwork)
            abort(); // beside the matrix itself
        dsyevd_("V", "L", &n, v, &n, w, work, &lwork, iwork, &liwork, &info, 1, 1);
        free(work);
        free(iwork);
        c->values = w;
        c->vectors = v;
        if (info != 0)
            return em_fail(s, EM_ERR_NUMERIC, "the eigenvectors of layer %d did not converge",
                           layer);
    }
    *values = c->values;
    *vectors = c->vectors;
    return EM_OK;
}
