// Offsets for buffers with known lifetimes in one region of memory.
#ifndef FTC_LIB_TARGET_OFFSETASSIGNMENT_H
#define FTC_LIB_TARGET_OFFSETASSIGNMENT_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace ftc::target {

inline constexpr int64_t kAlignment = 64;
inline int64_t alignUp(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// A buffer that is needed from position `first` to `last` (inclusive) of a program.
struct Lifetime {
  int64_t bytes;
  int64_t first, last;
  int64_t offset = -1; ///< set by assignOffsets
};

/// Gives each buffer an aligned offset such that buffers alive at the same time do not overlap: largest first, each in
/// the smallest gap that takes it; where that needs more than is alive at once, by search (OffsetSearch.h) in as little
/// more as is found in bounded time. Returns the size of the region.
int64_t assignOffsets(llvm::MutableArrayRef<Lifetime> buffers);

/// Gives each buffer bytes of its own.
int64_t assignDistinctOffsets(llvm::MutableArrayRef<Lifetime> buffers);

/// The most bytes alive at one position: no assignment is smaller.
int64_t getLiveBytes(llvm::ArrayRef<Lifetime> buffers);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_OFFSETASSIGNMENT_H
