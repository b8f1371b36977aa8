// Kernels of whole rows: sorting, Fourier transforms.

#include "ftc/Runtime/CPU/Decompositions.h"
#include "ftc/Runtime/CPU/Program.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace {
template <typename T> void argsortItems(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t n = immediates[0], k = immediates[1];
  auto *places = static_cast<int32_t *>(ftc_scratch());
  for (int64_t item = lo; item < hi; ++item) {
    const T *x = static_cast<const T *>(buffers[0]) + item * n;
    std::iota(places, places + n, 0);
    std::partial_sort(places, places + k, places + n, [x](int32_t a, int32_t b) {
      bool aIsNumber = x[a] == x[a], bIsNumber = x[b] == x[b];
      if (!aIsNumber || !bIsNumber || x[a] == x[b])
        return aIsNumber != bIsNumber ? aIsNumber : a < b;
      return x[a] > x[b];
    });
    std::copy(places, places + k, static_cast<int32_t *>(buffers[1]) + item * k);
  }
}

/// Fourier transforms of one length, by powers of two: of another length by Bluestein's convolution.
class Fourier {
public:
  Fourier(int64_t n, bool inverse, double *memory)
      : n(n), length(ftc_fft_length(n)), sign(inverse ? 1 : -1), cosines(memory), sines(cosines + length / 2),
        re(sines + length / 2), im(re + length), filterRe(im + length), filterIm(filterRe + length),
        chirpRe(filterIm + length), chirpIm(chirpRe + n) {
    for (int64_t i = 0; i < length / 2; ++i) {
      double angle = 2 * std::numbers::pi * double(i) / double(length);
      cosines[i] = std::cos(angle);
      sines[i] = std::sin(angle);
    }
    if (length != n)
      makeChirp();
  }

  double *real() { return re; }
  double *imaginary() { return im; }

  /// The transform of the row in `real` and `imaginary`, in place; that of the inverse is not divided by n.
  void run() {
    if (length == n)
      transform(re, im, sign);
    else
      convolve();
  }

private:
  /// exp(sign i pi j^2 / n) and the transform of its conjugate, round the end.
  void makeChirp() {
    std::fill(filterRe, filterRe + length, 0.0);
    std::fill(filterIm, filterIm + length, 0.0);
    for (int64_t j = 0; j < n; ++j) {
      double angle = sign * std::numbers::pi * double(j * j % (2 * n)) / double(n);
      chirpRe[j] = std::cos(angle);
      chirpIm[j] = std::sin(angle);
      for (int64_t place : {j, (length - j) % length}) {
        filterRe[place] = chirpRe[j];
        filterIm[place] = -chirpIm[j];
      }
    }
    transform(filterRe, filterIm, -1);
  }

  void convolve() {
    for (int64_t j = 0; j < n; ++j)
      multiply(re[j], im[j], chirpRe[j], chirpIm[j]);
    std::fill(re + n, re + length, 0.0);
    std::fill(im + n, im + length, 0.0);
    transform(re, im, -1);
    for (int64_t j = 0; j < length; ++j)
      multiply(re[j], im[j], filterRe[j], filterIm[j]);
    transform(re, im, 1);
    for (int64_t j = 0; j < n; ++j)
      multiply(re[j], im[j], chirpRe[j] / double(length), chirpIm[j] / double(length));
  }

  static void multiply(double &re, double &im, double otherRe, double otherIm) {
    double real = re * otherRe - im * otherIm;
    im = re * otherIm + im * otherRe;
    re = real;
  }

  /// Sums of x_j exp(sign 2 pi i j k / length), unscaled.
  void transform(double *x, double *y, double direction) const {
    for (int64_t i = 1, j = 0; i < length; ++i) { // bits in reverse
      int64_t bit = length / 2;
      for (; j & bit; bit /= 2)
        j ^= bit;
      j ^= bit;
      if (i < j) {
        std::swap(x[i], x[j]);
        std::swap(y[i], y[j]);
      }
    }
    for (int64_t half = 1; half < length; half *= 2)
      for (int64_t start = 0; start < length; start += 2 * half)
        for (int64_t k = 0; k < half; ++k) {
          int64_t angle = k * (length / (2 * half)), a = start + k, b = a + half;
          double re = x[b], im = y[b];
          multiply(re, im, cosines[angle], direction * sines[angle]);
          x[b] = x[a] - re;
          y[b] = y[a] - im;
          x[a] += re;
          y[a] += im;
        }
  }

  int64_t n, length;
  double sign;
  double *cosines, *sines, *re, *im, *filterRe, *filterIm, *chirpRe, *chirpIm;
};

template <typename T> void fftItems(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  int64_t n = immediates[0];
  bool inverse = immediates[1] != 0;
  Fourier fourier(n, inverse, static_cast<double *>(ftc_scratch()));
  double factor = inverse ? 1 / double(n) : 1;
  for (int64_t item = lo; item < hi; ++item) {
    std::copy_n(static_cast<const T *>(buffers[0]) + item * n, n, fourier.real());
    std::copy_n(static_cast<const T *>(buffers[1]) + item * n, n, fourier.imaginary());
    fourier.run();
    for (int64_t i = 0; i < n; ++i) {
      static_cast<T *>(buffers[2])[item * n + i] = T(factor * fourier.real()[i]);
      static_cast<T *>(buffers[3])[item * n + i] = T(factor * fourier.imaginary()[i]);
    }
  }
}
} // namespace

extern "C" void ftc_argsort_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  argsortItems<float>(buffers, immediates, lo, hi);
}
extern "C" void ftc_argsort_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  argsortItems<double>(buffers, immediates, lo, hi);
}
extern "C" void ftc_argsort_i32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  argsortItems<int32_t>(buffers, immediates, lo, hi);
}
extern "C" void ftc_fft_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  fftItems<float>(buffers, immediates, lo, hi);
}
extern "C" void ftc_fft_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  fftItems<double>(buffers, immediates, lo, hi);
}
