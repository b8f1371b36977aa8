// Fourier transforms against the sums that define them: lengths of one factor, of several, with a large prime factor,
// and too long for more than a row at a time; more rows than lanes, and fewer; of columns; of real numbers, and where
// only real parts are asked for.

#include "ftc/Runtime/CPU/Decompositions.h"
#include "ftc/Runtime/CPU/Program.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <vector>

namespace {
template <typename T> using Numbers = std::vector<T>;

template <typename T> struct Rows {
  Numbers<T> re, im;
};

template <typename T> Rows<T> randomRows(int64_t count) {
  std::mt19937 generator(static_cast<unsigned>(count));
  std::normal_distribution<T> distribution;
  Rows<T> rows{Numbers<T>(count), Numbers<T>(count)};
  for (int64_t i = 0; i < count; ++i) {
    rows.re[i] = distribution(generator);
    rows.im[i] = distribution(generator);
  }
  return rows;
}

/// Which parts of operand and result there are, and how far apart the elements of a line lie.
struct Variant {
  bool isReal = false, onlyReal = false;
  int64_t inner = 1;
};

/// Where lines are: apart; by how many numbers they are counted; the numbers, and how far apart they are.
using Places = std::vector<int64_t>;

template <typename T>
void runFFT(std::vector<int64_t> immediates, const Places &from, const Places &to, std::vector<void *> buffers,
            int64_t grain) {
  int64_t n = immediates[FTC_FFT_LENGTH], together = ftc_fft_together(n);
  ftc_setup setup{};
  setup.scratch = static_cast<uint64_t>(ftc_fft_scratch(n));
  EXPECT_EQ(ftc_prepare(&setup, nullptr), 0);
  immediates.insert(immediates.end(), from.begin(), from.end());
  immediates.insert(immediates.end(), to.begin(), to.end());
  int64_t items = (immediates[FTC_FFT_COUNT] + together - 1) / together;
  ftc_parallel(sizeof(T) == 8 ? ftc_fft_f64 : ftc_fft_f32, buffers.data(), immediates.data(), items, grain);
}

int64_t bitsOf(double factor) { return std::bit_cast<int64_t>(factor); }

/// A thread takes `grain` items at a time. A part that there is not is left 0.
template <typename T>
Rows<T> transform(const Rows<T> &rows, int64_t n, bool inverse, int64_t grain = 1, Variant variant = {}) {
  Rows<T> result{Numbers<T>(rows.re.size()), Numbers<T>(rows.re.size())};
  std::vector<void *> buffers{const_cast<T *>(rows.re.data())};
  if (!variant.isReal)
    buffers.push_back(const_cast<T *>(rows.im.data()));
  buffers.push_back(result.re.data());
  if (!variant.onlyReal)
    buffers.push_back(result.im.data());
  int64_t count = int64_t(rows.re.size()) / n, inner = variant.inner;
  Places places{inner, 2, count / inner, inner, n * inner, 1};
  double factor = inverse ? 1 / double(n) : 1;
  runFFT<T>({n, count, n, n, inverse, variant.isReal, variant.onlyReal, 1, bitsOf(factor)}, places, places, buffers,
            grain);
  return result;
}

/// The largest difference from the definition, of the largest element; of one row.
template <typename T> double errorOf(const Rows<T> &x, const Rows<T> &y, int64_t n, int64_t row, bool inverse) {
  double error = 0, largest = 0;
  for (int64_t k = 0; k < n; k += 1 + n / 200) { // some, of a long one
    std::complex<double> sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      double angle = (inverse ? 2 : -2) * std::numbers::pi * double(j * k % n) / double(n);
      sum += std::complex<double>(x.re[row * n + j], x.im[row * n + j]) * std::polar(1.0, angle);
    }
    if (inverse)
      sum /= double(n);
    error = std::max(error, std::abs(sum - std::complex<double>(y.re[row * n + k], y.im[row * n + k])));
    largest = std::max(largest, std::abs(sum));
  }
  return error / largest;
}

template <typename T> void check(int64_t n, int64_t rows, double tolerance) {
  Rows<T> x = randomRows<T>(n * rows);
  for (bool inverse : {false, true}) {
    Rows<T> y = transform(x, n, inverse);
    for (int64_t row : {int64_t(0), rows / 2, rows - 1})
      EXPECT_LT(errorOf(x, y, n, row, inverse), tolerance) << "n = " << n << ", row " << row;
  }
}

/// [lines / inner, inner, n] as [lines / inner, n, inner].
template <typename T> Numbers<T> toColumns(const Numbers<T> &rows, int64_t n, int64_t inner) {
  Numbers<T> columns(rows.size());
  for (int64_t line = 0; line * n < int64_t(rows.size()); ++line)
    for (int64_t i = 0; i < n; ++i)
      columns[(line / inner * n + i) * inner + line % inner] = rows[line * n + i];
  return columns;
}

