// The counter-based generator of dropout, initial values and sampling: a number is a function of (key, site, index), so
// that it is recomputed instead of stored, and does not depend on threads, micro-batches or a resumed run.
#ifndef FTC_RUNTIME_CORE_PHILOX_H
#define FTC_RUNTIME_CORE_PHILOX_H

#include <array>
#include <cmath>
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

/// Number `index` of a site, standard normal: Box and Muller's transform of words 0 and 1 of a block gives its numbers
/// 0 (cosine) and 1 (sine), words 2 and 3 give 2 and 3.
inline double randomNormal(uint64_t key, uint64_t site, uint64_t index) {
  constexpr double kTwoPi = 6.283185307179586476925286766559;
  std::array<uint32_t, 4> words = randomBlock(key, site, index / 4);
  unsigned pair = index % 4 / 2 * 2;
  double radius = std::sqrt(-2.0 * std::log((toUniformBits(words[pair]) + 1) * kUniformStep));
  double angle = kTwoPi * (toUniformBits(words[pair + 1]) * kUniformStep);
  return radius * (index % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

} // namespace ftc

#endif // FTC_RUNTIME_CORE_PHILOX_H
