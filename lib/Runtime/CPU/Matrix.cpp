#include "Matrix.h"

#include <algorithm>
#include <cmath>

namespace ftc::cpu {

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

double dot(const double *a, const double *b, int64_t n) {
  constexpr int lanes = 16; // independent sums, so that the compiler may use vectors
  double sums[lanes] = {};
  int64_t whole = n / lanes * lanes;
  for (int64_t i = 0; i < whole; i += lanes)
    for (int lane = 0; lane < lanes; ++lane)
      sums[lane] += a[i + lane] * b[i + lane];
  double total = 0;
  for (double sum : sums)
    total += sum;
  for (int64_t i = whole; i < n; ++i)
    total += a[i] * b[i];
  return total;
}

void addScaled(double *y, const double *x, double factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    y[i] += factor * x[i];
}

void scale(double *x, double factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    x[i] *= factor;
}

void rotate(double *a, double *b, double c, double s, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    double x = a[i], y = b[i];
    a[i] = c * x + s * y;
    b[i] = c * y - s * x;
  }
}

//===----------------------------------------------------------------------===//
// Reflections
//===----------------------------------------------------------------------===//

double makeReflector(double *v, int64_t n, double &beta) {
  double alpha = v[0], rest = n > 1 ? std::sqrt(dot(v + 1, v + 1, n - 1)) : 0;
  v[0] = 1;
  beta = alpha;
  if (rest == 0)
    return 0;
  beta = -std::copysign(std::hypot(alpha, rest), alpha);
  scale(v + 1, 1 / (alpha - beta), n - 1);
  return (beta - alpha) / beta;
}

/// x -= tau v (v^T x)
static void reflect(const double *v, double tau, double *x, int64_t n) {
  if (tau != 0)
    addScaled(x, v, -tau * dot(v, x, n), n);
}

void reduceColumns(double *a, int64_t n, int64_t m, double *tau, double *diagonal) {
  // So many reflections are applied to a column while it is in the first cache.
  constexpr int64_t panel = 32;
  for (int64_t first = 0; first < n; first += panel) {
    int64_t last = std::min(first + panel, n);
    for (int64_t column = first; column < n; ++column) {
      double *x = a + column * m;
      for (int64_t j = first; j < std::min(column, last); ++j)
        reflect(a + j * m + j, tau[j], x + j, m - j);
      if (column < last)
        tau[column] = makeReflector(x + column, m - column, diagonal[column]);
    }
  }
}

void applyReflections(const double *a, int64_t n, int64_t m, const double *tau, double *x) {
  for (int64_t j = n - 1; j >= 0; --j)
    reflect(a + j * m + j, tau[j], x + j, m - j);
}

//===----------------------------------------------------------------------===//
// Elimination
//===----------------------------------------------------------------------===//

void solve(double *a, double *y, int64_t n, int64_t m) {
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k]))
        pivot = i;
    if (pivot != k) {
      std::swap_ranges(a + k * n + k, a + (k + 1) * n, a + pivot * n + k);
      std::swap_ranges(y + k * m, y + (k + 1) * m, y + pivot * m);
    }
    for (int64_t i = k + 1; i < n; ++i) {
      double factor = -a[i * n + k] / a[k * n + k];
      addScaled(a + i * n + k + 1, a + k * n + k + 1, factor, n - k - 1);
      addScaled(y + i * m, y + k * m, factor, m);
    }
  }
  for (int64_t k = n - 1; k >= 0; --k) {
    for (int64_t i = k + 1; i < n; ++i)
      addScaled(y + k * m, y + i * m, -a[k * n + i], m);
    scale(y + k * m, 1 / a[k * n + k], m);
  }
}

//===----------------------------------------------------------------------===//
// Symmetric matrices: reflections to three diagonals, then implicit QL steps (EISPACK's tred2 and tql2)
//===----------------------------------------------------------------------===//

/// a becomes d on the diagonal and e beside it (e[i] between i and i + 1); qt the product of the reflections.
static void reduceSymmetric(double *a, int64_t n, double *d, double *e, double *qt, double *p) {
  double *tau = p + n;
  for (int64_t k = 0; k + 2 < n; ++k) {
    double *v = a + k * n + k + 1; // row k beside the diagonal keeps the vector
    int64_t rest = n - k - 1;
    tau[k] = makeReflector(v, rest, e[k]);
    if (tau[k] == 0)
      continue;
    for (int64_t i = 0; i < rest; ++i)
      p[i] = tau[k] * dot(a + (k + 1 + i) * n + k + 1, v, rest);
    addScaled(p, v, -0.5 * tau[k] * dot(p, v, rest), rest);
    for (int64_t i = 0; i < rest; ++i) {
      double *row = a + (k + 1 + i) * n + k + 1;
      addScaled(row, p, -v[i], rest);
      addScaled(row, v, -p[i], rest);
    }
  }
  for (int64_t i = 0; i < n; ++i)
    d[i] = a[i * n + i];
  if (n > 1)
    e[n - 2] = a[(n - 2) * n + n - 1];
  e[n - 1] = 0;
  std::fill(qt, qt + n * n, 0.0);
  for (int64_t i = 0; i < n; ++i)
    qt[i * n + i] = 1;
  for (int64_t k = n - 3; k >= 0; --k)
    for (int64_t i = k + 1; i < n; ++i)
      reflect(a + k * n + k + 1, tau[k], qt + i * n + k + 1, n - k - 1);
}

/// One implicit QL step on the places l to m.
static void stepQL(double *d, double *e, double *qt, int64_t n, int64_t l, int64_t m, double &shift) {
  double g = d[l], p = (d[l + 1] - g) / (2 * e[l]), r = std::copysign(std::hypot(p, 1.0), p);
  d[l] = e[l] / (p + r);
  d[l + 1] = e[l] * (p + r);
  double next = d[l + 1], h = g - d[l], after = e[l + 1];
  for (int64_t i = l + 2; i < n; ++i)
    d[i] -= h;
  shift += h;
  p = d[m];
  double c = 1, c2 = 1, c3 = 1, s = 0, s2 = 0;
  for (int64_t i = m - 1; i >= l; --i) {
    c3 = c2;
    c2 = c;
    s2 = s;
    g = c * e[i];
    h = c * p;
    r = std::hypot(p, e[i]);
    e[i + 1] = s * r;
    s = e[i] / r;
    c = p / r;
    p = c * d[i] - s * g;
    d[i + 1] = h + s * (c * g + s * d[i]);
    rotate(qt + (i + 1) * n, qt + i * n, c, s, n);
  }
  p = -s * s2 * c3 * after * e[l] / next;
  e[l] = s * p;
  d[l] = c * p;
}

static constexpr double epsilon = 0x1p-52;
static constexpr int mostSteps = 200;

bool decomposeSymmetric(double *a, int64_t n, double *w, double *qt, double *work) {
  double *e = work, shift = 0, largest = 0;
  reduceSymmetric(a, n, w, e, qt, work + n);
  for (int64_t l = 0; l < n; ++l) {
    largest = std::max(largest, std::fabs(w[l]) + std::fabs(e[l]));
    int64_t m = l;
    while (m < n - 1 && !(std::fabs(e[m]) <= epsilon * largest))
      ++m;
    for (int step = 0; m > l && !(std::fabs(e[l]) <= epsilon * largest); ++step) {
      if (step == mostSteps)
        return false;
      stepQL(w, e, qt, n, l, m, shift);
    }
    w[l] += shift;
    e[l] = 0;
  }
  return true;
}

} // namespace ftc::cpu
