// Fourier transforms of rows: Stockham's, of eight rows at a time, one in each lane of a vector. A length with a large
// prime factor is done by Bluestein's convolution, whose length is a power of two.

#include "ftc/Runtime/CPU/Decompositions.h"
#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace {
/// The same place of eight rows.
using EightRows [[gnu::vector_size(64)]] = double;

template <typename Lanes> struct Complex {
  Lanes re, im;
};
using Root = Complex<double>;

template <typename Lanes> [[gnu::always_inline]] inline void multiply(Complex<Lanes> &x, const Root &by) {
  Lanes re = x.re * by.re - x.im * by.im;
  x.im = x.re * by.im + x.im * by.re;
  x.re = re;
}

/// Transforms of one length whose prime factors are small.
template <typename Lanes> class Stockham {
public:
  using Value = Complex<Lanes>;

  /// `roots`: `length` entries, which are set here.
  Stockham(int64_t length, Root *roots) : length(length), roots(roots) {
    for (int64_t i = 0; i < length; ++i) {
      double angle = 2 * std::numbers::pi * double(i) / double(length);
      roots[i] = {std::cos(angle), std::sin(angle)};
    }
  }

  /// The sums of x_j exp(sign 2 pi i j k / length), unscaled; in `x` or in `other`.
  [[gnu::always_inline]] Value *run(Value *x, Value *other, double sign) const {
    int64_t stride = 1, rest = length;
    while (rest > 1) {
      int64_t radix = ftc_fft_radix(rest);
      rest /= radix;
      if (radix == 4)
        passOfFour(x, other, rest, stride, sign);
      else
        passOf(radix, x, other, rest, stride, sign);
      stride *= radix;
      std::swap(x, other);
    }
    return x;
  }

private:
  Root root(int64_t power, double sign) const { return {roots[power].re, sign * roots[power].im}; }

  /// y[q + stride (4 p + k)] = w^(p k) sum over j of x[q + stride (p + count j)] i^(sign j k)
  [[gnu::always_inline]] void passOfFour(const Value *x, Value *y, int64_t count, int64_t stride, double sign) const {
    int64_t apart = stride * count;
    for (int64_t p = 0; p < count; ++p) {
      Root w1 = root(p * stride, sign), w2 = root(2 * p * stride, sign), w3 = root(3 * p * stride, sign);
      for (int64_t q = 0; q < stride; ++q) {
        const Value *from = x + q + stride * p;
        Value *to = y + q + stride * 4 * p;
        const Value &a = from[0], &b = from[apart], &c = from[2 * apart], &d = from[3 * apart];
        Value evenSum{a.re + c.re, a.im + c.im}, evenDifference{a.re - c.re, a.im - c.im};
        Value oddSum{b.re + d.re, b.im + d.im};
        Value turned{sign * (d.im - b.im), sign * (b.re - d.re)}; // sign i (b - d)
        Value t1{evenDifference.re + turned.re, evenDifference.im + turned.im};
        Value t2{evenSum.re - oddSum.re, evenSum.im - oddSum.im};
        Value t3{evenDifference.re - turned.re, evenDifference.im - turned.im};
        multiply(t1, w1);
        multiply(t2, w2);
        multiply(t3, w3);
        to[0] = {evenSum.re + oddSum.re, evenSum.im + oddSum.im};
        to[stride] = t1;
        to[2 * stride] = t2;
        to[3 * stride] = t3;
      }
    }
  }

  /// The same of any radix.
  [[gnu::always_inline]] void passOf(int64_t radix, const Value *x, Value *y, int64_t count, int64_t stride,
                                     double sign) const {
    int64_t apart = stride * count, step = length / radix;
    for (int64_t p = 0; p < count; ++p)
      for (int64_t k = 0; k < radix; ++k) {
        Root w = root(p * k * stride, sign);
        for (int64_t q = 0; q < stride; ++q) {
          const Value *from = x + q + stride * p;
          Value sum = from[0];
          for (int64_t j = 1; j < radix; ++j) {
            Value term = from[j * apart];
            multiply(term, root(j * k % radix * step, sign));
            sum.re += term.re;
            sum.im += term.im;
          }
          multiply(sum, w);
          y[q + stride * (radix * p + k)] = sum;
        }
      }
  }

  int64_t length;
  Root *roots;
};

