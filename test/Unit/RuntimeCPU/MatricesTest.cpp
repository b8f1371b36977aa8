// Decompositions against what defines them, for matrices of every form: wide, tall, of low rank, with equal values,
// zero.

#include "ftc/Runtime/CPU/Decompositions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {
using Numbers = std::vector<double>;

Numbers normal(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> distribution;
  Numbers numbers(count);
  for (double &number : numbers)
    number = distribution(generator);
  return numbers;
}

/// [m, k] [k, n]
Numbers product(const Numbers &a, const Numbers &b, int64_t m, int64_t k, int64_t n) {
  Numbers c(m * n);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t l = 0; l < k; ++l)
        c[i * n + j] += a[i * k + l] * b[l * n + j];
  return c;
}

Numbers transposed(const Numbers &a, int64_t m, int64_t n) {
  Numbers b(n * m);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      b[j * m + i] = a[i * n + j];
  return b;
}

Numbers identity(int64_t n) {
  Numbers one(n * n);
  for (int64_t i = 0; i < n; ++i)
    one[i * n + i] = 1;
  return one;
}

void expectNear(const Numbers &a, const Numbers &b, double bound) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], bound) << "entry " << i;
}

struct Decomposed {
  Numbers u, s, v;
};

Decomposed svd(Numbers x, int64_t m, int64_t n, int64_t k) {
  Decomposed d{Numbers(m * k), Numbers(k), Numbers(k * n)};
  Numbers work(ftc_svd_workspace(m, n));
  void *buffers[] = {x.data(), d.u.data(), d.s.data(), d.v.data(), work.data()};
  int64_t sizes[] = {m, n, k};
  ftc_svd_f64(buffers, sizes, 0, 1);
  return d;
}

/// All values: the matrix comes back, vectors are orthonormal, values fall, signs are as they should be.
void expectDecomposed(const Numbers &x, int64_t m, int64_t n) {
  int64_t k = std::min(m, n);
  Decomposed d = svd(x, m, n, k);
  Numbers scaled(d.v);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j)
      scaled[i * n + j] *= d.s[i];
  double bound = 1e-14 * double(m + n) * std::max(1.0, d.s[0]);
  expectNear(product(d.u, scaled, m, k, n), x, bound);
  expectNear(product(transposed(d.u, m, k), d.u, k, m, k), identity(k), 1e-13);
  expectNear(product(d.v, transposed(d.v, k, n), k, n, k), identity(k), 1e-13);
  for (int64_t i = 0; i < k; ++i) {
    ASSERT_GE(d.s[i], 0);
    ASSERT_TRUE(i == 0 || d.s[i] <= d.s[i - 1]);
    double largest = 0;
    for (int64_t row = 0; row < m; ++row)
      if (std::fabs(d.u[row * k + i]) > std::fabs(largest))
        largest = d.u[row * k + i];
    ASSERT_GT(largest, 0) << "column " << i;
  }
}

TEST(Matrices, SingularValues) {
  for (auto [m, n] : {std::pair<int64_t, int64_t>{1, 1}, {1, 7}, {7, 1}, {5, 3}, {3, 5}, {40, 40}, {90, 33}, {33, 90}})
    expectDecomposed(normal(m * n, unsigned(m + n)), m, n);
}

TEST(Matrices, SingularValuesThatAreEqualOrZero) {
  expectDecomposed(identity(9), 9, 9);
  expectDecomposed(Numbers(24), 6, 4);
  expectDecomposed(product(normal(50 * 3, 1), normal(3 * 20, 2), 50, 3, 20), 50, 20);
  Numbers tiny = normal(30, 3);
  for (double &number : tiny)
    number *= 1e-200;
  EXPECT_GT(svd(tiny, 6, 5, 1).s[0], 1e-200);
}

TEST(Matrices, OnePartOfThemIsPartOfAll) {
  Numbers x = normal(30 * 12, 4);
  Decomposed all = svd(x, 30, 12, 12), some = svd(x, 30, 12, 4);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(all.s[i], some.s[i]);
    for (int64_t row = 0; row < 30; ++row)
      EXPECT_EQ(all.u[row * 12 + i], some.u[row * 4 + i]);
  }
}

TEST(Matrices, NumbersThatAreNotFiniteGiveNone) {
  Numbers x = normal(12, 5);
  x[7] = std::numeric_limits<double>::infinity();
  for (double number : svd(x, 4, 3, 2).u)
    EXPECT_TRUE(std::isnan(number));
}

TEST(Matrices, Eigenvalues) {
  for (int64_t n : {1, 2, 3, 30}) {
    Numbers half = normal(n * n, unsigned(n)), x(n * n), w(n), q(n * n), work(ftc_eigh_workspace(n));
    for (int64_t i = 0; i < n * n; ++i)
      x[i] = half[i] + transposed(half, n, n)[i];
    void *buffers[] = {x.data(), w.data(), q.data(), work.data()};
    int64_t sizes[] = {n, n};
    ftc_eigh_f64(buffers, sizes, 0, 1);
    Numbers scaled(q);
    for (int64_t i = 0; i < n * n; ++i)
      scaled[i] *= w[i % n];
    expectNear(product(x, q, n, n, n), scaled, 1e-12);
    expectNear(product(transposed(q, n, n), q, n, n, n), identity(n), 1e-13);
    EXPECT_TRUE(std::is_sorted(w.rbegin(), w.rend()));
  }
}

TEST(Matrices, OrthonormalColumnsAndEquations) {
  int64_t m = 25, n = 9;
  Numbers x = normal(m * n, 6), q(m * n), r(n * n), work(ftc_qr_workspace(m, n));
  void *buffers[] = {x.data(), q.data(), r.data(), work.data()};
  int64_t sizes[] = {m, n};
  ftc_qr_f64(buffers, sizes, 0, 1);
  expectNear(product(q, r, m, n, n), x, 1e-13);
  expectNear(product(transposed(q, m, n), q, n, m, n), identity(n), 1e-13);
  for (int64_t i = 0; i < n; ++i)
    EXPECT_GT(r[i * n + i], 0);

  Numbers a = normal(n * n, 7), y = normal(n * 4, 8), u(n * 4), more(ftc_solve_workspace(n, 4));
  void *equation[] = {a.data(), y.data(), u.data(), more.data()};
  int64_t shape[] = {n, 4};
  ftc_solve_f64(equation, shape, 0, 1);
  expectNear(product(a, u, n, n, 4), y, 1e-12);
}
} // namespace
