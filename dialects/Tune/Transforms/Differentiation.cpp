//===- Differentiation.cpp - Reverse accumulation --------------------------===//

#include "dialects/Tune/Transforms/Differentiation.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

#include "dialects/Tune/Transforms/DifferentiableOpInterface.cpp.inc"

namespace ftc::tune {

namespace {
/// The cotangents of the values of one block while it is walked from its end to its start.
class Accumulator {
public:
  Accumulator(OpBuilder &builder, ArrayRef<Value> wrt) : builder(builder), active(wrt.begin(), wrt.end()) {
    Block::iterator end = builder.getInsertionPoint();
    for (Operation &op : llvm::make_range(builder.getInsertionBlock()->begin(), end)) {
      ops.push_back(&op);
      markActive(op);
    }
  }

  LogicalResult run() {
    for (Operation *op : llvm::reverse(ops))
      if (failed(visit(op)))
        return failure();
    return success();
  }

  void add(Value value, Value cotangent) {
    Value &sum = cotangents[value];
    sum = sum ? tune::add(builder, cotangent.getLoc(), sum, cotangent) : cotangent;
  }

  Value lookup(Value value) { return cotangents.lookup(value); }

private:
  /// Results are active if a change of `wrt` may change them smoothly.
  void markActive(Operation &op) {
    if (isa<StopGradientOp>(op) || !llvm::any_of(op.getOperands(), [&](Value v) { return active.contains(v); }))
      return;
    for (Value result : op.getResults())
      if (isa<FloatType>(getElementTypeOrSelf(result.getType())))
        active.insert(result);
  }

  LogicalResult visit(Operation *op) {
    SmallVector<Value> results = llvm::map_to_vector(op->getResults(), [&](Value v) { return cotangents.lookup(v); });
    BitVector needed(op->getNumOperands());
    for (OpOperand &operand : op->getOpOperands())
      needed[operand.getOperandNumber()] = active.contains(operand.get());
    if (llvm::none_of(results, [](Value v) { return bool(v); }) || needed.none() || isa<StopGradientOp>(op))
      return success();
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op->emitError("'") << op->getName() << "' has no derivative";
    SmallVector<Value> operands(op->getNumOperands());
    if (failed(differentiable.buildAdjoint(builder, results, needed, operands)))
      return failure();
    for (auto [operand, cotangent] : llvm::zip(op->getOperands(), operands))
      if (cotangent)
        add(operand, cotangent);
    return success();
  }

  OpBuilder &builder;
  SmallVector<Operation *> ops;
  DenseSet<Value> active;
  DenseMap<Value, Value> cotangents;
};
} // namespace

LogicalResult differentiate(OpBuilder &builder, ArrayRef<Seed> seeds, ArrayRef<Value> wrt,
                            SmallVectorImpl<Value> &cotangents) {
  Accumulator accumulator(builder, wrt);
  for (Seed seed : seeds)
    accumulator.add(seed.value, seed.cotangent);
  if (failed(accumulator.run()))
    return failure();
  for (Value value : wrt)
    cotangents.push_back(accumulator.lookup(value));
  return success();
}

void registerAdjoints(DialectRegistry &registry) {
  registerElementwiseAdjoints(registry);
  registerTensorAdjoints(registry);
  registerTuneAdjoints(registry);
  registerMatrixAdjoints(registry);
}

} // namespace ftc::tune
