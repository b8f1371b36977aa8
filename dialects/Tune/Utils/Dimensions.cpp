//===- Dimensions.cpp - Broadcasts, transposes, reshapes, slices ----------===//

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace mlir;

namespace ftc::tune {

Value transpose(OpBuilder &builder, Location loc, Value a, ArrayRef<int64_t> order) {
  if (llvm::is_sorted(order))
    return a;
  SmallVector<int64_t> shape;
  for (int64_t dim : order)
    shape.push_back(shapeOf(a)[dim]);
  Value init = tensor::EmptyOp::create(builder, loc, shape, typeOf(a).getElementType());
  return linalg::TransposeOp::create(builder, loc, a, init, order).getResult()[0];
}

Value transposeLabels(OpBuilder &builder, Location loc, Value a, ArrayRef<int> from, ArrayRef<int> to) {
  SmallVector<int64_t> order;
  for (int label : to)
    order.push_back(llvm::find(from, label) - from.begin());
  return transpose(builder, loc, a, order);
}

Value broadcast(OpBuilder &builder, Location loc, Value a, ArrayRef<int64_t> shape, ArrayRef<int64_t> positions) {
  // linalg.broadcast keeps the order of dimensions: bring them into that of the result first.
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, positions.size()));
  llvm::sort(order, [&](int64_t i, int64_t j) { return positions[i] < positions[j]; });
  a = transpose(builder, loc, a, order);
  SmallVector<int64_t> added;
  for (int64_t dim = 0; dim < int64_t(shape.size()); ++dim)
    if (!llvm::is_contained(positions, dim))
      added.push_back(dim);
  if (added.empty())
    return a;
  Value init = tensor::EmptyOp::create(builder, loc, shape, typeOf(a).getElementType());
  return linalg::BroadcastOp::create(builder, loc, a, init, added).getResult()[0];
}

Value broadcastScalar(OpBuilder &builder, Location loc, Value a, ArrayRef<int64_t> shape) {
  return broadcast(builder, loc, a, shape, {});
}

Value broadcastTo(OpBuilder &builder, Location loc, Value a, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> kept, positions;
  int64_t before = shape.size() - typeOf(a).getRank();
  for (auto [dim, size] : llvm::enumerate(shapeOf(a)))
    if (size == shape[before + dim]) {
      kept.push_back(size);
      positions.push_back(before + dim);
    }
  return broadcast(builder, loc, reshape(builder, loc, a, kept), shape, positions);
}

/// Groups of `many`'s dimensions whose products are `few`'s dimensions, if there are such.
static std::optional<SmallVector<ReassociationIndices>> groupDimensions(ArrayRef<int64_t> many, ArrayRef<int64_t> few) {
  SmallVector<ReassociationIndices> groups;
  size_t next = 0;
  for (int64_t size : few) {
    ReassociationIndices &group = groups.emplace_back();
    int64_t product = 1;
    do {
      if (next == many.size())
        return std::nullopt;
      product *= many[next];
      group.push_back(next++);
    } while (product < size);
    if (product != size)
      return std::nullopt;
  }
  // Trailing ones belong to the last group; a scalar has none.
  for (; next < many.size(); ++next) {
    if (many[next] != 1)
      return std::nullopt;
    if (!groups.empty())
      groups.back().push_back(next);
  }
  return groups;
}

Value reshape(OpBuilder &builder, Location loc, Value a, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> from = shapeOf(a);
  if (from == shape)
    return a;
  RankedTensorType type = typeOf(a).clone(shape);
  if (shape.size() < from.size())
    if (auto groups = groupDimensions(from, shape))
      return tensor::CollapseShapeOp::create(builder, loc, type, a, *groups);
  if (shape.size() > from.size())
    if (auto groups = groupDimensions(shape, from))
      return tensor::ExpandShapeOp::create(builder, loc, type, a, *groups);
  int64_t count = typeOf(a).getNumElements();
  return reshape(builder, loc, reshape(builder, loc, a, {count}), shape);
}

Value slice(OpBuilder &builder, Location loc, Value a, int64_t dim, int64_t start, int64_t size) {
  if (start == 0 && size == shapeOf(a)[dim])
    return a;
  SmallVector<OpFoldResult> offsets, sizes, strides(shapeOf(a).size(), builder.getIndexAttr(1));
  for (auto [index, extent] : llvm::enumerate(shapeOf(a))) {
    offsets.push_back(builder.getIndexAttr(int64_t(index) == dim ? start : 0));
    sizes.push_back(builder.getIndexAttr(int64_t(index) == dim ? size : extent));
  }
  return tensor::ExtractSliceOp::create(builder, loc, a, offsets, sizes, strides);
}

Value pickIndex(OpBuilder &builder, Location loc, Value a, int64_t dim, int64_t index) {
  SmallVector<int64_t> shape(shapeOf(a));
  shape.erase(shape.begin() + dim);
  return reshape(builder, loc, slice(builder, loc, a, dim, index, 1), shape);
}

Value concat(OpBuilder &builder, Location loc, ValueRange parts, int64_t dim) {
  constexpr size_t kMostParts = 32; // a kernel has a limited number of operands, a model any number of sites
  SmallVector<Value> joined;
  if (parts.size() > kMostParts) {
    size_t size = llvm::divideCeil(parts.size(), llvm::divideCeil(parts.size(), kMostParts));
    for (size_t first = 0; first < parts.size(); first += size)
      joined.push_back(concat(builder, loc, parts.slice(first, std::min(size, parts.size() - first)), dim));
    return concat(builder, loc, joined, dim);
  }
  return parts.size() == 1 ? parts.front() : Value(tensor::ConcatOp::create(builder, loc, dim, parts));
}

Value padZeros(OpBuilder &builder, Location loc, Value a, int64_t dim, int64_t low, int64_t high) {
  if (low == 0 && high == 0)
    return a;
  SmallVector<int64_t> shape(shapeOf(a));
  SmallVector<OpFoldResult> lows(shape.size(), builder.getIndexAttr(0)), highs(lows);
  lows[dim] = builder.getIndexAttr(low);
  highs[dim] = builder.getIndexAttr(high);
  shape[dim] += low + high;
  Type element = typeOf(a).getElementType();
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
  return tensor::PadOp::create(builder, loc, typeOf(a).clone(shape), a, lows, highs, zero);
}

void isolatePads(Operation *root) {
  root->walk([](tensor::PadOp pad) {
    auto yield = cast<tensor::YieldOp>(pad.getBody()->getTerminator());
    auto constant = yield.getValue().getDefiningOp<arith::ConstantOp>();
    if (!constant || constant->getBlock() == pad.getBody())
      return;
    OpBuilder builder(yield);
    yield.getValueMutable().assign(builder.clone(*constant)->getResult(0));
  });
}

} // namespace ftc::tune
