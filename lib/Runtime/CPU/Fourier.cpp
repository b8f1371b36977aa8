// Fourier transforms of lines: Stockham's, of as many lines at a time as 64 bytes have numbers, one in each lane of a
// vector. A length with a large prime factor is done by Bluestein's convolution, whose length is a power of two; always
// in f64, since it loses more. Real numbers of even length are done, and made, as half as many complex ones (Sorensen
// et al. 1987, "Real-valued fast Fourier transform algorithms").

#include "ftc/Runtime/CPU/Decompositions.h"
#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <type_traits>
#include <utility>

namespace {
/// The same place of several lines.
template <typename T> struct Lines {
  using Type [[gnu::vector_size(64)]] = T;
};

template <typename Lanes> struct Complex {
  Lanes re, im;
};

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void multiply(Complex<Lanes> &x, const Complex<T> &by) {
  Lanes re = x.re * by.re - x.im * by.im;
  x.im = x.re * by.im + x.im * by.re;
  x.re = re;
}

/// exp(2 pi i k / length) for k < count.
template <typename T> void makeRoots(int64_t length, int64_t count, Complex<T> *roots) {
  auto makeRoot = [length](int64_t power) -> Complex<double> {
    double angle = 2 * std::numbers::pi * double(power) / double(length);
    return {std::cos(angle), std::sin(angle)};
  };
  // Each is a product of one of few: cosines and sines would take as long as some lines.
  constexpr int64_t step = 32;
  Complex<double> fine[step];
  for (int64_t i = 0; i < step; ++i)
    fine[i] = makeRoot(i);
  for (int64_t first = 0; first < count; first += step) {
    Complex<double> coarse = makeRoot(first);
    for (int64_t i = 0; i < std::min(step, count - first); ++i) {
      Complex<double> own = fine[i];
      multiply(own, coarse);
      roots[first + i] = {T(own.re), T(own.im)};
    }
  }
}

/// Transforms of one length whose prime factors are small.
template <typename Lanes, typename T> class Stockham {
public:
  using Value = Complex<Lanes>;
  using Root = Complex<T>;

  /// `roots`: `length` entries, which are set here.
  Stockham(int64_t length, Root *roots) : length(length), roots(roots) { makeRoots(length, length, roots); }

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

/// The thread's memory, handed out from its beginning on in whole cache lines.
class Scratch {
public:
  template <typename Element> Element *take(int64_t count) {
    int64_t bytes = (count * int64_t(sizeof(Element)) + 63) / 64 * 64;
    return reinterpret_cast<Element *>(std::exchange(next, next + bytes));
  }

private:
  char *next = static_cast<char *>(ftc_scratch());
};

/// The transforms of one length and direction.
template <typename Lanes, typename T> class Fourier {
public:
  using Value = Complex<Lanes>;
  using Root = Complex<T>;

  [[gnu::always_inline]] Fourier(int64_t n, bool inverse, Scratch &scratch)
      : n(n), length(ftc_fft_length(n)), sign(inverse ? 1 : -1), row(scratch.take<Value>(length)),
        other(scratch.take<Value>(length)), filter(scratch.take<Value>(length == n ? 0 : length)),
        chirp(scratch.take<Root>(length == n ? 0 : n)), stockham(length, scratch.take<Root>(length)) {
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
  Root *chirp;
  Stockham<Lanes, T> stockham;
};

/// Between n real numbers, n even, taken as n / 2 complex ones, x_2j + i x_2j+1, and the transforms of both: what is to
/// be done after a transform of n / 2 of real numbers, or before one that gives real numbers. w = exp(sign 2 pi i / n).
template <typename Lanes, typename T> class RealEnds {
public:
  using Value = Complex<Lanes>;
  using Root = Complex<T>;

  [[gnu::always_inline]] RealEnds(int64_t n, bool inverse, Scratch &scratch)
      : half(n / 2), sign(inverse ? 1 : -1), line(scratch.take<Value>(n)), roots(scratch.take<Root>(half)) {
    makeRoots(n, half, roots);
  }

  /// n complex numbers.
  Value *getLine() { return line; }

  /// The first n / 2 + 1 numbers of the line, or all, become twice the transform of the real numbers; z: that of the n
  /// / 2 complex ones.
  [[gnu::always_inline]] void unfold(const Value *z, bool isWhole) {
    line[0] = {2 * (z[0].re + z[0].im), Lanes{}};
    line[half] = {2 * (z[0].re - z[0].im), Lanes{}};
    for (int64_t k = 1; 2 * k <= half; ++k) {
      const Value &a = z[k], &b = z[half - k];
      Value even{a.re + b.re, a.im - b.im}, odd{a.im + b.im, b.re - a.re}; // (a - conj b) / i
      multiply(odd, root(k));
      line[k] = {even.re + odd.re, even.im + odd.im};
      line[half - k] = {even.re - odd.re, odd.im - even.im};
    }
    for (int64_t k = 1; isWhole && k < half; ++k)
      line[2 * half - k] = {line[k].re, -line[k].im};
  }

  /// z, n / 2 numbers: their transform is twice the real part of that of the line.
  [[gnu::always_inline]] void fold(Value *z) const {
    Lanes first = 2 * line[0].re, middle = 2 * line[half].re;
    z[0] = {first + middle, first - middle};
    for (int64_t k = 1; 2 * k <= half; ++k) {
      const Value a = evenPart(k), b = evenPart(half - k);
      Value sum{a.re + b.re, a.im - b.im}, difference{a.re - b.re, a.im + b.im};
      multiply(difference, root(k));
      z[k] = {sum.re - difference.im, sum.im + difference.re};
      z[half - k] = {sum.re + difference.im, difference.re - sum.im};
    }
  }

private:
  [[gnu::always_inline]] Root root(int64_t power) const { return {roots[power].re, sign * roots[power].im}; }
  /// Twice the part of the line whose transform is real, for 0 < k < n.
  [[gnu::always_inline]] Value evenPart(int64_t k) const {
    const Value &x = line[k], &mirror = line[2 * half - k];
    return {x.re + mirror.re, x.im - mirror.im};
  }

  int64_t half;
  T sign;
  Value *line;
  Root *roots;
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

/// Lines of a tensor, one in each lane; in memory, and as vectors that lie `step` vectors apart. Neighbours of one row,
/// for inner = 1, or of one column are moved as vectors.
template <typename Lanes, typename T> class LineGroup {
public:
  static constexpr int64_t lanes = sizeof(Lanes) / sizeof(T);

  /// `count` lines of n entries that lie `inner` elements apart, from offsetOf(line) on; -1: it is left out.
  template <typename OffsetOf>
  [[gnu::always_inline]] LineGroup(int64_t n, int64_t inner, int64_t count, OffsetOf offsetOf)
      : n(n), inner(inner), count(count) {
    areWhole = count == lanes;
    areNeighbours = areWhole && inner > 1;
    for (int64_t l = 0; l < count; ++l) {
      offsets[l] = offsetOf(l);
      areNeighbours &= offsets[l] == offsets[0] + l;
    }
  }

  template <typename Memory> [[gnu::always_inline]] void load(const Memory *memory, Lanes *values, int64_t step) const {
    int64_t done = 0;
    if (!areWhole)
      clear(values, step);
    if constexpr (std::is_same_v<Memory, T> && lanes > 1) {
      if (inner == 1)
        for (; areWhole && done + lanes <= n; done += lanes) {
          Lanes block[lanes];
          for (int64_t l = 0; l < lanes; ++l)
            std::memcpy(&block[l], memory + offsets[l] + done, sizeof(Lanes));
          transpose<lanes / 2>(block);
          for (int64_t i = 0; i < lanes; ++i)
            values[(done + i) * step] = block[i];
        }
      else if (areNeighbours)
        for (; done < n; ++done)
          std::memcpy(&values[done * step], memory + offsets[0] + done * inner, sizeof(Lanes));
    }
    for (int64_t l = 0; l < count; ++l)
      for (int64_t i = done; i < n; ++i)
        lane(values[i * step], l) = T(memory[offsets[l] + i * inner]);
  }

  /// `isMirrored`: entry -i mod n in place of entry i.
  template <typename Memory>
  [[gnu::always_inline]] void store(Lanes *values, int64_t step, T factor, Memory *memory, bool isMirrored) const {
    auto at = [=, this](int64_t i) -> Lanes & { return values[(isMirrored && i ? n - i : i) * step]; };
    int64_t done = 0;
    if constexpr (std::is_same_v<Memory, T> && lanes > 1) {
      if (inner == 1)
        for (; areWhole && done + lanes <= n; done += lanes) {
          Lanes block[lanes];
          for (int64_t i = 0; i < lanes; ++i)
            block[i] = factor * at(done + i);
          transpose<lanes / 2>(block);
          for (int64_t l = 0; l < lanes; ++l)
            if (offsets[l] >= 0)
              std::memcpy(memory + offsets[l] + done, &block[l], sizeof(Lanes));
        }
      else if (areNeighbours)
        for (; done < n; ++done) {
          Lanes scaled = factor * at(done);
          std::memcpy(memory + offsets[0] + done * inner, &scaled, sizeof(Lanes));
        }
    }
    for (int64_t l = 0; l < count; ++l)
      for (int64_t i = done; i < n && offsets[l] >= 0; ++i)
        memory[offsets[l] + i * inner] = Memory(factor * lane(at(i), l));
  }

  [[gnu::always_inline]] void clear(Lanes *values, int64_t step) const {
    for (int64_t i = 0; i < n; ++i)
      values[i * step] = Lanes{};
  }

private:
  static T &lane(Lanes &value, int64_t l) { return reinterpret_cast<T *>(&value)[l]; }

  int64_t n, inner, count;
  int64_t offsets[lanes];
  bool areWhole, areNeighbours;
};

/// Transforms of lines of length n, as one call does them.
template <typename Memory> struct Work {
  int64_t n;
  bool inverse = false;
  double scale = 1;
  /// Of operands and results: how far apart the entries of a line lie, and how many of a result are kept.
  int64_t inner, kept;
  const Memory *re = nullptr, *im = nullptr;       ///< im: null if it is 0
  Memory *resultRe = nullptr, *resultIm = nullptr; ///< resultIm: null if nothing asks for it
  /// Not 0: lines are the first m / 2 + 1 rows of matrices of m, and each result is stored mirrored as row m - k too.
  int64_t mirrored = 0;

  /// Where a line of `entries` entries begins in a tensor [..., entries, inner].
  int64_t placeOf(int64_t line, int64_t entries) const { return line / inner * inner * entries + line % inner; }
  int64_t placeOfResult(int64_t line) const {
    int64_t half = mirrored / 2 + 1;
    return mirrored ? (line / half * mirrored + line % half) * n : placeOf(line, kept);
  }
  int64_t placeOfMirror(int64_t line) const {
    int64_t half = mirrored / 2 + 1, k = line % half;
    return k == 0 || 2 * k == mirrored ? -1 : (line / half * mirrored + mirrored - k) * n;
  }
};

/// Lines [lo, hi), as many at a time as there are lanes; computed in T.
template <typename Memory, typename Lanes, typename T>
[[gnu::always_inline]] inline void transformLines(const Work<Memory> &work, int64_t lo, int64_t hi) {
  using Group = LineGroup<Lanes, T>;
  bool halves = work.n % 2 == 0 && (!work.im || !work.resultIm), unfolds = halves && !work.im,
       folds = halves && work.im;
  Scratch scratch;
  Fourier<Lanes, T> fourier(halves ? work.n / 2 : work.n, work.inverse, scratch);
  RealEnds<Lanes, T> ends(halves ? work.n : 0, work.inverse, scratch);
  T factor = T(work.scale) * (halves ? T(0.5) : T(1));
  for (int64_t first = lo; first < hi; first += Group::lanes) {
    int64_t count = std::min(Group::lanes, hi - first);
    Group group(work.n, work.inner, count, [&](int64_t l) { return work.placeOf(first + l, work.n); });
    Complex<Lanes> *values = folds ? ends.getLine() : fourier.input();
    group.load(work.re, &values->re, unfolds ? 1 : 2);
    if (work.im)
      group.load(work.im, &values->im, 2);
    else if (!unfolds)
      group.clear(&values->im, 2);
    if (folds)
      ends.fold(fourier.input());
    values = fourier.run();
    if (unfolds) {
      ends.unfold(values, work.kept == work.n);
      values = ends.getLine();
    }
    int64_t step = folds ? 1 : 2;
    Group result(work.kept, work.inner, count, [&](int64_t l) { return work.placeOfResult(first + l); });
    result.store(&values->re, step, factor, work.resultRe, false);
    if (work.resultIm)
      result.store(&values->im, step, factor, work.resultIm, false);
    if (!work.mirrored)
      continue;
    Group mirror(work.kept, work.inner, count, [&](int64_t l) { return work.placeOfMirror(first + l); });
    mirror.store(&values->re, step, factor, work.resultRe, true);
  }
}

template <typename T> [[gnu::always_inline]] inline void transform(const Work<T> &work, int64_t lo, int64_t hi) {
  if (!ftc_fft_has_lanes(work.n))
    transformLines<T, double, double>(work, lo, hi);
  else if (ftc_fft_length(work.n) != work.n)
    transformLines<T, Lines<double>::Type, double>(work, lo, hi);
  else
    transformLines<T, typename Lines<T>::Type, T>(work, lo, hi);
}

/// The work of ftc_fft_*.
template <typename T> Work<T> makeWork(void *const *buffers, const int64_t *immediates) {
  int64_t n = immediates[0];
  bool inverse = immediates[2] != 0, isReal = immediates[3] != 0, onlyReal = immediates[4] != 0;
  Work<T> work{.n = n, .inverse = inverse, .scale = inverse ? 1 / double(n) : 1, .inner = immediates[1], .kept = n};
  work.re = static_cast<const T *>(*buffers++);
  work.im = isReal ? nullptr : static_cast<const T *>(*buffers++);
  work.resultRe = static_cast<T *>(*buffers++);
  work.resultIm = onlyReal ? nullptr : static_cast<T *>(*buffers);
  return work;
}

/// The work of ftc_real_fft2_*.
template <typename T> Work<T> makeRealWork2(void *const *buffers, const int64_t *immediates) {
  int64_t count = immediates[1], m = immediates[2], n = immediates[3], half = m / 2 + 1;
  auto *spectrum = static_cast<T *>(buffers[2]), *imaginary = spectrum + count * half * n;
  if (immediates[0] == 0)
    return {.n = m,
            .inner = n,
            .kept = half,
            .re = static_cast<const T *>(buffers[0]),
            .resultRe = spectrum,
            .resultIm = imaginary};
  return {.n = n,
          .inner = 1,
          .kept = n,
          .re = spectrum,
          .im = imaginary,
          .resultRe = static_cast<T *>(buffers[1]),
          .mirrored = m};
}
} // namespace

#if defined(__x86_64__)
#define FTC_WIDEST_VECTORS [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define FTC_WIDEST_VECTORS
#endif

FTC_WIDEST_VECTORS static void transformFloats(const Work<float> &work, int64_t lo, int64_t hi) {
  transform(work, lo, hi);
}
FTC_WIDEST_VECTORS static void transformDoubles(const Work<double> &work, int64_t lo, int64_t hi) {
  transform(work, lo, hi);
}

extern "C" void ftc_fft_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  transformFloats(makeWork<float>(buffers, immediates), lo, hi);
}
extern "C" void ftc_fft_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  transformDoubles(makeWork<double>(buffers, immediates), lo, hi);
}
extern "C" void ftc_real_fft2_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  transformFloats(makeRealWork2<float>(buffers, immediates), lo, hi);
}
extern "C" void ftc_real_fft2_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  transformDoubles(makeRealWork2<double>(buffers, immediates), lo, hi);
}
