// Ops whose elements lie where an index tensor says, and those that are made of indices.

#include "Loops.h"

#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <numeric>

using namespace mlir;

namespace ftc::target {

namespace {
class GatherKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto gather = cast<tune::GatherOp>(op);
    size_t indexRank = getShape(gather.getIndex()).size();
    Value result = gather.getResult(), zero = constant(builder, getElementType(result), 0);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      Value row = builder.load(gather.getIndex(), indices.take_front(indexRank));
      CheckedIndex checked = checkIndex(builder, row, getShape(gather.getTable()).front());
      SmallVector<Value> source{checked.index};
      llvm::append_range(source, indices.drop_front(indexRank));
      Value element = builder.load(gather.getTable(), source);
      builder.store(arith::SelectOp::create(builder, checked.isValid, element, zero), result, indices);
    });
    return success();
  }
};

class ScatterAddKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto scatter = cast<tune::ScatterAddOp>(op);
    Value result = scatter.getResult(), zero = constant(builder, getElementType(result), 0);
    forEach(builder, getShape(result), [&](ValueRange indices) {
      builder.store(scatter.getInit() ? builder.load(scatter.getInit(), indices) : zero, result, indices);
    });
    forEach(builder, getShape(scatter.getIndex()), [&](ValueRange place) {
      CheckedIndex row = checkIndex(builder, builder.load(scatter.getIndex(), place), getShape(result).front());
      auto isValid = scf::IfOp::create(builder, row.isValid);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(isValid.thenBlock());
      forEach(builder, getShape(result).drop_front(), [&](ValueRange rest) {
        SmallVector<Value> source(place), target{row.index};
        llvm::append_range(source, rest);
        llvm::append_range(target, rest);
        Value old = builder.load(result, target), more = builder.load(scatter.getRows(), source);
        builder.store(arith::AddFOp::create(builder, old, more), result, target);
      });
    });
    return success();
  }
};

class PickKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto pick = cast<tune::PickOp>(op);
    Value result = pick.getResult(), zero = constant(builder, getElementType(result), 0);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      CheckedIndex checked = checkIndex(builder, builder.load(pick.getIndex(), indices), getShape(pick.getX()).back());
      SmallVector<Value> source(indices);
      source.push_back(checked.index);
      Value element = builder.load(pick.getX(), source);
      builder.store(arith::SelectOp::create(builder, checked.isValid, element, zero), result, indices);
    });
    return success();
  }
};

class PutOneKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto put = cast<tune::PutOneOp>(op);
    Value result = put.getResult(), zero = constant(builder, getElementType(result), 0);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      ValueRange row = indices.drop_back();
      Value place = arith::IndexCastOp::create(builder, builder.getIndexType(), builder.load(put.getIndex(), row));
      Value isHere = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, place, indices.back());
      Value element = arith::SelectOp::create(builder, isHere, builder.load(put.getValue(), row), zero);
      builder.store(element, result, indices);
    });
    return success();
  }
};

class IotaKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto iota = cast<tune::IotaOp>(op);
    Value result = iota.getResult();
    Type type = getElementType(result);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      Type integer = isa<FloatType>(type) ? builder.getI64Type() : type;
      Value number = arith::IndexCastOp::create(builder, integer, indices[iota.getDim()]);
      if (isa<FloatType>(type))
        number = arith::SIToFPOp::create(builder, type, number);
      builder.store(number, result, indices);
    });
    return success();
  }
};

class EyeKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    Value result = op->getResult(0);
    Value zero = constant(builder, getElementType(result), 0), one = constant(builder, getElementType(result), 1);
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      Value isDiagonal = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, indices[0], indices[1]);
      builder.store(arith::SelectOp::create(builder, isDiagonal, one, zero), result, indices);
    });
    return success();
  }
};

class UpdateSliceKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto update = cast<tune::UpdateSliceOp>(op);
    ArrayRef<int64_t> shape = getShape(update.getDest());
    uint64_t dim = update.getDim();
    auto product = [](ArrayRef<int64_t> sizes) {
      return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
    };
    int64_t element = (getElementType(update.getDest()).getIntOrFloatBitWidth() + 7) / 8;
    builder.useRuntimeKernel(
        "ftc_update_slice", {shape[dim], getShape(update.getSrc())[dim], product(shape.drop_front(dim + 1)) * element});
    builder.setItems(product(shape.take_front(dim)));
    return success();
  }

  bool foldsSplat(OpOperand &) const override { return false; }

  bool mayShare(OpOperand &operand, OpResult) const override { return operand.getOperandNumber() == 0; }
};
} // namespace

void addIndexedKernels(KernelRegistry &registry) {
  registry.add("tune.gather", std::make_shared<GatherKernel>());
  registry.add("tune.scatter_add", std::make_shared<ScatterAddKernel>());
  registry.add("tune.pick", std::make_shared<PickKernel>());
  registry.add("tune.put_one", std::make_shared<PutOneKernel>());
  registry.add("tune.iota", std::make_shared<IotaKernel>());
  registry.add("tune.eye", std::make_shared<EyeKernel>());
  registry.add("tune.update_slice", std::make_shared<UpdateSliceKernel>());
}

} // namespace ftc::target
