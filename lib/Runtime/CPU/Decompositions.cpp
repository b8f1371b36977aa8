// Matrix kernels: elements are converted to f64, decomposed, ordered, and converted back.

#include "ftc/Runtime/CPU/Decompositions.h"

#include "Matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

using namespace ftc::cpu;

namespace {
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Item `item` of a buffer of matrices of `size` elements.
template <typename T> T *at(void *buffer, int64_t item, int64_t size) { return static_cast<T *>(buffer) + item * size; }

/// The largest absolute value; NaN if one is not finite.
template <typename T> double largest(const T *x, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i]))
      return nan;
    most = std::max(most, std::fabs(double(x[i])));
  }
  return most;
}

template <typename T> void solveItems(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t n = immediates[0], m = immediates[1];
  for (int64_t item = lo; item < hi; ++item) {
    double *a = at<double>(buffers[3], item, ftc_solve_workspace(n, m)), *y = a + n * n;
    const T *matrix = at<T>(buffers[0], item, n * n), *right = at<T>(buffers[1], item, n * m);
    std::copy(matrix, matrix + n * n, a);
    std::copy(right, right + n * m, y);
    solve(a, y, n, m);
    std::copy(y, y + n * m, at<T>(buffers[2], item, n * m));
  }
}

template <typename T> void decomposeQR(const T *x, T *q, T *r, int64_t m, int64_t n, double *work) {
  double *a = work, *tau = a + n * m, *diagonal = tau + n, *vector = diagonal + n;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      a[j * m + i] = x[i * n + j];
  reduceColumns(a, n, m, tau, diagonal);
  for (int64_t j = 0; j < n; ++j) {
    double sign = diagonal[j] < 0 ? -1 : 1;
    std::fill(vector, vector + m, 0.0);
    vector[j] = sign;
    applyReflections(a, n, m, tau, vector);
    for (int64_t i = 0; i < m; ++i)
      q[i * n + j] = T(vector[i]);
    for (int64_t column = 0; column < n; ++column)
      r[j * n + column] = T(column < j ? 0 : sign * (column == j ? diagonal[j] : a[column * m + j]));
  }
}

template <typename T> void qrItems(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t m = immediates[0], n = immediates[1];
  for (int64_t item = lo; item < hi; ++item)
    decomposeQR(at<T>(buffers[0], item, m * n), at<T>(buffers[1], item, m * n), at<T>(buffers[2], item, n * n), m, n,
                at<double>(buffers[3], item, ftc_qr_workspace(m, n)));
}

/// 1, or -1 if the entry of the largest absolute value is negative.
double signOf(const double *vector, int64_t n) {
  const double *most =
      std::max_element(vector, vector + n, [](double a, double b) { return std::fabs(a) < std::fabs(b); });
  return *most < 0 ? -1 : 1;
}

