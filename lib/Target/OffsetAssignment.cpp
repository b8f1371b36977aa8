#include "OffsetAssignment.h"

#include "ftc/Target/OffsetSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <limits>

namespace ftc::target {

/// The offset of the smallest gap between `taken` (sorted by offset) with room for `bytes`; behind them if there is
/// none.
static int64_t findGap(llvm::ArrayRef<const Lifetime *> taken, int64_t bytes) {
  int64_t best = -1, bestSize = std::numeric_limits<int64_t>::max(), end = 0;
  for (const Lifetime *buffer : taken) {
    int64_t gap = buffer->offset - end;
    if (gap >= bytes && gap < bestSize) {
      best = end;
      bestSize = gap;
    }
    end = std::max(end, alignUp(buffer->offset + buffer->bytes));
  }
  return best >= 0 ? best : end;
}

/// By the order of sizes.
static int64_t assignLargestFirst(llvm::MutableArrayRef<Lifetime> buffers) {
  llvm::SmallVector<Lifetime *> order;
  for (Lifetime &buffer : buffers)
    order.push_back(&buffer);
  llvm::sort(order, [](const Lifetime *a, const Lifetime *b) {
    return std::make_tuple(-a->bytes, a->first, a) < std::make_tuple(-b->bytes, b->first, b);
  });
  // Those that have an offset, by offset, so that the neighbours of a new one come out sorted.
  std::vector<const Lifetime *> assigned;
  llvm::SmallVector<const Lifetime *> taken;
  int64_t size = 0;
  for (Lifetime *buffer : order) {
    taken.clear();
    for (const Lifetime *other : assigned)
      if (other->first <= buffer->last && buffer->first <= other->last)
        taken.push_back(other);
    buffer->offset = findGap(taken, buffer->bytes);
    size = std::max(size, alignUp(buffer->offset + buffer->bytes));
    auto place = std::upper_bound(assigned.begin(), assigned.end(), buffer->offset,
                                  [](int64_t offset, const Lifetime *other) { return offset < other->offset; });
    assigned.insert(place, buffer);
  }
  return size;
}

/// Whether a search finds offsets within `size` bytes.
static bool assignWithin(llvm::MutableArrayRef<Lifetime> buffers, int64_t size) {
  constexpr int64_t effort = 20'000'000;
  std::vector<Interval> intervals;
  for (const Lifetime &buffer : buffers)
    intervals.push_back({buffer.first, buffer.last + 1, alignUp(buffer.bytes) / kAlignment});
  auto offsets = searchOffsets(intervals, size / kAlignment, effort);
  if (!offsets)
    return false;
  for (auto [buffer, offset] : llvm::zip_equal(buffers, *offsets))
    buffer.offset = offset * kAlignment;
  return true;
}

int64_t assignOffsets(llvm::MutableArrayRef<Lifetime> buffers) {
  int64_t size = assignLargestFirst(buffers), least = getLiveBytes(buffers);
  // Shares of what is alive at once that are worth a search.
  for (double share : {1.0, 1.005, 1.02}) {
    int64_t wanted = alignUp(int64_t(share * double(least)));
    if (wanted >= size)
      break;
    if (assignWithin(buffers, wanted))
      return wanted;
  }
  return size;
}

int64_t assignDistinctOffsets(llvm::MutableArrayRef<Lifetime> buffers) {
  int64_t size = 0;
  for (Lifetime &buffer : buffers) {
    buffer.offset = size;
    size += alignUp(buffer.bytes);
  }
  return size;
}

int64_t getLiveBytes(llvm::ArrayRef<Lifetime> buffers) {
  // At one position buffers begin before others end, since a call reads while it writes.
  llvm::SmallVector<std::pair<int64_t, int64_t>> changes;
  for (const Lifetime &buffer : buffers) {
    changes.push_back({2 * buffer.first, alignUp(buffer.bytes)});
    changes.push_back({2 * buffer.last + 1, -alignUp(buffer.bytes)});
  }
  llvm::sort(changes);
  int64_t live = 0, most = 0;
  for (auto [position, change] : changes) {
    live += change;
    most = std::max(most, live);
  }
  return most;
}

} // namespace ftc::target
