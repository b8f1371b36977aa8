//===- RowAlignment.cpp - Which ops can share rows --------------------------------------===//

#include "dialects/Tune/Transforms/RowAlignment.h"

#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace ftc::tune {

/// Fewer rows than this leave threads idle ...
static constexpr int64_t kFewRows = 8;
/// ... unless there are no more elements than this.
static constexpr int64_t kFewElements = 1 << 13;

static ArrayRef<int64_t> getShape(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

RowCounts::RowCounts(ArrayRef<int64_t> shape, size_t dims) {
  int64_t product = 1;
  counts.push_back(product);
  for (int64_t size : shape.take_front(dims))
    if (size != 1)
      counts.push_back(product *= size);
  elements = ShapedType::getNumElements(shape);
}

RowCounts RowCounts::intersect(const RowCounts &other) const {
  RowCounts common;
  for (int64_t count : counts)
    if (llvm::is_contained(other.counts, count))
      common.counts.push_back(count);
  common.elements = std::max(elements, other.elements);
  return common;
}

bool RowCounts::isWorthwhile() const {
  return !counts.empty() && (counts.back() >= kFewRows || elements <= kFewElements);
}

static RowCounts getReshapeRows(Value from, Value to) {
  ArrayRef<int64_t> source = getShape(from), result = getShape(to);
  return RowCounts(source, source.size()).intersect(RowCounts(result, result.size()));
}

/// Leading dimensions of which `keeps` holds.
static RowCounts getLeading(ArrayRef<int64_t> shape, llvm::function_ref<bool(size_t)> keeps) {
  size_t dims = 0;
  while (dims < shape.size() && keeps(dims))
    ++dims;
  return RowCounts(shape, dims);
}

RowCounts getAlignedRows(Operation *op) {
  ArrayRef<int64_t> shape = getShape(op->getResult(0));
  return llvm::TypeSwitch<Operation *, RowCounts>(op)
      .Case([&](linalg::BroadcastOp op) {
        return getLeading(shape, [&](size_t dim) { return !llvm::is_contained(op.getDimensions(), int64_t(dim)); });
      })
      .Case([&](linalg::TransposeOp op) {
        return getLeading(shape, [&](size_t dim) { return op.getPermutation()[dim] == int64_t(dim); });
      })
      .Case([&](linalg::ReduceOp op) {
        ArrayRef<int64_t> input = getShape(op.getInputs()[0]);
        return getLeading(input, [&](size_t dim) { return !llvm::is_contained(op.getDimensions(), int64_t(dim)); });
      })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
          [&](auto op) { return getReshapeRows(op.getSrc(), op.getResult()); })
      .Case([&](tensor::ExtractSliceOp op) {
        if (op.getSourceType().getRank() != op.getResultType().getRank())
          return RowCounts();
        return getLeading(shape, [&](size_t dim) { return op.getSourceType().getDimSize(dim) == shape[dim]; });
      })
      .Case([&](ReverseOp op) { return RowCounts(shape, op.getDim()); })
      .Case([&](tensor::ConcatOp op) { return getLeading(shape, [&](size_t dim) { return dim < op.getDim(); }); })
      .Case([&](tensor::PadOp op) {
        return getLeading(shape, [&](size_t dim) { return op.getSourceType().getDimSize(dim) == shape[dim]; });
      })
      .Case<GatherOp, PickOp, PutOneOp>([&](auto op) { return RowCounts(shape, getShape(op.getIndex()).size()); })
      .Default([&](Operation *) { return RowCounts(shape, shape.size()); });
}

static void addKernelBlocks(Block &block, SmallVectorImpl<Block *> &blocks) {
  blocks.push_back(&block);
  for (Operation &op : block)
    for (Block *body : getBodies(&op))
      addKernelBlocks(*body, blocks);
}

SmallVector<Block *> getKernelBlocks(func::FuncOp program) {
  SmallVector<Block *> blocks;
  addKernelBlocks(program.getBody().front(), blocks);
  return blocks;
}

bool readsOtherRows(OpOperand &operand) { return isa<GatherOp>(operand.getOwner()) && operand.getOperandNumber() == 0; }

/// A transpose that moves the last dimension would be read element by element.
static bool isCheapToRead(linalg::TransposeOp op) {
  ArrayRef<int64_t> order = op.getPermutation();
  bool keepsLast = order.empty() || order.back() == int64_t(order.size()) - 1;
  return keepsLast || ShapedType::getNumElements(getShape(op.getInput())) <= kFewElements;
}

bool isLazy(Operation *op) {
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return isCheapToRead(transpose);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    return !elements || elements.isSplat();
  }
  return isa<linalg::BroadcastOp, linalg::FillOp, tensor::EmptyOp, tensor::ExtractSliceOp, tensor::CollapseShapeOp,
             tensor::ExpandShapeOp, ReverseOp, IotaOp, EyeOp, StopGradientOp>(op);
}

bool isRowOp(Operation *op) {
  if (op->getNumResults() != 1 || !isa<RankedTensorType>(op->getResult(0).getType()))
    return false;
  return OpTrait::hasElementwiseMappableTraits(op) ||
         isa<linalg::ReduceOp, tensor::ConcatOp, tensor::PadOp, GatherOp, PickOp, PutOneOp, DropOp, RandomOp>(op);
}

bool isSumAcrossRows(Operation *op) { return isa<linalg::ReduceOp>(op) && !getAlignedRows(op).isWorthwhile(); }

} // namespace ftc::tune
