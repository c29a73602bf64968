// Dense float64 algebra; see dense.h.

#include "dense.h"

#include <math.h>

static void swap(double *a, double *b)
{
    const double x = *a;
    *a = *b;
    *b = x;
}

// x A = y, so A^T x^T = y^T: Gaussian elimination on the columns of A.
void dense_right_divide(double *x, int m, double *a, int n)
{
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int j = k + 1; j < n; j++)
            if (fabs(a[k * n + j]) > fabs(a[k * n + pivot]))
                pivot = j;
        for (int i = 0; i < n; i++)
            swap(&a[i * n + k], &a[i * n + pivot]);
        for (int r = 0; r < m; r++)
            swap(&x[r * n + k], &x[r * n + pivot]);
        for (int j = k + 1; j < n; j++) {
            const double f = a[k * n + j] / a[k * n + k];
            for (int i = k; i < n; i++)
                a[i * n + j] -= f * a[i * n + k];
            for (int r = 0; r < m; r++)
                x[r * n + j] -= f * x[r * n + k];
        }
    }
    for (int r = 0; r < m; r++)
        for (int k = n - 1; k >= 0; k--) {
            for (int j = k + 1; j < n; j++)
                x[r * n + k] -= x[r * n + j] * a[j * n + k];
            x[r * n + k] /= a[k * n + k];
        }
}

void dense_product(const double *a, const double *b, int m, int k, int n, double *c)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int l = 0; l < k; l++)
                sum += a[i * k + l] * b[l * n + j];
            c[i * n + j] = sum;
        }
}

void dense_transpose(const double *a, int m, int n, double *b)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            b[j * m + i] = a[i * n + j];
}

double dense_distance(const double *a, const double *b, int num)
{
    double apart = 0, norm = 0;
    for (int i = 0; i < num; i++) {
        apart += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return sqrt(apart / norm);
}
