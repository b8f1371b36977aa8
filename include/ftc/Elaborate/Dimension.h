//===- Dimension.h - named dimensions --------------------------*- C++ -*-===//
//
// A dimension is a name for an integer. Two dimensions are the same iff they
// are the same object: equal names in different definitions, or equal sizes,
// never meet by accident. A module that is given `[hidden]` as its `[n]` works
// on the very dimension `hidden`.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_ELABORATE_DIMENSION_H
#define FTC_ELABORATE_DIMENSION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>

namespace ftc::elaborate {

/// Dimensions that lead in every tensor, in this order, and are contracted only where that is written.
enum class DimRole { Batch, Tokens, Sites, Ordinary };

struct Dimension {
  std::string name;
  int64_t size;
  DimRole role = DimRole::Ordinary;
  const Dimension *base = nullptr;  ///< what this is a prime of
  const Dimension *whole = nullptr; ///< what this is a range of
};
using Dim = const Dimension *;
using Dims = llvm::SmallVector<Dim, 4>;

/// Owns the dimensions of one compilation.
class DimensionTable {
public:
  Dim make(llvm::StringRef name, int64_t size, DimRole role = DimRole::Ordinary);
  /// The further dimension `d'` of the size of `d`; always the same object for the same `d`.
  Dim primed(Dim dim);
  /// The places `first` to `last` of `d`, both included: the same object for the same range, `d` itself for all.
  Dim range(Dim dim, int64_t first, int64_t last);

private:
  std::deque<Dimension> dims;
  std::map<Dim, Dim> primes;
  std::map<std::tuple<Dim, int64_t, int64_t>, Dim> ranges;
};

/// Sizes, in order.
llvm::SmallVector<int64_t> sizesOf(llvm::ArrayRef<Dim> dims);
/// `[out, in]`
std::string printDims(llvm::ArrayRef<Dim> dims);
/// Place of `dim` in `dims`, or -1.
int indexOf(llvm::ArrayRef<Dim> dims, Dim dim);

/// Sorts by a number for each dimension; equal ones keep their order.
template <typename Rank> void orderBy(Dims &dims, Rank rank) {
  for (size_t i = 1; i < dims.size(); ++i)
    for (size_t j = i; j > 0 && rank(dims[j]) < rank(dims[j - 1]); --j)
      std::swap(dims[j], dims[j - 1]);
}

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_DIMENSION_H
