// Ops that move elements: each element of the result is loaded from where it comes from.

#include "Loops.h"

#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace ftc::target {

namespace {
class TransposeKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto transpose = cast<linalg::TransposeOp>(op);
    Value result = op->getResult(0);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      SmallVector<Value> source(indices.size());
      for (auto [position, dim] : llvm::enumerate(transpose.getPermutation()))
        source[dim] = indices[position];
      builder.store(builder.load(transpose.getInput(), source), result, indices);
    });
    return success();
  }
};

class BroadcastKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto broadcast = cast<linalg::BroadcastOp>(op);
    Value result = op->getResult(0);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      SmallVector<Value> source;
      for (auto [dim, position] : llvm::enumerate(indices))
        if (!llvm::is_contained(broadcast.getDimensions(), int64_t(dim)))
          source.push_back(position);
      builder.store(builder.load(broadcast.getInput(), source), result, indices);
    });
    return success();
  }
};

class ExtractSliceKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto slice = cast<tensor::ExtractSliceOp>(op);
    if (llvm::any_of(slice.getStaticOffsets(), ShapedType::isDynamic) ||
        llvm::any_of(slice.getStaticStrides(), ShapedType::isDynamic))
      return op->emitOpError("has an offset that is not constant");
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    Value result = op->getResult(0);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      SmallVector<Value> source;
      auto next = indices.begin();
      for (int64_t dim = 0; dim < slice.getSourceType().getRank(); ++dim) {
        Value place = index(builder, slice.getStaticOffsets()[dim]);
        if (!dropped.test(dim)) {
          Value step = arith::MulIOp::create(builder, *next++, index(builder, slice.getStaticStrides()[dim]));
          place = arith::AddIOp::create(builder, place, step);
        }
        source.push_back(place);
      }
      builder.store(builder.load(slice.getSource(), source), result, indices);
    });
    return success();
  }
};

class ReverseKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto reverse = cast<tune::ReverseOp>(op);
    Value result = reverse.getResult();
    Value last = index(builder, getShape(result)[reverse.getDim()] - 1);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      SmallVector<Value> source(indices);
      source[reverse.getDim()] = arith::SubIOp::create(builder, last, indices[reverse.getDim()]);
      builder.store(builder.load(reverse.getX(), source), result, indices);
    });
    return success();
  }
};

class ConcatKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto concat = cast<tensor::ConcatOp>(op);
    int64_t dim = concat.getDim(), start = 0;
    for (Value part : concat.getInputs()) {
      forEach(builder, getShape(part), [&](ValueRange indices) {
        SmallVector<Value> target(indices);
        target[dim] = arith::AddIOp::create(builder, target[dim], index(builder, start));
        builder.store(builder.load(part, indices), op->getResult(0), target);
      });
      start += getShape(part)[dim];
    }
    return success();
  }
};

class PadKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto pad = cast<tensor::PadOp>(op);
    auto constant = pad.getConstantPaddingValue();
    auto padding = constant ? constant.getDefiningOp<arith::ConstantOp>() : arith::ConstantOp();
    if (!padding || llvm::any_of(pad.getStaticLow(), ShapedType::isDynamic))
      return op->emitOpError("is not a constant padding");
    Value result = pad.getResult();
    Value value = arith::ConstantOp::create(builder, padding.getValue());
    // The result is padding where no element of the source comes to lie.
    forEach(builder, getShape(result), [&](ValueRange indices) { builder.store(value, result, indices); });
    forEach(builder, getShape(pad.getSource()), [&](ValueRange indices) {
      SmallVector<Value> target;
      for (auto [position, low] : llvm::zip(indices, pad.getStaticLow()))
        target.push_back(arith::AddIOp::create(builder, position, index(builder, low)));
      builder.store(builder.load(pad.getSource(), indices), result, target);
    });
    return success();
  }
};
} // namespace

void addShapeKernels(KernelRegistry &registry) {
  registry.add("linalg.transpose", std::make_shared<TransposeKernel>());
  registry.add("linalg.broadcast", std::make_shared<BroadcastKernel>());
  registry.add("tensor.extract_slice", std::make_shared<ExtractSliceKernel>());
  registry.add("tune.reverse", std::make_shared<ReverseKernel>());
  registry.add("tensor.concat", std::make_shared<ConcatKernel>());
  registry.add("tensor.pad", std::make_shared<PadKernel>());
}

} // namespace ftc::target
