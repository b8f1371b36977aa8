//===- ProductShape.cpp - A contraction as matrix products over memory ----------------===//

#include "dialects/Dnnl/IR/ProductShape.h"

using namespace mlir;

namespace ftc::dnnl {

namespace {
enum class Class { Batch, M, N, K, Other };
} // namespace

/// Row-major strides of the iteration dimensions in one operand; 0 of those that it does not have.
static SmallVector<int64_t> getStrides(AffineMap map, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> strides(sizes.size(), 0);
  int64_t stride = 1;
  for (AffineExpr result : llvm::reverse(map.getResults())) {
    unsigned dim = cast<AffineDimExpr>(result).getPosition();
    strides[dim] = stride;
    stride *= sizes[dim];
  }
  return strides;
}

static Class classify(const ProductDimension &dim) {
  if (dim.a && dim.b)
    return dim.c ? Class::Batch : Class::K;
  if (!dim.c)
    return Class::Other;
  return dim.a ? Class::M : Class::N;
}

/// Joins dimensions that all operands step through as one, outermost first.
static SmallVector<ProductDimension> join(SmallVector<ProductDimension> dims) {
  llvm::sort(dims, [](const ProductDimension &x, const ProductDimension &y) {
    return std::max({x.c, x.a, x.b}) > std::max({y.c, y.a, y.b});
  });
  SmallVector<ProductDimension> joined;
  for (const ProductDimension &dim : dims) {
    if (dim.size == 1)
      continue;
    if (!joined.empty()) {
      ProductDimension &last = joined.back();
      if (last.a == dim.a * dim.size && last.b == dim.b * dim.size && last.c == dim.c * dim.size) {
        last = {last.size * dim.size, dim.a, dim.b, dim.c};
        continue;
      }
    }
    joined.push_back(dim);
  }
  return joined;
}

/// The largest of the dimensions; the others become dimensions of the batch.
static ProductDimension takeLargest(SmallVector<ProductDimension> dims, SmallVectorImpl<ProductDimension> &batch,
                                    bool columns) {
  auto best = llvm::max_element(dims, [&](const ProductDimension &x, const ProductDimension &y) {
    return columns ? (x.c != 1 && y.c == 1) : x.size < y.size;
  });
  if (best == dims.end())
    return {};
  ProductDimension taken = *best;
  dims.erase(best);
  batch.append(dims);
  return taken;
}

int64_t ProductShape::countBatch() const {
  int64_t count = 1;
  for (const ProductDimension &dim : batch)
    count *= dim.size;
  return count;
}

bool ProductShape::writesLike(const ProductShape &other) const {
  auto isAlike = [](const ProductDimension &x, const ProductDimension &y) { return x.size == y.size && x.c == y.c; };
  return isAlike(m, other.m) && isAlike(n, other.n) && llvm::equal(batch, other.batch, isAlike);
}

std::optional<ProductShape> getProductShape(ArrayRef<AffineMap> maps, ArrayRef<int64_t> sizes) {
  SmallVector<SmallVector<int64_t>> strides;
  for (AffineMap map : maps)
    strides.push_back(getStrides(map, sizes));
  SmallVector<ProductDimension> groups[4];
  for (unsigned dim = 0; dim < sizes.size(); ++dim) {
    ProductDimension own{sizes[dim], strides[0][dim], strides[1][dim], strides[2][dim]};
    Class kind = classify(own);
    if (kind == Class::Other)
      return std::nullopt;
    groups[size_t(kind)].push_back(own);
  }
  for (auto &group : groups)
    group = join(group);
  auto &[batch, m, n, k] = groups;
  if (k.size() > 1)
    return std::nullopt;
  ProductShape shape;
  shape.batch = batch;
  auto hasColumns = [](const auto &dims) {
    return llvm::any_of(dims, [](const ProductDimension &dim) { return dim.c == 1; });
  };
  if (hasColumns(m) && !hasColumns(n)) {
    shape.swapped = true;
    std::swap(m, n);
    for (auto *dims : {&shape.batch, &m, &n, &k})
      for (ProductDimension &dim : *dims)
        std::swap(dim.a, dim.b);
  }
  if (!hasColumns(n) && !n.empty())
    return std::nullopt;
  shape.n = takeLargest(n, shape.batch, true);
  shape.m = takeLargest(m, shape.batch, false);
  shape.k = k.empty() ? ProductDimension() : k.front();
  bool aIsDense = shape.m.a == 1 || shape.k.a == 1 || shape.k.size == 1 || shape.m.size == 1;
  bool bIsDense = shape.n.b == 1 || shape.k.b == 1 || shape.k.size == 1;
  if (!aIsDense || !bIsDense)
    return std::nullopt;
  return shape;
}

} // namespace ftc::dnnl
