// Dense float64 algebra written for reading: what the closed forms are compared with.

#ifndef TESTS_ALGORITHMS_DENSE_H
#define TESTS_ALGORITHMS_DENSE_H

// x := x A^-1 for each row of x [m, n], by LU with partial pivoting; a [n, n] is overwritten.
void dense_right_divide(double *x, int m, double *a, int n);

// c [m, n] = a [m, k] b [k, n]
void dense_product(const double *a, const double *b, int m, int k, int n, double *c);

// b [n, m] = a^T, a [m, n]
void dense_transpose(const double *a, int m, int n, double *b);

double dense_distance(const double *a, const double *b, int num); // |a - b| / |b|

#endif