/// One singular value decomposition; `tall` holds x, or its transpose if that has more rows.
template <typename T> class SingularValues {
public:
  SingularValues(const T *x, int64_t m, int64_t n, double *work)
      : x(x), m(m), n(n), few(std::min(m, n)), many(std::max(m, n)), tall(work), square(tall + few * many),
        ut(square + few * few), vt(ut + few * few), tau(vt + few * few), s(tau + few), work(s + few),
        vector(this->work + 6 * few) {}

  void run(T *u, T *values, T *v, int64_t k) {
    double unit = largest(x, m * n);
    if (std::isnan(unit) || !decompose(unit > 0 ? 1 / unit : 1)) {
      std::fill(u, u + m * k, T(nan));
      std::fill(values, values + k, T(nan));
      std::fill(v, v + k * n, T(nan));
      return;
    }
    for (int64_t i = 0; i < k; ++i) {
      int64_t next = std::max_element(s, s + few) - s;
      values[i] = T(unit * std::exchange(s[next], -1.0));
      store(next, i, u, v, k);
    }
  }

private:
  bool decompose(double factor) {
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j)
        tall[m < n ? i * many + j : j * many + i] = factor * x[i * n + j];
    double *diagonal = work;
    reduceColumns(tall, few, many, tau, diagonal);
    for (int64_t i = 0; i < few; ++i)
      for (int64_t j = 0; j < few; ++j)
        square[i * few + j] = j < i ? 0 : j == i ? diagonal[i] : tall[j * many + i];
    return decomposeSingular(square, few, ut, s, vt, work);
  }

  /// Pair `from` becomes number `to` of the results.
  void store(int64_t from, int64_t to, T *u, T *v, int64_t k) {
    std::copy(ut + from * few, ut + (from + 1) * few, vector);
    std::fill(vector + few, vector + many, 0.0);
    applyReflections(tall, few, many, tau, vector);
    const double *left = m < n ? vt + from * few : vector, *right = m < n ? vector : vt + from * few;
    double sign = signOf(left, m);
    for (int64_t i = 0; i < m; ++i)
      u[i * k + to] = T(sign * left[i]);
    for (int64_t j = 0; j < n; ++j)
      v[to * n + j] = T(sign * right[j]);
  }

  const T *x;
  int64_t m, n, few, many;
  double *tall, *square, *ut, *vt, *tau, *s, *work, *vector;
};

template <typename T> void svdItems(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t m = immediates[0], n = immediates[1], k = immediates[2];
  for (int64_t item = lo; item < hi; ++item)
    SingularValues<T>(at<T>(buffers[0], item, m * n), m, n, at<double>(buffers[4], item, ftc_svd_workspace(m, n)))
        .run(at<T>(buffers[1], item, m * k), at<T>(buffers[2], item, k), at<T>(buffers[3], item, k * n), k);
}

template <typename T> void decomposeSymmetricItem(const T *x, T *values, T *q, int64_t n, int64_t k, double *work) {
  double *a = work, *qt = a + n * n, *w = qt + n * n, unit = largest(x, n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      a[i * n + j] = (double(x[i * n + j]) + double(x[j * n + i])) / 2 / (unit > 0 ? unit : 1);
  if (std::isnan(unit) || !decomposeSymmetric(a, n, w, qt, w + n)) {
    std::fill(values, values + k, T(nan));
    std::fill(q, q + n * k, T(nan));
    return;
  }
  for (int64_t i = 0; i < k; ++i) {
    int64_t next = std::max_element(w, w + n) - w;
    values[i] = T(unit * std::exchange(w[next], -std::numeric_limits<double>::infinity()));
    double sign = signOf(qt + next * n, n);
    for (int64_t row = 0; row < n; ++row)
      q[row * k + i] = T(sign * qt[next * n + row]);
  }
}

template <typename T> void eighItems(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t n = immediates[0], k = immediates[1];
  for (int64_t item = lo; item < hi; ++item)
    decomposeSymmetricItem(at<T>(buffers[0], item, n * n), at<T>(buffers[1], item, k), at<T>(buffers[2], item, n * k),
                           n, k, at<double>(buffers[3], item, ftc_eigh_workspace(n)));
}
} // namespace

extern "C" void ftc_solve_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  solveItems<float>(buffers, immediates, lo, hi);
}
extern "C" void ftc_solve_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  solveItems<double>(buffers, immediates, lo, hi);
}
extern "C" void ftc_qr_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  qrItems<float>(buffers, immediates, lo, hi);
}
extern "C" void ftc_qr_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  qrItems<double>(buffers, immediates, lo, hi);
}
extern "C" void ftc_svd_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  svdItems<float>(buffers, immediates, lo, hi);
}
extern "C" void ftc_svd_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  svdItems<double>(buffers, immediates, lo, hi);
}
extern "C" void ftc_eigh_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  eighItems<float>(buffers, immediates, lo, hi);
}
extern "C" void ftc_eigh_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  eighItems<double>(buffers, immediates, lo, hi);
}
