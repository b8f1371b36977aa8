#include "OffsetAssignment.h"

#include "ftc/Target/OffsetSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>

namespace ftc::target {

namespace {
/// Finds the smallest gap with room for so many bytes between ranges, which come in order of their beginnings.
class GapSearch {
public:
  explicit GapSearch(int64_t bytes) : bytes(bytes) {}

  void pass(int64_t begin, int64_t end) {
    int64_t gap = begin - last;
    if (gap >= bytes && gap < bestSize) {
      best = last;
      bestSize = gap;
    }
    last = std::max(last, end);
  }

  /// Behind all ranges if there is none.
  int64_t offset() const { return best >= 0 ? best : last; }

private:
  int64_t bytes, best = -1, bestSize = std::numeric_limits<int64_t>::max(), last = 0;
};

/// Buffers that have an offset. Most live for a few calls: for those what has been assigned is kept for each section of
/// the program by itself, and what lives throughout a section as ranges of bytes, which are few as it is dense.
class AssignedBuffers {
public:
  explicit AssignedBuffers(llvm::ArrayRef<Lifetime> buffers) {
    for (const Lifetime &buffer : buffers) {
      begin = std::min(begin, buffer.first);
      end = std::max(end, buffer.last);
    }
  }

  /// The offset of the smallest gap for a buffer between those that live at the same time.
  int64_t findGap(const Lifetime &buffer) {
    GapSearch search(buffer.bytes);
    if (size_t section = sectionOf(buffer.first); section == sectionOf(buffer.last))
      searchSection(sections[section], buffer, search);
    else
      for (const Lifetime *other : sorted())
        if (areTogether(buffer, *other))
          search.pass(other->offset, endOf(*other));
    return search.offset();
  }

  void add(const Lifetime &buffer) {
    added.push_back(&buffer);
    for (size_t section = sectionOf(buffer.first); section <= sectionOf(buffer.last); ++section)
      if (buffer.first <= firstOf(section) && firstOf(section + 1) <= buffer.last + 1)
        addRange(sections[section].throughout, buffer.offset, endOf(buffer));
      else
        insert(sections[section].others, buffer);
  }

private:
  static constexpr int64_t kSections = 64;
  struct Section {
    std::map<int64_t, int64_t> throughout; ///< ends of disjoint ranges by their beginnings
    std::vector<const Lifetime *> others;  ///< by offset
  };

  static bool isBefore(const Lifetime *a, const Lifetime *b) { return a->offset < b->offset; }
  static bool areTogether(const Lifetime &a, const Lifetime &b) { return a.first <= b.last && b.first <= a.last; }
  static int64_t endOf(const Lifetime &buffer) { return alignUp(buffer.offset + buffer.bytes); }

  int64_t length() const { return end - begin + 1; }
  size_t sectionOf(int64_t position) const { return size_t((position - begin) * kSections / length()); }
  int64_t firstOf(size_t section) const { return begin + llvm::divideCeil(int64_t(section) * length(), kSections); }

  static void insert(std::vector<const Lifetime *> &sorted, const Lifetime &buffer) {
    sorted.insert(llvm::upper_bound(sorted, &buffer, isBefore), &buffer);
  }

  /// A range that overlaps none.
  static void addRange(std::map<int64_t, int64_t> &ranges, int64_t from, int64_t to) {
    auto next = ranges.lower_bound(from);
    if (next != ranges.end() && next->first == to) {
      to = next->second;
      next = ranges.erase(next);
    }
    if (next != ranges.begin() && std::prev(next)->second == from)
      std::prev(next)->second = to;
    else
      ranges.emplace_hint(next, from, to);
  }

  static void searchSection(const Section &section, const Lifetime &buffer, GapSearch &search) {
    auto range = section.throughout.begin();
    auto passRangesBefore = [&](int64_t offset) {
      for (; range != section.throughout.end() && range->first < offset; ++range)
        search.pass(range->first, range->second);
    };
    for (const Lifetime *other : section.others)
      if (areTogether(buffer, *other)) {
        passRangesBefore(other->offset);
        search.pass(other->offset, endOf(*other));
      }
    passRangesBefore(std::numeric_limits<int64_t>::max());
  }

  llvm::ArrayRef<const Lifetime *> sorted() {
    llvm::sort(added, isBefore);
    auto middle = all.insert(all.end(), added.begin(), added.end());
    std::inplace_merge(all.begin(), middle, all.end(), isBefore);
    added.clear();
    return all;
  }

  int64_t begin = std::numeric_limits<int64_t>::max(), end = std::numeric_limits<int64_t>::min();
  std::vector<const Lifetime *> all, added; ///< by offset; since they were last asked for
  std::array<Section, kSections> sections;
};
} // namespace

/// By the order of sizes.
static int64_t assignLargestFirst(llvm::MutableArrayRef<Lifetime> buffers) {
  llvm::SmallVector<Lifetime *> order;
  for (Lifetime &buffer : buffers)
    order.push_back(&buffer);
  llvm::sort(order, [](const Lifetime *a, const Lifetime *b) {
    return std::make_tuple(-a->bytes, a->first, a) < std::make_tuple(-b->bytes, b->first, b);
  });
  AssignedBuffers assigned(buffers);
  int64_t size = 0;
  for (Lifetime *buffer : order) {
    buffer->offset = assigned.findGap(*buffer);
    size = std::max(size, alignUp(buffer->offset + buffer->bytes));
    assigned.add(*buffer);
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
