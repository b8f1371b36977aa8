// The counter-based generator of dropout, initial values and sampling: a number is a function of (key, site, index), so
// that it is recomputed instead of stored, and does not depend on threads, micro-batches or a resumed run.
#ifndef FTC_RUNTIME_CORE_PHILOX_H
#define FTC_RUNTIME_CORE_PHILOX_H

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace ftc {

/// Philox 4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), bit-equal with Random123.
constexpr std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t left = uint64_t(0xD2511F53) * counter[0], right = uint64_t(0xCD9E8D57) * counter[2];
    counter = {uint32_t(right >> 32) ^ counter[1] ^ key[0], uint32_t(right), uint32_t(left >> 32) ^ counter[3] ^ key[1],
               uint32_t(left)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// The block of four words that holds the numbers 4 * block to 4 * block + 3 of a site: counter (block, site), low half
/// first, under `key`.
constexpr std::array<uint32_t, 4> randomBlock(uint64_t key, uint64_t site, uint64_t block) {
  return philox({uint32_t(block), uint32_t(block >> 32), uint32_t(site), uint32_t(site >> 32)},
                {uint32_t(key), uint32_t(key >> 32)});
}

/// A uniform number on [0, 1) in steps of 2^-24 is the upper 24 bits of a word: exact in f32 and f64 alike.
constexpr uint32_t toUniformBits(uint32_t word) { return word >> 8; }
constexpr double kUniformStep = 0x1p-24;

/// Number `index` of a site, uniform on [0, 1).
constexpr double randomUniform(uint64_t key, uint64_t site, uint64_t index) {
  return toUniformBits(randomBlock(key, site, index / 4)[index % 4]) * kUniformStep;
}

/// Series of the functions below, the highest power first; each operation is rounded, so that kernels that do the same
/// in vectors give the same bits.
namespace series {
/// atanh(s) / s in s^2: log(m) = 2 atanh((m - 1) / (m + 1)).
inline constexpr double atanh[] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                   1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
/// sin(x) / x and cos(x) in x^2.
inline constexpr double sine[] = {-1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880,
                                  -1.0 / 5040,          1.0 / 120,        -1.0 / 6,        1.0};
inline constexpr double cosine[] = {1.0 / 20922789888000,
                                    -1.0 / 87178291200,
                                    1.0 / 479001600,
                                    -1.0 / 3628800,
                                    1.0 / 40320,
                                    -1.0 / 720,
                                    1.0 / 24,
                                    -1.0 / 2,
                                    1.0};
/// Bits of the square root of 1/2: mantissas are taken from there to the square root of 2.
inline constexpr int64_t kLeastMantissa = 0x3FE6A09E667F3BCD;
inline constexpr double kLog2 = 0.693147180559945309417, kHalfPi = 1.570796326794896619231;

template <size_t n> constexpr double sum(const double (&coefficients)[n], double x) {
  double result = coefficients[0];
  for (size_t i = 1; i < n; ++i)
    result = result * x + coefficients[i];
  return result;
}
} // namespace series

/// Number `index` of a site, standard normal: Box and Muller's transform of words 0 and 1 of a block gives its numbers
/// 0 (cosine) and 1 (sine), words 2 and 3 give 2 and 3.
inline double randomNormal(uint64_t key, uint64_t site, uint64_t index) {
  std::array<uint32_t, 4> words = randomBlock(key, site, index / 4);
  unsigned pair = index % 4 / 2 * 2;
  auto bits = std::bit_cast<int64_t>((toUniformBits(words[pair]) + 1) * kUniformStep);
  int64_t exponent = (bits - series::kLeastMantissa) >> 52;
  auto mantissa = std::bit_cast<double>(bits - (exponent << 52));
  double s = (mantissa - 1) / (mantissa + 1);
  double logarithm = static_cast<double>(exponent) * series::kLog2 + 2 * s * series::sum(series::atanh, s * s);
  double radius = std::sqrt(-2 * logarithm);
  double quarters = toUniformBits(words[pair + 1]) * (4 * kUniformStep), nearest = std::floor(quarters + 0.5);
  double x = (quarters - nearest) * series::kHalfPi, square = x * x;
  double sine = x * series::sum(series::sine, square), cosine = series::sum(series::cosine, square);
  bool isOdd = index % 2 != 0;
  auto quarter = static_cast<int64_t>(nearest);
  double value = ((quarter & 1) != 0) == isOdd ? cosine : sine;
  bool isNegative = isOdd ? (quarter & 2) != 0 : ((quarter + 1) & 2) != 0;
  return radius * (isNegative ? -value : value);
}

} // namespace ftc

#endif // FTC_RUNTIME_CORE_PHILOX_H
