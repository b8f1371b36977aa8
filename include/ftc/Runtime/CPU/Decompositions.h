// Kernels of the runtime on whole matrices and whole rows, with the interface of ftc_kernel; plain C, since it is part
// of the interface between compiler and runtime. An item is one matrix, or one row. Each comes for elements f32 and f64
// and computes in f64 inside. The last buffer of matrix kernels is a workspace of ftc_*_workspace elements of f64 for
// each item; row kernels use the thread's memory (ftc_scratch), of ftc_*_scratch bytes.
#ifndef FTC_RUNTIME_CPU_DECOMPOSITIONS_H
#define FTC_RUNTIME_CPU_DECOMPOSITIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// buffers: a [n, n], y [n, m], result [n, m]; immediates: n, m.
void ftc_solve_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_solve_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
static inline int64_t ftc_solve_workspace(int64_t n, int64_t m) { return n * (n + m); }

/// buffers: x [m, n], m >= n, q [m, n], r [n, n]; immediates: m, n.
void ftc_qr_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_qr_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
static inline int64_t ftc_qr_workspace(int64_t m, int64_t n) { return n * m + 2 * n + m; }

/// buffers: x [m, n], u [m, k], s [k], v [k, n]; immediates: m, n, k.
void ftc_svd_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_svd_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
static inline int64_t ftc_svd_workspace(int64_t m, int64_t n) {
  int64_t few = m < n ? m : n, many = m < n ? n : m;
  return few * many + 3 * few * few + 8 * few + many;
}

/// buffers: x [n, n], w [k], q [n, k]; immediates: n, k.
void ftc_eigh_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_eigh_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
static inline int64_t ftc_eigh_workspace(int64_t n) { return 2 * n * n + 6 * n; }

/// Places of the k largest, from the largest on; of equal ones the first comes first, NaN last. buffers: x [n], result
/// i32 [k]; immediates: n, k.
void ftc_argsort_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_argsort_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_argsort_i32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
static inline int64_t ftc_argsort_scratch(int64_t n) { return 4 * n; }

/// Immediates of ftc_fft_*.
enum {
  FTC_FFT_LENGTH,     ///< n, of a line
  FTC_FFT_COUNT,      ///< of lines
  FTC_FFT_GIVEN,      ///< entries of the operands' lines: n, or n / 2 + 1, of which the others are the conjugates
  FTC_FFT_KEPT,       ///< entries of the results' lines: n, or n / 2 + 1
  FTC_FFT_INVERSE,    ///< 1: exp(2 pi i j k / n) instead of exp(-2 pi i j k / n)
  FTC_FFT_IS_REAL,    ///< 1: there is no im, it is zero
  FTC_FFT_GIVES_REAL, ///< 1: there is no result for the imaginary part
  FTC_FFT_WEIGHT,     ///< how often those of n / 2 + 1 entries count that have a conjugate: 1 or 2
  FTC_FFT_FACTOR,     ///< of the results, the bits of an f64
  FTC_FFT_PLACES      ///< from here on: where the lines of the operands are, then where those of the results are
};
/// Where lines are is said by: how far apart the entries of a line lie; by how many numbers lines are counted, at most
/// so many, the last of which varies first; how many each of them counts; how far apart these are.
enum { FTC_FFT_MOST_DIMS = 8 };
/// y_k = factor sum x_j exp(-2 pi i j k / n) along lines. An item is ftc_fft_together(n) lines. buffers: re, im, their
/// transforms.
void ftc_fft_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_fft_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
/// y_kl = sum x_jh cos(2 pi (j k / m + h l / n)) of `count` matrices, in two calls. buffers: x [count, m, n], y like x,
/// a workspace of the complex spectrum [2, count, m / 2 + 1, n]; immediates: 0 for the first call, for the `count n`
/// lines along m, or 1 for the second, for the `count (m / 2 + 1)` rows of the spectrum; count, m, n. An item is
/// ftc_fft_together of the lines' length.
void ftc_real_fft2_f32(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
void ftc_real_fft2_f64(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi);
/// The radix by which a transform of length n > 1 is begun: 8 or 4, for few passes, or else its least prime factor.
static inline int64_t ftc_fft_radix(int64_t n) {
  if (n % 8 == 0 && n % 32 != 16)
    return 8;
  if (n % 4 == 0)
    return 4;
  for (int64_t radix = 2; radix * radix <= n; ++radix)
    if (n % radix == 0)
      return radix;
  return n;
}
/// The length of the transform by which one of length n is done: its own, if it has no large prime factor, or a power
/// of two.
static inline int64_t ftc_fft_length(int64_t n) {
  int64_t rest = n, length = 1;
  while (rest > 1 && ftc_fft_radix(rest) <= 13)
    rest /= ftc_fft_radix(rest);
  if (rest <= 1)
    return n;
  while (length < 2 * n - 1)
    length *= 2;
  return length;
}
/// Whether lines are transformed side by side in vectors of 64 bytes: not where they would not stay in a cache.
static inline int ftc_fft_has_lanes(int64_t n) { return n <= 1 << 13; }
/// Whole vectors of lines, of which a thread takes many: the roots of unity are made anew each time.
static inline int64_t ftc_fft_together(int64_t n) { return ftc_fft_has_lanes(n) ? 32 : 1; }
static inline int64_t ftc_fft_scratch(int64_t n) {
  int64_t length = ftc_fft_length(n), rows = length == n ? 2 : 3;
  int64_t roundedUp = 7 * 64; // each of the arrays to whole cache lines
  return 16 * (rows * length * (ftc_fft_has_lanes(n) ? 8 : 1) + length + n) + roundedUp;
}

#ifdef __cplusplus
}
#endif

#endif // FTC_RUNTIME_CPU_DECOMPOSITIONS_H
