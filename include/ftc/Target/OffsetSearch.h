// Offsets for buffers with known lifetimes in one region of given capacity, by search.
#ifndef FTC_TARGET_OFFSETSEARCH_H
#define FTC_TARGET_OFFSETSEARCH_H

#include <cstdint>
#include <optional>
#include <vector>

namespace ftc::target {

/// A buffer of `size` units (not negative) that is alive in [lower, upper).
struct Interval {
  int64_t lower, upper, size;
};

/// Gives each buffer an offset >= 0 with offset + size <= capacity such that buffers alive at the same time do not
/// overlap. Returns nothing if there is no such assignment or none was found within `effort` steps, each of a few
/// nanoseconds and at most a few bytes of memory. The result depends on the arguments only, not on time.
std::optional<std::vector<int64_t>> searchOffsets(const std::vector<Interval> &buffers, int64_t capacity,
                                                  int64_t effort);

} // namespace ftc::target

#endif // FTC_TARGET_OFFSETSEARCH_H
