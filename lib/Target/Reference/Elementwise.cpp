// arith and math on tensors: the op itself, on one element after another.

#include "Loops.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace ftc::target {

namespace {
class ElementwiseKernel : public KernelGenerator {
  LogicalResult generate(Operation *op, KernelBuilder &builder) const override {
    if (!llvm::all_of(op->getOperandTypes(), llvm::IsaPred<ShapedType>))
      return op->emitOpError("mixes tensors and scalars");
    forEachItem(builder, getShape(op->getResult(0)), [&](ValueRange indices) {
      IRMapping scalars;
      for (Value operand : op->getOperands())
        scalars.map(operand, builder.load(operand, indices));
      Operation *scalar = op->clone(scalars);
      scalar->setDiscardableAttrs(ArrayRef<NamedAttribute>());
      for (auto [result, tensor] : llvm::zip(scalar->getResults(), op->getResults()))
        result.setType(getElementType(tensor));
      builder.insert(scalar);
      for (auto [result, tensor] : llvm::zip(scalar->getResults(), op->getResults()))
        builder.store(result, tensor, indices);
    });
    return success();
  }

  bool mayShare(OpOperand &operand, OpResult result) const override {
    return getElementType(operand.get()).getIntOrFloatBitWidth() == getElementType(result).getIntOrFloatBitWidth();
  }
};
} // namespace

void addElementwiseKernels(KernelRegistry &registry) { registry.setElementwise(std::make_shared<ElementwiseKernel>()); }

} // namespace ftc::target
