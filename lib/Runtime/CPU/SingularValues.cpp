// Singular values by Golub and Kahan: reflections to two diagonals, then implicit QR steps (LINPACK's dsvdc).

#include "Matrix.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ftc::cpu {

namespace {
constexpr double epsilon = 0x1p-52, tiny = 0x1p-966;
constexpr int mostSteps = 200;

void reflect(const double *v, double tau, double *x, int64_t n) {
  if (tau != 0)
    addScaled(x, v, -tau * dot(v, x, n), n);
}

/// b = u [s, e] vt: s on the diagonal, e above it.
class Bidiagonal {
public:
  Bidiagonal(double *b, int64_t n, double *ut, double *s, double *vt, double *work)
      : b(b), n(n), ut(ut), s(s), vt(vt), e(work), leftTau(work + n), rightTau(work + 2 * n), column(work + 3 * n),
        sums(work + 4 * n) {}

  void reduce();
  bool diagonalize();

private:
  void reduceRowAndColumn(int64_t k);
  void makeVectors();
  void loadColumn(int64_t k) {
    for (int64_t i = k; i < n; ++i)
      column[i - k] = b[i * n + k];
  }
  void dropLast(int64_t first, int64_t last);
  void dropFirst(int64_t first, int64_t last);
  void step(int64_t first, int64_t last);

  double *b;
  int64_t n;
  double *ut, *s, *vt, *e, *leftTau, *rightTau, *column, *sums;
};
} // namespace

/// Column k becomes 0 below the diagonal, row k right of the one above it; both keep the vectors there.
void Bidiagonal::reduceRowAndColumn(int64_t k) {
  int64_t rest = n - k - 1;
  loadColumn(k);
  leftTau[k] = makeReflector(column, n - k, s[k]);
  for (int64_t i = k; i < n; ++i)
    b[i * n + k] = column[i - k];
  if (rest == 0)
    return;
  std::fill(sums, sums + rest, 0.0);
  for (int64_t i = k; i < n; ++i)
    addScaled(sums, b + i * n + k + 1, leftTau[k] * column[i - k], rest);
  double *row = b + k * n + k + 1;
  addScaled(row, sums, -1, rest);
  rightTau[k] = makeReflector(row, rest, e[k]);
  for (int64_t i = k + 1; i < n; ++i) {
    addScaled(b + i * n + k + 1, sums, -column[i - k], rest);
    reflect(row, rightTau[k], b + i * n + k + 1, rest);
  }
}

void Bidiagonal::makeVectors() {
  for (double *vectors : {ut, vt}) {
    std::fill(vectors, vectors + n * n, 0.0);
    for (int64_t i = 0; i < n; ++i)
      vectors[i * n + i] = 1;
  }
  for (int64_t k = n - 1; k >= 0; --k) {
    loadColumn(k);
    for (int64_t i = k; i < n; ++i)
      reflect(column, leftTau[k], ut + i * n + k, n - k);
    for (int64_t i = k + 1; i < n; ++i)
      reflect(b + k * n + k + 1, rightTau[k], vt + i * n + k + 1, n - k - 1);
  }
}

void Bidiagonal::reduce() {
  for (int64_t k = 0; k < n; ++k)
    reduceRowAndColumn(k);
  e[n - 1] = 0;
  makeVectors();
}

/// The last value is 0: what stands above it goes.
void Bidiagonal::dropLast(int64_t first, int64_t last) {
  double f = std::exchange(e[last - 1], 0.0);
  for (int64_t j = last - 1; j >= first; --j) {
    double t = std::hypot(s[j], f), c = s[j] / t, sine = f / t;
    s[j] = t;
    if (j != first) {
      f = -sine * e[j - 1];
      e[j - 1] = c * e[j - 1];
    }
    rotate(vt + j * n, vt + last * n, c, sine, n);
  }
}

/// The value before `first` is 0: what stands right of it goes.
void Bidiagonal::dropFirst(int64_t first, int64_t last) {
  double f = std::exchange(e[first - 1], 0.0);
  for (int64_t j = first; j <= last; ++j) {
    double t = std::hypot(s[j], f), c = s[j] / t, sine = f / t;
    s[j] = t;
    f = -sine * e[j];
    e[j] = c * e[j];
    rotate(ut + j * n, ut + (first - 1) * n, c, sine, n);
  }
}

void Bidiagonal::step(int64_t first, int64_t last) {
  double unit = std::max(
      {std::fabs(s[last]), std::fabs(s[last - 1]), std::fabs(e[last - 1]), std::fabs(s[first]), std::fabs(e[first])});
  double end = s[last] / unit, before = s[last - 1] / unit, between = e[last - 1] / unit;
  double start = s[first] / unit, beside = e[first] / unit;
  double half = ((before + end) * (before - end) + between * between) / 2, product = end * between, shift = 0;
  if (half != 0 || product != 0)
    shift = product * product / (half + std::copysign(std::hypot(half, product), half));
  double f = (start + end) * (start - end) + shift, g = start * beside;
  for (int64_t j = first; j < last; ++j) {
    double t = std::hypot(f, g), c = f / t, sine = g / t;
    if (j != first)
      e[j - 1] = t;
    f = c * s[j] + sine * e[j];
    e[j] = c * e[j] - sine * s[j];
    g = sine * s[j + 1];
    s[j + 1] = c * s[j + 1];
    rotate(vt + j * n, vt + (j + 1) * n, c, sine, n);
    t = std::hypot(f, g);
    c = f / t;
    sine = g / t;
    s[j] = t;
    f = c * e[j] + sine * s[j + 1];
    s[j + 1] = -sine * e[j] + c * s[j + 1];
    g = sine * e[j + 1];
    e[j + 1] = c * e[j + 1];
    rotate(ut + j * n, ut + (j + 1) * n, c, sine, n);
  }
  e[last - 1] = f;
}

bool Bidiagonal::diagonalize() {
  for (int64_t last = n - 1, steps = 0; last >= 0;) {
    // The part from `first` to `last` that nothing separates.
    int64_t first = last;
    while (first > 0 && std::fabs(e[first - 1]) > tiny + epsilon * (std::fabs(s[first - 1]) + std::fabs(s[first])))
      --first;
    if (first > 0)
      e[first - 1] = 0;
    if (first == last) {
      if (s[last] < 0) {
        s[last] = -s[last];
        scale(vt + last * n, -1, n);
      }
      --last;
      steps = 0;
      continue;
    }
    int64_t zero = last;
    auto isZero = [&](int64_t i) {
      double beside = (i < last ? std::fabs(e[i]) : 0) + (i > first ? std::fabs(e[i - 1]) : 0);
      return std::fabs(s[i]) <= tiny + epsilon * beside;
    };
    while (zero >= first && !isZero(zero))
      --zero;
    if (++steps > mostSteps)
      return false;
    if (zero < first) {
      step(first, last);
      continue;
    }
    s[zero] = 0;
    if (zero == last)
      dropLast(first, last);
    else
      dropFirst(zero + 1, last);
  }
  return true;
}

bool decomposeSingular(double *b, int64_t n, double *ut, double *s, double *vt, double *work) {
  Bidiagonal bidiagonal(b, n, ut, s, vt, work);
  bidiagonal.reduce();
  return bidiagonal.diagonalize();
}

} // namespace ftc::cpu
