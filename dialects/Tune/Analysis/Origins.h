//===- Origins.h - what each entry of a tensor depends on ------*- C++ -*-===//
//
// The values of the dependence analysis. A tensor's entries are kept once along
// every dimension in which they are alike, so that a tensor of hidden states has
// as many of them as it has tokens.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_DIALECTS_TUNE_ANALYSIS_ORIGINS_H
#define FTC_DIALECTS_TUNE_ANALYSIS_ORIGINS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace ftc::tune {

/// What one entry may depend on: the latest token of a source and the range of sequences, or nothing; and the range
/// that its value is in. An entry of which the value is known depends on nothing.
struct Origin {
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  double low = -infinity, high = infinity;
  int32_t latest = -1;
  int32_t first = std::numeric_limits<int32_t>::max(), last = -1;

  static Origin of(double value) { return std::isnan(value) ? Origin() : Origin{value, value}; }
  static Origin at(int32_t sequence, int32_t token) { return Origin{-infinity, infinity, token, sequence, sequence}; }
  bool isKnown() const { return low == high; }
  bool is(double value) const { return low == value && high == value; }
  bool isFree() const { return latest < 0; }
  /// The same dependence, with a value in a range; bounds that are no numbers are none.
  Origin within(double least, double most) const {
    Origin result = *this;
    result.low = std::isnan(least) ? -infinity : least;
    result.high = std::isnan(most) ? infinity : most;
    return result;
  }
  /// Depends on all that `other` depends on too; nothing is known of its value any more.
  void join(const Origin &other) {
    low = -infinity;
    high = infinity;
    latest = std::max(latest, other.latest);
    first = std::min(first, other.first);
    last = std::max(last, other.last);
  }
  bool sameAs(const Origin &other) const {
    return latest == other.latest && first == other.first && last == other.last && low == other.low &&
           high == other.high;
  }
};

using Sizes = llvm::SmallVector<int64_t, 6>;

/// The origins of all entries of a tensor of `shape`.
class Origins {
public:
  Origins() = default;
  /// All entries alike.
  explicit Origins(llvm::ArrayRef<int64_t> shape, Origin entry = {});
  /// Alike along the dimensions where `extents` is 1; each entry is to be set.
  Origins(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> extents);

  llvm::ArrayRef<int64_t> shape() const { return sizes; }
  llvm::ArrayRef<int64_t> extents() const { return kept; }
  bool isUniform() const { return entries->size() == 1; }
  /// Entry at an index of the tensor.
  const Origin &at(llvm::ArrayRef<int64_t> index) const { return (*entries)[place(index)]; }
  Origin &at(llvm::ArrayRef<int64_t> index) { return (*entries)[place(index)]; }
  llvm::MutableArrayRef<Origin> all() { return *entries; }
  llvm::ArrayRef<Origin> all() const { return *entries; }
  bool sameAs(const Origins &other) const;
  size_t hash() const;
  /// Everything that any entry depends on.
  Origin joined() const;
  bool isFree() const;

  /// Kept in full along the dimensions for which `full` holds.
  Origins expanded(llvm::ArrayRef<bool> full) const;
  /// The same entries in the same order under another shape; both in full there.
  Origins reshaped(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> extents) const;
  /// Kept once along each dimension in which all entries are alike.
  void compress();

private:
  size_t place(llvm::ArrayRef<int64_t> index) const;
  bool isAlikeAlong(size_t dim) const;

  Sizes sizes, kept;
  std::shared_ptr<std::vector<Origin>> entries;
};

/// Calls `visit` with each index below `extents`, in row-major order.
void forEachIndex(llvm::ArrayRef<int64_t> extents, llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit);

} // namespace ftc::tune

#endif // FTC_DIALECTS_TUNE_ANALYSIS_ORIGINS_H