/// Every variant of the transform of `lines` lines is that of whole rows, as near as `tolerance` of their largest.
template <typename T> void checkVariants(int64_t n, int64_t outer, int64_t inner, double tolerance) {
  int64_t lines = outer * inner;
  for (bool isReal : {false, true})
    for (bool onlyReal : {false, true})
      for (bool inverse : {false, true}) {
        Rows<T> x = randomRows<T>(n * lines);
        if (isReal)
          x.im.assign(x.im.size(), 0);
        Rows<T> expected = transform(x, n, inverse);
        if (onlyReal)
          expected.im.assign(expected.im.size(), 0);
        Rows<T> columns{toColumns(x.re, n, inner), toColumns(x.im, n, inner)};
        Rows<T> y = transform(columns, n, inverse, 16, {isReal, onlyReal, inner});
        Rows<T> wanted{toColumns(expected.re, n, inner), toColumns(expected.im, n, inner)};
        double error = 0, largest = 0;
        for (size_t i = 0; i < y.re.size(); ++i) {
          error = std::max({error, std::abs(double(y.re[i] - wanted.re[i])), std::abs(double(y.im[i] - wanted.im[i]))});
          largest = std::max({largest, std::abs(double(wanted.re[i])), std::abs(double(wanted.im[i]))});
        }
        EXPECT_LE(error, tolerance * largest) << "n = " << n << ", outer " << outer << ", inner " << inner << ", real "
                                              << isReal << ", only real " << onlyReal << ", inverse " << inverse;
      }
}

TEST(Fourier, variants) {
  for (int64_t n : {1, 2, 3, 4, 6, 15, 16, 17, 34, 96, 144, 150})
    for (int64_t outer : {1, 3})
      for (int64_t inner : {1, 5, 16, 40}) {
        checkVariants<double>(n, outer, inner, 1e-13);
        checkVariants<float>(n, outer, inner, 1e-6);
      }
  checkVariants<double>(1 << 14, 1, 3, 1e-12);
}

TEST(Fourier, shortLengths) {
  for (int64_t n = 1; n <= 64; ++n) {
    check<double>(n, 11, 1e-13);
    check<float>(n, 11, 1e-6);
  }
}

TEST(Fourier, lengthsOfModels) {
  for (int64_t n : {192, 576, 768, 1536, 2560, 3 * 5 * 7 * 11}) {
    check<double>(n, 9, 1e-13);
    check<float>(n, 9, 1e-6);
  }
}

TEST(Fourier, largePrimeFactors) {
  for (int64_t n : {17, 1009, 2 * 1013}) {
    check<double>(n, 9, 1e-12);
    check<float>(n, 9, 1e-6);
  }
}

TEST(Fourier, aRowAtATime) {
  for (int64_t n : {1 << 14, 3 << 13, 8209})
    check<double>(n, 2, 1e-12);
}

/// Halves of spectra of x [a, n, b], as [n / 2 + 1, b, a], and what is transformed back from them, against the sums
/// that define them.
template <typename T> void checkHalves(int64_t a, int64_t n, int64_t b, double tolerance) {
  int64_t half = n / 2 + 1, lines = a * b;
  Places whole{b, 2, b, a, 1, n * b}, halves{lines, 1, lines, 1};
  Rows<T> x = randomRows<T>(n * lines), spectrum = randomRows<T>(half * lines);
  for (bool inverse : {false, true})
    for (int64_t weight : {1, 2}) {
      Rows<T> made{Numbers<T>(half * lines), Numbers<T>(half * lines)};
      Numbers<T> back(n * lines);
      int64_t factor = bitsOf(0.75);
      runFFT<T>({n, lines, n, half, inverse, 1, 0, weight, factor}, whole, halves,
                {x.re.data(), made.re.data(), made.im.data()}, FTC_ANY_RANGE);
      runFFT<T>({n, lines, half, n, inverse, 0, 1, weight, factor}, halves, whole,
                {spectrum.re.data(), spectrum.im.data(), back.data()}, FTC_ANY_RANGE);
      auto wave = [&](int64_t j, int64_t k) {
        double count = 2 * k % n == 0 ? 1 : double(weight);
        return std::polar(0.75 * count, (inverse ? 2 : -2) * std::numbers::pi * double(j * k % n) / double(n));
      };
      double error = 0;
      for (int64_t line = 0; line < lines; ++line) {
        auto placeOf = [&](int64_t j) { return line % a * n * b + j * b + line / a; };
        for (int64_t k = 0; k < half; ++k) {
          std::complex<double> sum = 0;
          for (int64_t j = 0; j < n; ++j)
            sum += double(x.re[placeOf(j)]) * wave(j, k);
          int64_t place = k * lines + line;
          error = std::max(error, std::abs(sum - std::complex<double>(made.re[place], made.im[place])));
        }
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (int64_t k = 0; k < half; ++k)
            sum += (std::complex<double>(spectrum.re[k * lines + line], spectrum.im[k * lines + line]) * wave(j, k))
                       .real();
          error = std::max(error, std::abs(sum - double(back[placeOf(j)])));
        }
      }
      EXPECT_LE(error, tolerance * std::sqrt(double(n)))
          << a << " x " << n << " x " << b << ", inverse " << inverse << ", weight " << weight;
    }
}

