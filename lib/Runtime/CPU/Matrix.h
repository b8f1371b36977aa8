// Decompositions of dense matrices of f64, in memory that the caller gives.
#ifndef FTC_LIB_RUNTIME_CPU_MATRIX_H
#define FTC_LIB_RUNTIME_CPU_MATRIX_H

#include <cstdint>

namespace ftc::cpu {

double dot(const double *a, const double *b, int64_t n);
/// y += factor x
void addScaled(double *y, const double *x, double factor, int64_t n);
void scale(double *x, double factor, int64_t n);
/// (a, b) = (c a + s b, c b - s a), element by element.
void rotate(double *a, double *b, double c, double s, int64_t n);

/// Makes v (n elements, of which v[0] becomes 1) the vector of the reflection I - tau v v^T that maps the old v to
/// (beta, 0, ...). Returns tau, 0 if there is nothing to do.
double makeReflector(double *v, int64_t n, double &beta);

/// Reflections of columns, which are rows of `a` [n][m], m >= n: on return row j holds R's column j above its own
/// place, R's diagonal in `diagonal`, and the reflection's vector from place j on, where v[j] = 1 is written too.
void reduceColumns(double *a, int64_t n, int64_t m, double *tau, double *diagonal);
/// x [m] = Q x, of the reflections that reduceColumns has left.
void applyReflections(const double *a, int64_t n, int64_t m, const double *tau, double *x);

/// The u with a u = y, by elimination with row pivots; a [n][n] is destroyed, y [n][m] becomes u.
void solve(double *a, double *y, int64_t n, int64_t m);

/// The singular value decomposition of b [n][n], which is destroyed: rows of ut and vt [n][n] are the vectors of
/// s [n], unordered. `work`: 6 n. False if it did not converge, which only numbers that are not finite can cause.
bool decomposeSingular(double *b, int64_t n, double *ut, double *s, double *vt, double *work);

/// Eigenvalues w [n], unordered, and vectors, rows of qt [n][n], of the symmetric a [n][n], which is destroyed.
/// `work`: 4 n. False if it did not converge.
bool decomposeSymmetric(double *a, int64_t n, double *w, double *qt, double *work);

} // namespace ftc::cpu

#endif // FTC_LIB_RUNTIME_CPU_MATRIX_H
