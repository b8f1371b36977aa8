#include "Permutation.h"

#include "ftc/Runtime/Core/Philox.h"

#include <numeric>
#include <utility>

namespace ftc::runtime::data {

namespace {

/// Sites of the generator that are no program's: a program numbers its own from 0.
constexpr uint64_t shuffleSites = uint64_t{0xDA7A} << 48;

/// A number from 0 to bound-1, the high part of a 64-bit random number times `bound`.
uint32_t below(uint64_t seed, uint64_t site, uint64_t index, uint32_t bound) {
  std::array<uint32_t, 4> words = randomBlock(seed, site, index);
  uint64_t low = uint64_t{words[1]} * bound >> 32;
  return static_cast<uint32_t>((uint64_t{words[0]} * bound + low) >> 32);
}

} // namespace

std::vector<uint32_t> permutation(uint32_t count, uint64_t seed, uint32_t epoch) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (uint32_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[below(seed, shuffleSites + epoch, i, i)]);
  return order;
}

} // namespace ftc::runtime::data
