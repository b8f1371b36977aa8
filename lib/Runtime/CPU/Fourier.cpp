// Fourier transforms of rows: Stockham's, of as many rows at a time as 64 bytes have numbers, one in each lane of a
// vector. A length with a large prime factor is done by Bluestein's convolution, whose length is a power of two; always
// in f64, since it loses more.

#include "ftc/Runtime/CPU/Decompositions.h"
#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <type_traits>
#include <utility>

namespace {
/// The same place of several rows.
template <typename T> using Rows [[gnu::vector_size(64)]] = T;

template <typename Lanes> struct Complex {
  Lanes re, im;
};

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void multiply(Complex<Lanes> &x, const Complex<T> &by) {
  Lanes re = x.re * by.re - x.im * by.im;
  x.im = x.re * by.im + x.im * by.re;
  x.re = re;
}

/// Transforms of one length whose prime factors are small.
template <typename Lanes, typename T> class Stockham {
public:
  using Value = Complex<Lanes>;
  using Root = Complex<T>;

  /// `roots`: `length` entries, which are set here.
  Stockham(int64_t length, Root *roots) : length(length), roots(roots) {
    // Each is a product of one of few: cosines and sines would take as long as some rows.
    constexpr int64_t step = 32;
    Complex<double> fine[step];
    for (int64_t i = 0; i < step; ++i)
      fine[i] = makeRoot(i);
    for (int64_t first = 0; first < length; first += step) {
      Complex<double> coarse = makeRoot(first);
      for (int64_t i = 0; i < std::min(step, length - first); ++i) {
        Complex<double> own = fine[i];
        multiply(own, coarse);
        roots[first + i] = {T(own.re), T(own.im)};
      }
    }
  }

  /// The sums of x_j exp(sign 2 pi i j k / length), unscaled; in `x` or in `other`.
  [[gnu::always_inline]] Value *run(Value *x, Value *other, T sign) const {
    int64_t stride = 1, rest = length;
    while (rest > 1) {
      int64_t radix = ftc_fft_radix(rest);
      rest /= radix;
      if (radix == 4)
        passOfFour(x, other, rest, stride, sign);
      else if (radix == 3)
        passOfThree(x, other, rest, stride, sign);
      else
        passOf(radix, x, other, rest, stride, sign);
      stride *= radix;
      std::swap(x, other);
    }
    return x;
  }

private:
  Complex<double> makeRoot(int64_t power) const {
    double angle = 2 * std::numbers::pi * double(power) / double(length);
    return {std::cos(angle), std::sin(angle)};
  }
  Root root(int64_t power, T sign) const { return {roots[power].re, sign * roots[power].im}; }

  /// y[q + stride (4 p + k)] = w^(p k) sum over j of x[q + stride (p + count j)] i^(sign j k)
  [[gnu::always_inline]] void passOfFour(const Value *x, Value *y, int64_t count, int64_t stride, T sign) const {
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

  /// The same with three.
  [[gnu::always_inline]] void passOfThree(const Value *x, Value *y, int64_t count, int64_t stride, T sign) const {
    int64_t apart = stride * count;
    const T half = T(0.5), height = sign * T(std::numbers::sqrt3 / 2);
    for (int64_t p = 0; p < count; ++p) {
      Root w1 = root(p * stride, sign), w2 = root(2 * p * stride, sign);
      for (int64_t q = 0; q < stride; ++q) {
        const Value *from = x + q + stride * p;
        Value *to = y + q + stride * 3 * p;
        const Value &a = from[0], &b = from[apart], &c = from[2 * apart];
        Value sum{b.re + c.re, b.im + c.im};
        Value middle{a.re - half * sum.re, a.im - half * sum.im};
        Value turned{height * (c.im - b.im), height * (b.re - c.re)}; // sign i sin(pi / 3) (b - c)
        Value t1{middle.re + turned.re, middle.im + turned.im};
        Value t2{middle.re - turned.re, middle.im - turned.im};
        multiply(t1, w1);
        multiply(t2, w2);
        to[0] = {a.re + sum.re, a.im + sum.im};
        to[stride] = t1;
        to[2 * stride] = t2;
      }
    }
  }

  /// The same of any radix.
  [[gnu::always_inline]] void passOf(int64_t radix, const Value *x, Value *y, int64_t count, int64_t stride,
                                     T sign) const {
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
template <typename Lanes, typename T> class Fourier {
public:
  using Value = Complex<Lanes>;
  using Root = Complex<T>;

  [[gnu::always_inline]] Fourier(int64_t n, bool inverse, void *memory)
      : n(n), length(ftc_fft_length(n)), sign(inverse ? 1 : -1), row(static_cast<Value *>(memory)), other(row + length),
        filter(other + length), roots(reinterpret_cast<Root *>(filter + (length == n ? 0 : length))),
        chirp(roots + length), stockham(length, roots) {
    if (length != n)
      makeChirp();
  }

  Value *input() { return row; }

  /// The transform of the input, unscaled; it may not be kept.
  [[gnu::always_inline]] Value *run() { return length == n ? stockham.run(row, other, sign) : convolve(); }

private:
  /// exp(sign i pi j^2 / n) and the transform of its conjugate, round the end.
  [[gnu::always_inline]] void makeChirp() {
    std::fill_n(row, length, Value{});
    for (int64_t j = 0; j < n; ++j) {
      double angle = sign * std::numbers::pi * double(j * j % (2 * n)) / double(n);
      chirp[j] = {T(std::cos(angle)), T(std::sin(angle))};
      for (int64_t place : {j, (length - j) % length})
        row[place] = {Lanes{} + chirp[j].re, Lanes{} - chirp[j].im};
    }
    std::copy_n(stockham.run(row, other, -1), length, filter);
  }

  [[gnu::always_inline]] Value *convolve() {
    for (int64_t j = 0; j < n; ++j)
      multiply(row[j], chirp[j]);
    std::fill(row + n, row + length, Value{});
    Value *x = stockham.run(row, other, -1);
    for (int64_t j = 0; j < length; ++j)
      x[j] = {x[j].re * filter[j].re - x[j].im * filter[j].im, x[j].re * filter[j].im + x[j].im * filter[j].re};
    x = stockham.run(x, x == row ? other : row, 1);
    for (int64_t j = 0; j < n; ++j)
      multiply(x[j], Root{chirp[j].re / T(length), chirp[j].im / T(length)});
    return x;
  }

  int64_t n, length;
  T sign;
  Value *row, *other, *filter;
  Root *roots, *chirp;
  Stockham<Lanes, T> stockham;
};

/// Exchanges one bit of the number of a vector with the same bit of the number of a lane.
template <int bit, typename Lanes, int... lane>
[[gnu::always_inline]] inline void exchange(Lanes &first, Lanes &second, std::integer_sequence<int, lane...>) {
  constexpr int count = sizeof...(lane);
  Lanes low = __builtin_shufflevector(first, second, (lane & bit ? count + (lane ^ bit) : lane)...);
  second = __builtin_shufflevector(first, second, (lane & bit ? count + lane : lane | bit)...);
  first = low;
}

/// Rows and columns of as many vectors as one has elements change places.
template <int bit, typename Lanes, int count> [[gnu::always_inline]] inline void transpose(Lanes (&rows)[count]) {
  for (int i = 0; i < count; ++i)
    if (!(i & bit))
      exchange<bit>(rows[i], rows[i | bit], std::make_integer_sequence<int, count>());
  if constexpr (bit > 1)
    transpose<bit / 2>(rows);
}

/// One part, real or imaginary, of `rows` rows of n elements in memory, and of as many lanes of n complex vectors.
template <typename Lanes, typename T> class Part {
public:
  using Value = Complex<Lanes>;
  static constexpr int64_t lanes = sizeof(Lanes) / sizeof(T);

  Part(Lanes Value::*part, int64_t n, int64_t rows) : part(part), n(n), rows(rows) {}

  template <typename Memory> [[gnu::always_inline]] void load(const Memory *memory, Value *values) const {
    int64_t first = 0;
    if constexpr (std::is_same_v<Memory, T> && lanes > 1)
      for (; rows == lanes && first + lanes <= n; first += lanes) {
        Lanes block[lanes];
        for (int64_t l = 0; l < lanes; ++l)
          std::memcpy(&block[l], memory + l * n + first, sizeof(Lanes));
        transpose<lanes / 2>(block);
        for (int64_t i = 0; i < lanes; ++i)
          values[first + i].*part = block[i];
      }
    for (int64_t l = 0; l < rows; ++l)
      for (int64_t i = first; i < n; ++i)
        lane(values[i], l) = T(memory[l * n + i]);
  }

  template <typename Memory> [[gnu::always_inline]] void store(Value *values, T factor, Memory *memory) const {
    int64_t first = 0;
    if constexpr (std::is_same_v<Memory, T> && lanes > 1)
      for (; rows == lanes && first + lanes <= n; first += lanes) {
        Lanes block[lanes];
        for (int64_t i = 0; i < lanes; ++i)
          block[i] = factor * values[first + i].*part;
        transpose<lanes / 2>(block);
        for (int64_t l = 0; l < lanes; ++l)
          std::memcpy(memory + l * n + first, &block[l], sizeof(Lanes));
      }
    for (int64_t l = 0; l < rows; ++l)
      for (int64_t i = first; i < n; ++i)
        memory[l * n + i] = Memory(factor * lane(values[i], l));
  }

private:
  T &lane(Value &value, int64_t l) const { return reinterpret_cast<T *>(&(value.*part))[l]; }

  Lanes Value::*part;
  int64_t n, rows;
};

/// Rows [lo, hi), as many at a time as there are lanes; computed in T.
template <typename Memory, typename Lanes, typename T>
[[gnu::always_inline]] inline void transformRows(void *const *buffers, const int64_t *immediates, int64_t lo,
                                                 int64_t hi) {
  using Value = Complex<Lanes>;
  constexpr int64_t lanes = Part<Lanes, T>::lanes;
  int64_t n = immediates[0];
  bool inverse = immediates[1] != 0;
  auto *re = static_cast<const Memory *>(buffers[0]), *im = static_cast<const Memory *>(buffers[1]);
  auto *resultRe = static_cast<Memory *>(buffers[2]), *resultIm = static_cast<Memory *>(buffers[3]);
  Fourier<Lanes, T> fourier(n, inverse, ftc_scratch());
  T factor = inverse ? 1 / T(n) : T(1);
  for (int64_t first = lo; first < hi; first += lanes) {
    int64_t rows = std::min(lanes, hi - first);
    Part<Lanes, T> real(&Value::re, n, rows), imaginary(&Value::im, n, rows);
    Value *input = fourier.input();
    if (rows < lanes)
      std::fill_n(input, n, Value{});
    real.load(re + first * n, input);
    imaginary.load(im + first * n, input);
    Value *result = fourier.run();
    real.store(result, factor, resultRe + first * n);
    imaginary.store(result, factor, resultIm + first * n);
  }
}

template <typename T>
[[gnu::always_inline]] inline void transform(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t n = immediates[0];
  if (!ftc_fft_has_lanes(n))
    transformRows<T, double, double>(buffers, immediates, lo, hi);
  else if (ftc_fft_length(n) != n)
    transformRows<T, Rows<double>, double>(buffers, immediates, lo, hi);
  else
    transformRows<T, Rows<T>, T>(buffers, immediates, lo, hi);
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
