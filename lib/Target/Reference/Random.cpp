// Random numbers and dropout through the runtime's generator (ftc/Runtime/Core/Philox.h).

#include "Loops.h"

#include "dialects/Tune/IR/Tune.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <numeric>

using namespace mlir;

namespace ftc::target {

/// Number `counter` (i64) of the generator, f64.
static Value callGenerator(KernelBuilder &builder, StringRef symbol, Value key, Value site, Value counter) {
  Type i64 = builder.getI64Type();
  func::FuncOp generator = builder.declare(symbol, builder.getFunctionType({i64, i64, i64}, builder.getF64Type()));
  return func::CallOp::create(builder, generator, ValueRange{key, site, counter}).getResult(0);
}

static Value toReal(KernelBuilder &builder, Value f64, Type type) {
  return type.isF64() ? f64 : Value(arith::TruncFOp::create(builder, type, f64));
}

/// The counter of the first entry of a batch that begins with `row`.
static Value firstCounter(KernelBuilder &builder, Value row, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> entry = shape.drop_front();
  int64_t elements = std::accumulate(entry.begin(), entry.end(), int64_t(1), std::multiplies<>());
  return arith::MulIOp::create(builder, builder.load(row, {}),
                               arith::ConstantOp::create(builder, builder.getI64IntegerAttr(elements)));
}

namespace {
class RandomKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto random = cast<tune::RandomOp>(op);
    Value result = random.getResult(), site = builder.immediate(op, "site");
    bool isNormal = random.getDistribution() == tune::Distribution::normal;
    double a = random.getA().convertToDouble(), b = random.getB().convertToDouble();
    Value offset = constant(builder, builder.getF64Type(), a);
    Value factor = constant(builder, builder.getF64Type(), isNormal ? b : b - a);
    Value key = builder.load(random.getKey(), {});
    Value first = random.getRow() ? firstCounter(builder, random.getRow(), getShape(result)) : Value();
    forEachItem(builder, getShape(result), [&](ValueRange indices) {
      Value counter =
          arith::IndexCastOp::create(builder, builder.getI64Type(), linearIndex(builder, getShape(result), indices));
      if (first)
        counter = arith::AddIOp::create(builder, first, counter);
      Value number = callGenerator(builder, isNormal ? "ftc_random_normal" : "ftc_random_uniform", key, site, counter);
      number = arith::AddFOp::create(builder, offset, arith::MulFOp::create(builder, factor, number));
      builder.store(toReal(builder, number, getElementType(result)), result, indices);
    });
    return success();
  }
};

class DropKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    auto drop = cast<tune::DropOp>(op);
    Value result = drop.getResult(), site = builder.immediate(op, "site");
    Type type = getElementType(result), i64 = builder.getI64Type();
    ArrayRef<int64_t> shape = getShape(result);
    double rate = drop.getRate().convertToDouble();
    Value least = constant(builder, builder.getF64Type(), rate), zero = constant(builder, type, 0);
    Value kept = constant(builder, type, 1 - rate), key = builder.load(drop.getKey(), {});
    Value first = firstCounter(builder, drop.getRow(), shape);
    forEachItem(builder, shape, [&](ValueRange indices) {
      Value linear = arith::IndexCastOp::create(builder, i64, linearIndex(builder, shape, indices));
      Value counter = arith::AddIOp::create(builder, first, linear);
      Value number = callGenerator(builder, "ftc_random_uniform", key, site, counter);
      Value isKept = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGE, number, least);
      Value scaled = arith::DivFOp::create(builder, builder.load(drop.getX(), indices), kept);
      builder.store(arith::SelectOp::create(builder, isKept, scaled, zero), result, indices);
    });
    return success();
  }

  bool mayShare(OpOperand &operand, OpResult) const override { return operand.getOperandNumber() == 0; }
};
} // namespace

void addRandomKernels(KernelRegistry &registry) {
  registry.add("tune.random", std::make_shared<RandomKernel>());
  registry.add("tune.drop", std::make_shared<DropKernel>());
}

} // namespace ftc::target
