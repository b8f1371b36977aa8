//===- Permutation.h - the order of an epoch --------------------*- C++ -*-===//

#ifndef FTC_RUNTIME_DATA_PERMUTATION_H
#define FTC_RUNTIME_DATA_PERMUTATION_H

#include <cstdint>
#include <vector>

namespace ftc::runtime::data {

/// A permutation of 0 ... count-1 by Fisher and Yates, a function of the seed and the epoch alone.
std::vector<uint32_t> permutation(uint32_t count, uint64_t seed, uint32_t epoch);

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_PERMUTATION_H