TEST(Fourier, halvesOfSpectra) {
  for (int64_t n : {2, 3, 4, 7, 8, 16, 17, 30, 34, 64, 96})
    for (int64_t a : {1, 7, 40})
      for (int64_t b : {1, 5, 33}) {
        checkHalves<double>(a, n, b, 1e-13);
        checkHalves<float>(a, n, b, 1e-5);
      }
}

/// The sums of cosines of matrices against two transforms, and that they are even to the bit.
template <typename T> void checkRealFFT2(int64_t matrices, int64_t m, int64_t n, double tolerance) {
  int64_t size = m * n, half = m / 2 + 1;
  Rows<T> x = randomRows<T>(matrices * size);
  x.im.assign(x.im.size(), 0);
  Rows<T> expected = transform(transform(x, m, false, 16, {.inner = n}), n, false);
  Numbers<T> y(x.re.size()), workspace(2 * matrices * half * n);
  ftc_setup setup{};
  setup.scratch = static_cast<uint64_t>(std::max(ftc_fft_scratch(m), ftc_fft_scratch(n)));
  EXPECT_EQ(ftc_prepare(&setup, nullptr), 0);
  void *buffers[] = {x.re.data(), y.data(), workspace.data()};
  for (int64_t phase : {0, 1}) {
    const int64_t immediates[] = {phase, matrices, m, n};
    int64_t lines = matrices * (phase ? half : n), together = ftc_fft_together(phase ? n : m);
    ftc_parallel(sizeof(T) == 8 ? ftc_real_fft2_f64 : ftc_real_fft2_f32, buffers, immediates,
                 (lines + together - 1) / together, FTC_ANY_RANGE);
  }
  double error = 0, largest = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    error = std::max(error, std::abs(double(y[i] - expected.re[i])));
    largest = std::max(largest, std::abs(double(expected.re[i])));
    int64_t matrix = int64_t(i) / size, k = int64_t(i) % size / n, l = int64_t(i) % n;
    T mirror = y[matrix * size + (m - k) % m * n + (n - l) % n];
    if (2 * k != m && k != 0) {
      EXPECT_EQ(y[i], mirror) << m << " x " << n << " at " << k << ", " << l;
    }
  }
  EXPECT_LE(error, tolerance * largest) << matrices << " of " << m << " x " << n;
}

TEST(Fourier, realPartAlongTwoDimensions) {
  for (int64_t m : {1, 2, 3, 16, 17, 30, 48})
    for (int64_t n : {1, 2, 5, 16, 32, 34, 49}) {
      checkRealFFT2<double>(3, m, n, 1e-13);
      checkRealFFT2<float>(1, m, n, 1e-6);
    }
  checkRealFFT2<float>(1, 192, 576, 1e-6);
}

/// Bits of a row that is alone are those of one in a whole vector of rows, and in what follows these.
template <typename T> void checkAlone(int64_t n, int64_t grain, Variant variant) {
  constexpr int64_t rows = 103;
  Rows<T> x = randomRows<T>(n * rows);
  for (bool inverse : {false, true}) {
    Rows<T> y = transform(x, n, inverse, grain, variant);
    for (int64_t row = 0; row < rows; ++row) {
      Rows<T> one{{x.re.begin() + row * n, x.re.begin() + (row + 1) * n},
                  {x.im.begin() + row * n, x.im.begin() + (row + 1) * n}};
      Rows<T> alone = transform(one, n, inverse, grain, variant);
      for (int64_t i = 0; i < n; ++i) {
        EXPECT_EQ(alone.re[i], y.re[row * n + i]) << "n = " << n << ", row " << row;
        EXPECT_EQ(alone.im[i], y.im[row * n + i]) << "n = " << n << ", row " << row;
      }
    }
  }
}

TEST(Fourier, rowsDoNotDependOnTheirNeighbours) {
  for (int64_t n : {3, 60, 144, 17})
    for (int64_t grain : {1, 3})
      for (Variant variant : {Variant(), Variant{.isReal = true}, Variant{.onlyReal = true}}) {
        checkAlone<double>(n, grain, variant);
        checkAlone<float>(n, grain, variant);
      }
}
} // namespace