/// The transforms of one length and direction, in memory of ftc_fft_scratch bytes.
template <typename Lanes> class Fourier {
public:
  using Value = Complex<Lanes>;

  [[gnu::always_inline]] Fourier(int64_t n, bool inverse, void *memory)
      : n(n), length(ftc_fft_length(n)), sign(inverse ? 1 : -1), row(static_cast<Value *>(memory)), other(row + length),
        filter(other + length), roots(reinterpret_cast<Root *>(filter + (length == n ? 0 : length))),
        chirp(roots + length), stockham(length, roots) {
    if (length != n)
      makeChirp();
  }

  Value *input() { return row; }

  /// The transform of the input, unscaled; it may not be kept.
  [[gnu::always_inline]] const Value *run() { return length == n ? stockham.run(row, other, sign) : convolve(); }

private:
  /// exp(sign i pi j^2 / n) and the transform of its conjugate, round the end.
  [[gnu::always_inline]] void makeChirp() {
    std::fill_n(row, length, Value{});
    for (int64_t j = 0; j < n; ++j) {
      double angle = sign * std::numbers::pi * double(j * j % (2 * n)) / double(n);
      chirp[j] = {std::cos(angle), std::sin(angle)};
      for (int64_t place : {j, (length - j) % length})
        row[place] = {Lanes{} + chirp[j].re, Lanes{} - chirp[j].im};
    }
    std::copy_n(stockham.run(row, other, -1), length, filter);
  }

  [[gnu::always_inline]] const Value *convolve() {
    for (int64_t j = 0; j < n; ++j)
      multiply(row[j], chirp[j]);
    std::fill(row + n, row + length, Value{});
    Value *x = stockham.run(row, other, -1);
    for (int64_t j = 0; j < length; ++j)
      x[j] = {x[j].re * filter[j].re - x[j].im * filter[j].im, x[j].re * filter[j].im + x[j].im * filter[j].re};
    x = stockham.run(x, x == row ? other : row, 1);
    for (int64_t j = 0; j < n; ++j)
      multiply(x[j], {chirp[j].re / double(length), chirp[j].im / double(length)});
    return x;
  }

  int64_t n, length;
  double sign;
  Value *row, *other, *filter;
  Root *roots, *chirp;
  Stockham<Lanes> stockham;
};

/// Rows [lo, hi), as many at a time as there are lanes.
template <typename T, typename Lanes>
[[gnu::always_inline]] inline void transformRows(void *const *buffers, const int64_t *immediates, int64_t lo,
                                                 int64_t hi) {
  constexpr int64_t lanes = sizeof(Lanes) / sizeof(double);
  int64_t n = immediates[0];
  bool inverse = immediates[1] != 0;
  auto *re = static_cast<const T *>(buffers[0]), *im = static_cast<const T *>(buffers[1]);
  auto *resultRe = static_cast<T *>(buffers[2]), *resultIm = static_cast<T *>(buffers[3]);
  Fourier<Lanes> fourier(n, inverse, ftc_scratch());
  double factor = inverse ? 1 / double(n) : 1;
  auto lane = [](auto &x, int64_t l) -> double & { return reinterpret_cast<double *>(&x)[l]; };
  for (int64_t first = lo; first < hi; first += lanes) {
    int64_t rows = std::min(lanes, hi - first);
    Complex<Lanes> *input = fourier.input();
    std::fill_n(input, n, Complex<Lanes>{});
    for (int64_t l = 0; l < rows; ++l)
      for (int64_t i = 0; i < n; ++i) {
        lane(input[i].re, l) = double(re[(first + l) * n + i]);
        lane(input[i].im, l) = double(im[(first + l) * n + i]);
      }
    const Complex<Lanes> *result = fourier.run();
    for (int64_t l = 0; l < rows; ++l)
      for (int64_t i = 0; i < n; ++i) {
        resultRe[(first + l) * n + i] = T(factor * lane(const_cast<Complex<Lanes> &>(result[i]).re, l));
        resultIm[(first + l) * n + i] = T(factor * lane(const_cast<Complex<Lanes> &>(result[i]).im, l));
      }
  }
}

template <typename T>
[[gnu::always_inline]] inline void transform(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  if (ftc_fft_lanes(immediates[0]) == 8)
    transformRows<T, EightRows>(buffers, immediates, lo, hi);
  else
    transformRows<T, double>(buffers, immediates, lo, hi);
}
} // namespace

#if defined(__x86_64__)
#define FTC_WIDEST_VECTORS [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define FTC_WIDEST_VECTORS
#endif

extern "C" FTC_WIDEST_VECTORS void ftc_fft_f32(void *const *buffers, const int64_t *immediates, int64_t lo,
                                               int64_t hi) {
  transform<float>(buffers, immediates, lo, hi);
}
extern "C" FTC_WIDEST_VECTORS void ftc_fft_f64(void *const *buffers, const int64_t *immediates, int64_t lo,
                                               int64_t hi) {
  transform<double>(buffers, immediates, lo, hi);
}
