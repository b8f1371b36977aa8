// Fourier transforms of lines: Stockham's, of as many lines at a time as 64 bytes have numbers, one in each lane of a
// vector. A length with a large prime factor is done by Bluestein's convolution, whose length is a power of two; always
// in f64, since it loses more. Real numbers of even length are done, and made, as half as many complex ones (Sorensen
// et al. 1987, "Real-valued fast Fourier transform algorithms").

#include "ftc/Runtime/CPU/Decompositions.h"
#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <array>
#include <bit>
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
  constexpr int64_t most = 32;
  Complex<double> fine[most];
  int64_t step = 1;
  while (step < most && step * step < count)
    step *= 2;
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
      if (radix == 8)
        pass<8>(x, other, rest, stride, sign);
      else if (radix == 4)
        pass<4>(x, other, rest, stride, sign);
      else if (radix == 3)
        pass<3>(x, other, rest, stride, sign);
      else if (radix == 2)
        pass<2>(x, other, rest, stride, sign);
      else
        passOf(radix, x, other, rest, stride, sign);
      stride *= radix;
      std::swap(x, other);
    }
    return x;
  }

private:
  Root root(int64_t power, T sign) const { return {roots[power].re, sign * roots[power].im}; }

  /// y[q + stride (radix p + k)] = w^(p k) sum over j of x[q + stride (p + count j)] exp(sign 2 pi i j k / radix)
  template <int radix>
  [[gnu::always_inline]] void pass(const Value *x, Value *y, int64_t count, int64_t stride, T sign) const {
    for (int64_t p = 0; p < count; ++p) {
      Root w[radix];
      for (int k = 1; k < radix; ++k)
        w[k] = root(k * p * stride, sign);
      for (int64_t q = 0; q < stride; ++q) {
        const Value *from = x + q + stride * p;
        Value *to = y + q + stride * radix * p;
        Value sums[radix];
        for (int j = 0; j < radix; ++j)
          sums[j] = from[j * stride * count];
        transform(sums, sign);
        to[0] = sums[0];
        for (int k = 1; k < radix; ++k) {
          multiply(sums[k], w[k]);
          to[k * stride] = sums[k];
        }
      }
    }
  }

  /// a and b become a + b and a - b.
  [[gnu::always_inline]] static void spread(Value &a, Value &b) {
    Value sum{a.re + b.re, a.im + b.im};
    b = {a.re - b.re, a.im - b.im};
    a = sum;
  }

  // Transforms of few numbers, in place.
  [[gnu::always_inline]] static void transform(Value (&x)[2], T) { spread(x[0], x[1]); }
  [[gnu::always_inline]] static void transform(Value (&x)[3], T sign) {
    const T half = T(0.5), height = sign * T(std::numbers::sqrt3 / 2);
    spread(x[1], x[2]);
    Value middle{x[0].re - half * x[1].re, x[0].im - half * x[1].im};
    Value turned{-height * x[2].im, height * x[2].re}; // sign i sin(pi / 3) (x_1 - x_2)
    x[0] = {x[0].re + x[1].re, x[0].im + x[1].im};
    x[1] = {middle.re + turned.re, middle.im + turned.im};
    x[2] = {middle.re - turned.re, middle.im - turned.im};
  }
  [[gnu::always_inline]] static void transform(Value (&x)[4], T sign) {
    spread(x[0], x[2]);
    spread(x[1], x[3]);
    Value turned{-sign * x[3].im, sign * x[3].re}; // sign i (x_1 - x_3)
    x[3] = {x[2].re - turned.re, x[2].im - turned.im};
    Value second{x[2].re + turned.re, x[2].im + turned.im};
    x[2] = {x[0].re - x[1].re, x[0].im - x[1].im};
    x[0] = {x[0].re + x[1].re, x[0].im + x[1].im};
    x[1] = second;
  }
  [[gnu::always_inline]] static void transform(Value (&x)[8], T sign) {
    const T root = T(1 / std::numbers::sqrt2);
    Value even[4] = {x[0], x[2], x[4], x[6]}, odd[4] = {x[1], x[3], x[5], x[7]};
    transform(even, sign);
    transform(odd, sign);
    // Times exp(sign 2 pi i k / 8).
    odd[1] = {root * (odd[1].re - sign * odd[1].im), root * (odd[1].im + sign * odd[1].re)};
    odd[2] = {-sign * odd[2].im, sign * odd[2].re};
    odd[3] = {-root * (odd[3].re + sign * odd[3].im), root * (sign * odd[3].re - odd[3].im)};
    for (int k = 0; k < 4; ++k) {
      spread(even[k], odd[k]);
      x[k] = even[k];
      x[k + 4] = odd[k];
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
      : half(n / 2), sign(inverse ? 1 : -1), line(scratch.take<Value>(n)), roots(scratch.take<Root>(half / 2 + 1)) {
    makeRoots(n, n > 0 ? half / 2 + 1 : 0, roots);
  }

  /// n complex numbers.
  Value *getLine() { return line; }

  /// Calls put(k, value) for k <= n / 2 with twice the transform of the real numbers; z: that of the n / 2 complex
  /// ones.
  template <typename Put> [[gnu::always_inline]] void unfold(const Value *z, Put put) const {
    put(0, Value{2 * (z[0].re + z[0].im), Lanes{}});
    put(half, Value{2 * (z[0].re - z[0].im), Lanes{}});
    for (int64_t k = 1; 2 * k <= half; ++k) {
      const Value &a = z[k], &b = z[half - k];
      Value even{a.re + b.re, a.im - b.im}, odd{a.im + b.im, b.re - a.re}; // (a - conj b) / i
      multiply(odd, root(k));
      put(k, Value{even.re + odd.re, even.im + odd.im});
      put(half - k, Value{even.re - odd.re, odd.im - even.im});
    }
  }

  /// The same into the line: half of it, or all.
  [[gnu::always_inline]] void unfoldLine(const Value *z, bool isWhole) const {
    unfold(z, [this](int64_t k, const Value &value) { line[k] = value; });
    for (int64_t k = 1; isWhole && k < half; ++k)
      line[2 * half - k] = {line[k].re, -line[k].im};
  }

  /// z, n / 2 numbers: their transform is twice the real part of that of n / 2 + 1 numbers get(k), whose others are the
  /// conjugates of those, times `weight` / 2.
  template <typename Get> [[gnu::always_inline]] void fold(Value *z, T weight, Get get) const {
    Lanes first = 2 * get(0).re, middle = 2 * get(half).re;
    z[0] = {first + middle, first - middle};
    for (int64_t k = 1; 2 * k <= half; ++k) {
      Value a = get(k), b = get(half - k);
      for (Lanes *part : {&a.re, &a.im, &b.re, &b.im})
        *part *= weight;
      Value sum{a.re + b.re, a.im - b.im}, difference{a.re - b.re, a.im + b.im};
      multiply(difference, root(k));
      z[k] = {sum.re - difference.im, sum.im + difference.re};
      z[half - k] = {sum.re + difference.im, difference.re - sum.im};
    }
  }

  /// The same of the line, all of which counts if `isWhole`.
  [[gnu::always_inline]] void foldLine(Value *z, T weight, bool isWhole) const {
    for (int64_t k = 1; isWhole && k < half; ++k) {
      const Value &mirror = line[2 * half - k];
      line[k] = {line[k].re + mirror.re, line[k].im - mirror.im};
    }
    fold(z, isWhole ? 1 : weight, [this](int64_t k) { return line[k]; });
  }

private:
  [[gnu::always_inline]] Root root(int64_t power) const { return {roots[power].re, sign * roots[power].im}; }

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

  /// `rest` lines, at most as many as there are lanes, of n entries that lie `inner` elements apart, from
  /// offsetOf(line) on; -1: it is left out.
  template <typename OffsetOf>
  [[gnu::always_inline]] void set(int64_t entries, int64_t apart, int64_t rest, OffsetOf offsetOf) {
    n = entries;
    inner = apart;
    count = std::clamp<int64_t>(rest, 0, lanes);
    areWhole = count == lanes;
    areNeighbours = areWhole && inner > 1;
    for (int64_t l = 0; l < count; ++l) {
      offsets[l] = offsetOf(l);
      areNeighbours &= offsets[l] == offsets[0] + l;
    }
  }

  /// Has the second cache fetch what is loaded a little later; of memory that is not there, nothing.
  template <typename Memory> [[gnu::always_inline]] void fetch(const Memory *memory) const {
    constexpr int64_t inLine = 64 / sizeof(Memory);
    if (!memory || !areWhole)
      return;
    if (areNeighbours)
      for (int64_t i = 0; i < n; ++i)
        __builtin_prefetch(memory + offsets[0] + i * inner, 0, 2);
    else if (inner == 1)
      for (int64_t l = 0; l < lanes; ++l)
        for (int64_t i = 0; i < n; i += inLine)
          __builtin_prefetch(memory + offsets[l] + i, 0, 2);
  }

  /// Whether entries of all lines are vectors in such memory.
  template <typename Memory> [[gnu::always_inline]] bool areVectors() const {
    return std::is_same_v<Memory, T> && lanes > 1 && areNeighbours;
  }
  template <typename Memory> [[gnu::always_inline]] void get(const Memory *memory, int64_t i, Lanes &value) const {
    std::memcpy(&value, memory + offsets[0] + i * inner, sizeof(Lanes));
  }
  template <typename Memory> [[gnu::always_inline]] void put(Memory *memory, int64_t i, const Lanes &value) const {
    std::memcpy(memory + offsets[0] + i * inner, &value, sizeof(Lanes));
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
          get(memory, done, values[done * step]);
    }
    for (int64_t l = 0; l < count; ++l)
      for (int64_t i = done; i < n; ++i)
        lane(values[i * step], l) = T(memory[offsets[l] + i * inner]);
  }

  /// `isMirrored`: entry -i mod n in place of entry i.
  template <typename Memory>
  [[gnu::always_inline]] void store(Lanes *values, int64_t step, T factor, Memory *memory, bool isMirrored) const {
    auto own = [=, this](int64_t i) -> Lanes & { return values[(isMirrored && i ? n - i : i) * step]; };
    int64_t done = 0;
    if constexpr (std::is_same_v<Memory, T> && lanes > 1) {
      if (inner == 1)
        for (; areWhole && done + lanes <= n; done += lanes) {
          Lanes block[lanes];
          for (int64_t i = 0; i < lanes; ++i)
            block[i] = factor * own(done + i);
          transpose<lanes / 2>(block);
          for (int64_t l = 0; l < lanes; ++l)
            if (offsets[l] >= 0)
              std::memcpy(memory + offsets[l] + done, &block[l], sizeof(Lanes));
        }
      else if (areNeighbours)
        for (; done < n; ++done)
          put(memory, done, factor * own(done));
    }
    for (int64_t l = 0; l < count; ++l)
      for (int64_t i = done; i < n && offsets[l] >= 0; ++i)
        memory[offsets[l] + i * inner] = Memory(factor * lane(own(i), l));
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

/// Where the lines of a tensor are: their entries lie `apart`, the last of `dims` numbers that count lines varies
/// first.
struct LinePlaces {
  int64_t apart = 0, dims = 0;
  std::array<int64_t, FTC_FFT_MOST_DIMS> sizes{}, strides{};

  int64_t placeOf(int64_t line) const {
    int64_t place = 0;
    for (int64_t dim = dims - 1; dim >= 0; --dim) {
      place += line % sizes[dim] * strides[dim];
      line /= sizes[dim];
    }
    return place;
  }
};

/// Goes from line to line.
class LineCursor {
public:
  LineCursor(const LinePlaces &places, int64_t line) : places(places), line(line) { find(); }

  int64_t next() {
    if (left == 0)
      find();
    --left;
    ++line;
    return std::exchange(place, place + stride);
  }

private:
  void find() {
    place = places.placeOf(line);
    int64_t last = places.dims - 1;
    left = last < 0 ? 1 : places.sizes[last] - line % places.sizes[last];
    stride = last < 0 ? 0 : places.strides[last];
  }

  const LinePlaces &places;
  int64_t line, place, left, stride;
};

/// Transforms of `count` lines of length n, as one call does them.
template <typename Memory> struct Work {
  int64_t n, count;
  bool inverse = false;
  double factor = 1;
  /// How many entries operands and results have: n, or n / 2 + 1. What operands lack are the conjugates of the others.
  int64_t given, kept;
  /// How often an entry counts that has a conjugate.
  double weight = 1;
  LinePlaces from{}, to{};
  const Memory *re = nullptr, *im = nullptr;       ///< im: null if it is 0
  Memory *resultRe = nullptr, *resultIm = nullptr; ///< resultIm: null if nothing asks for it
  /// Not 0: lines are the first m / 2 + 1 rows of matrices of m, and each result is stored mirrored as row m - k too.
  int64_t mirrored = 0;

  bool isOfHalf() const { return given < n; }

  int64_t placeOfMirror(int64_t line) const {
    int64_t half = mirrored / 2 + 1, k = line % half;
    return k == 0 || 2 * k == mirrored ? -1 : (line / half * mirrored + mirrored - k) * n;
  }
};

/// Fills in what a half of a line lacks, of odd length.
template <typename Lanes, typename T>
[[gnu::always_inline]] inline void complete(Complex<Lanes> *line, int64_t n, T weight) {
  for (int64_t k = 1; 2 * k < n; ++k) {
    line[k] = {T(0.5) * weight * line[k].re, T(0.5) * weight * line[k].im};
    line[n - k] = {line[k].re, -line[k].im};
  }
}

/// Computes in T, as many lines at a time as there are lanes.
template <typename Memory, typename Lanes, typename T> class LineTransforms {
public:
  using Value = Complex<Lanes>;
  using Group = LineGroup<Lanes, T>;

  [[gnu::always_inline]] explicit LineTransforms(const Work<Memory> &work)
      : work(work), halves(work.n % 2 == 0 && (!work.im || !work.resultIm)), unfolds(halves && !work.im),
        folds(halves && work.im), factor(T(work.factor) * (halves ? T(0.5) : T(1))), weight(T(work.weight)),
        fourier(halves ? work.n / 2 : work.n, work.inverse, scratch), ends(halves ? work.n : 0, work.inverse, scratch) {
  }

  /// Lines [lo, hi).
  [[gnu::always_inline]] void run(int64_t lo, int64_t hi) {
    LineCursor from(work.from, lo), to(work.to, lo);
    auto nextFrom = [&](int64_t) { return from.next(); };
    auto nextTo = [&](int64_t) { return to.next(); };
    Group groups[2], result;
    groups[0].set(work.given, work.from.apart, hi - lo, nextFrom);
    for (int64_t first = lo, number = 0; first < hi; first += Group::lanes, ++number) {
      Group &group = groups[number % 2], &next = groups[(number + 1) % 2];
      next.set(work.given, work.from.apart, hi - first - Group::lanes, nextFrom);
      next.fetch(work.re);
      next.fetch(work.im);
      take(group);
      result.set(work.kept, work.to.apart, hi - first, nextTo);
      Value *values = fourier.run();
      give(values, result);
      if (!work.mirrored)
        continue;
      result.set(work.kept, work.to.apart, hi - first, [&](int64_t l) { return work.placeOfMirror(first + l); });
      result.store(&values->re, folds ? 1 : 2, factor, work.resultRe, true);
    }
  }

private:
  /// Makes the input of what stands between real ends, if they are real.
  [[gnu::always_inline]] void take(const Group &group) {
    if (folds && work.isOfHalf() && group.template areVectors<Memory>())
      return ends.fold(fourier.input(), weight, [&](int64_t k) {
        Value value;
        group.get(work.re, k, value.re);
        group.get(work.im, k, value.im);
        return value;
      });
    Value *values = folds ? ends.getLine() : fourier.input();
    group.load(work.re, &values->re, unfolds ? 1 : 2);
    if (work.im)
      group.load(work.im, &values->im, 2);
    else if (!unfolds)
      group.clear(&values->im, 2);
    if (folds)
      ends.foldLine(fourier.input(), weight, !work.isOfHalf());
    else if (work.isOfHalf())
      complete(values, work.n, weight);
  }

  [[gnu::always_inline]] T factorOf(int64_t k) const { return k == 0 || 2 * k == work.n ? factor : factor * weight; }

  [[gnu::always_inline]] void give(Value *values, const Group &result) {
    bool isHalf = work.kept < work.n;
    if (unfolds && isHalf && work.resultIm && result.template areVectors<Memory>())
      return ends.unfold(values, [&](int64_t k, const Value &value) {
        result.put(work.resultRe, k, factorOf(k) * value.re);
        result.put(work.resultIm, k, factorOf(k) * value.im);
      });
    if (unfolds) {
      ends.unfoldLine(values, !isHalf);
      values = ends.getLine();
    }
    for (int64_t k = 1; isHalf && 2 * k < work.n; ++k)
      values[k] = {weight * values[k].re, weight * values[k].im};
    result.store(&values->re, folds ? 1 : 2, factor, work.resultRe, false);
    if (work.resultIm)
      result.store(&values->im, 2, factor, work.resultIm, false);
  }

  const Work<Memory> &work;
  bool halves, unfolds, folds;
  T factor, weight;
  Scratch scratch;
  Fourier<Lanes, T> fourier;
  RealEnds<Lanes, T> ends;
};

/// Items [lo, hi).
template <typename T> [[gnu::always_inline]] inline void transform(const Work<T> &work, int64_t lo, int64_t hi) {
  int64_t together = ftc_fft_together(work.n);
  lo *= together;
  hi = std::min(hi * together, work.count);
  if (!ftc_fft_has_lanes(work.n))
    LineTransforms<T, double, double>(work).run(lo, hi);
  else if (ftc_fft_length(work.n) != work.n)
    LineTransforms<T, Lines<double>::Type, double>(work).run(lo, hi);
  else
    LineTransforms<T, typename Lines<T>::Type, T>(work).run(lo, hi);
}

LinePlaces readPlaces(const int64_t *&immediates) {
  LinePlaces places{.apart = *immediates++, .dims = *immediates++};
  for (auto *numbers : {&places.sizes, &places.strides})
    for (int64_t dim = 0; dim < places.dims; ++dim)
      (*numbers)[dim] = *immediates++;
  return places;
}

/// The work of ftc_fft_*.
template <typename T> Work<T> makeWork(void *const *buffers, const int64_t *immediates) {
  Work<T> work{.n = immediates[FTC_FFT_LENGTH],
               .count = immediates[FTC_FFT_COUNT],
               .inverse = immediates[FTC_FFT_INVERSE] != 0,
               .factor = std::bit_cast<double>(immediates[FTC_FFT_FACTOR]),
               .given = immediates[FTC_FFT_GIVEN],
               .kept = immediates[FTC_FFT_KEPT],
               .weight = double(immediates[FTC_FFT_WEIGHT])};
  bool isReal = immediates[FTC_FFT_IS_REAL] != 0, givesReal = immediates[FTC_FFT_GIVES_REAL] != 0;
  immediates += FTC_FFT_PLACES;
  work.from = readPlaces(immediates);
  work.to = readPlaces(immediates);
  work.re = static_cast<const T *>(*buffers++);
  work.im = isReal ? nullptr : static_cast<const T *>(*buffers++);
  work.resultRe = static_cast<T *>(*buffers++);
  work.resultIm = givesReal ? nullptr : static_cast<T *>(*buffers);
  return work;
}

/// The work of ftc_real_fft2_*.
template <typename T> Work<T> makeRealWork2(void *const *buffers, const int64_t *immediates) {
  int64_t count = immediates[1], m = immediates[2], n = immediates[3], half = m / 2 + 1;
  auto *spectrum = static_cast<T *>(buffers[2]), *imaginary = spectrum + count * half * n;
  auto columnsOf = [=](int64_t rows) {
    return LinePlaces{.apart = n, .dims = 2, .sizes = {count, n}, .strides = {rows * n, 1}};
  };
  auto rowsOf = [=](int64_t rows, int64_t all) {
    return LinePlaces{.apart = 1, .dims = 2, .sizes = {count, rows}, .strides = {all * n, n}};
  };
  if (immediates[0] == 0)
    return {.n = m,
            .count = count * n,
            .given = m,
            .kept = half,
            .from = columnsOf(m),
            .to = columnsOf(half),
            .re = static_cast<const T *>(buffers[0]),
            .resultRe = spectrum,
            .resultIm = imaginary};
  return {.n = n,
          .count = count * half,
          .given = n,
          .kept = n,
          .from = rowsOf(half, half),
          .to = rowsOf(half, m),
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
