//===- Origins.cpp --------------------------------------------------------===//

#include "dialects/Tune/Analysis/Origins.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"

using namespace ftc::tune;
using llvm::ArrayRef;

static size_t countOf(ArrayRef<int64_t> extents) {
  size_t count = 1;
  for (int64_t extent : extents)
    count *= size_t(extent);
  return count;
}

Origins::Origins(ArrayRef<int64_t> shape, Origin entry)
    : sizes(shape), kept(shape.size(), 1), entries(std::make_shared<std::vector<Origin>>(1, entry)) {}

Origins::Origins(ArrayRef<int64_t> shape, ArrayRef<int64_t> extents)
    : sizes(shape), kept(extents), entries(std::make_shared<std::vector<Origin>>(countOf(extents))) {}

size_t Origins::place(ArrayRef<int64_t> index) const {
  size_t place = 0;
  for (auto [at, extent] : llvm::zip_equal(index, kept))
    place = place * size_t(extent) + (extent == 1 ? 0 : size_t(at));
  return place;
}

bool Origins::sameAs(const Origins &other) const {
  return sizes == other.sizes && kept == other.kept &&
         (entries == other.entries ||
          llvm::equal(*entries, *other.entries, [](const Origin &a, const Origin &b) { return a.sameAs(b); }));
}

size_t Origins::hash() const {
  llvm::hash_code code =
      llvm::hash_combine(llvm::hash_combine_range(sizes), llvm::hash_combine_range(kept), entries->size());
  for (const Origin &entry : *entries)
    code = llvm::hash_combine(code, entry.latest, entry.first, entry.last, std::hash<double>()(entry.low),
                              std::hash<double>()(entry.high));
  return code;
}

Origin Origins::joined() const {
  Origin result = entries->empty() ? Origin() : entries->front();
  for (const Origin &entry : *entries)
    if (!entry.sameAs(result))
      result.join(entry);
  return result;
}

bool Origins::isFree() const {
  return llvm::all_of(*entries, [](const Origin &entry) { return entry.isFree(); });
}

Origins Origins::expanded(ArrayRef<bool> full) const {
  Sizes extents(kept);
  for (auto [dim, wanted] : llvm::enumerate(full))
    if (wanted)
      extents[dim] = sizes[dim];
  if (extents == kept)
    return *this;
  Origins result(sizes, extents);
  forEachIndex(extents, [&](ArrayRef<int64_t> index) { result.at(index) = at(index); });
  return result;
}

Origins Origins::reshaped(ArrayRef<int64_t> shape, ArrayRef<int64_t> extents) const {
  Origins result = *this;
  result.sizes = Sizes(shape);
  result.kept = Sizes(extents);
  return result;
}

/// Whether entries that differ along `dim` only are alike.
bool Origins::isAlikeAlong(size_t dim) const {
  size_t extent = size_t(kept[dim]), inner = countOf(ArrayRef(kept).drop_front(dim + 1));
  for (size_t outer = 0; outer < entries->size(); outer += extent * inner)
    for (size_t at = inner; at < extent * inner; ++at)
      if (!(*entries)[outer + at].sameAs((*entries)[outer + at - inner]))
        return false;
  return true;
}

void Origins::compress() {
  for (size_t dim = 0; dim < kept.size(); ++dim) {
    if (kept[dim] <= 1 || !isAlikeAlong(dim))
      continue;
    Sizes less(kept);
    less[dim] = 1;
    Origins smaller(sizes, less);
    forEachIndex(less, [&](ArrayRef<int64_t> index) { smaller.at(index) = at(index); });
    *this = smaller;
  }
}

void ftc::tune::forEachIndex(ArrayRef<int64_t> extents, llvm::function_ref<void(ArrayRef<int64_t>)> visit) {
  Sizes index(extents.size(), 0);
  if (llvm::is_contained(extents, 0))
    return;
  while (true) {
    visit(index);
    size_t dim = extents.size();
    while (dim > 0 && ++index[dim - 1] == extents[dim - 1])
      index[--dim] = 0;
    if (dim == 0)
      return;
  }
}
