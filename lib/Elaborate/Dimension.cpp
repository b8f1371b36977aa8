#include "ftc/Elaborate/Dimension.h"

using namespace ftc::elaborate;

Dim DimensionTable::make(llvm::StringRef name, int64_t size, DimRole role) {
  dims.push_back({name.str(), size, role});
  return &dims.back();
}

Dim DimensionTable::primed(Dim dim) {
  Dim &known = primes[dim];
  if (!known) {
    dims.push_back({dim->name + "'", dim->size, DimRole::Ordinary, dim});
    known = &dims.back();
  }
  return known;
}

Dim DimensionTable::range(Dim dim, int64_t first, int64_t last) {
  if (first == 0 && last == dim->size - 1)
    return dim;
  Dim &known = ranges[{dim, first, last}];
  if (!known) {
    std::string name = dim->name + "[" + std::to_string(first) + ".." + std::to_string(last) + "]";
    dims.push_back({name, last - first + 1, DimRole::Ordinary, nullptr, dim});
    known = &dims.back();
  }
  return known;
}

llvm::SmallVector<int64_t> ftc::elaborate::sizesOf(llvm::ArrayRef<Dim> dims) {
  llvm::SmallVector<int64_t> sizes;
  for (Dim dim : dims)
    sizes.push_back(dim->size);
  return sizes;
}

std::string ftc::elaborate::printDims(llvm::ArrayRef<Dim> dims) {
  std::string text = "[";
  for (Dim dim : dims)
    text += (text.size() > 1 ? ", " : "") + dim->name;
  return text + "]";
}

int ftc::elaborate::indexOf(llvm::ArrayRef<Dim> dims, Dim dim) {
  const auto *it = llvm::find(dims, dim);
  return it == dims.end() ? -1 : int(it - dims.begin());
}
