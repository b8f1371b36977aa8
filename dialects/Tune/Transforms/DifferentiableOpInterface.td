//===- DifferentiableOpInterface.td - An op's own derivative ---*- tablegen -*-===//

#ifndef FTC_TUNE_DIFFERENTIABLE_OP_INTERFACE
#define FTC_TUNE_DIFFERENTIABLE_OP_INTERFACE

include "mlir/IR/Interfaces.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::ftc::tune";
  let description = [{
    An op whose operands' cotangents (gradients of a scalar) follow from its results' cotangents. Every op that
    differentiation may meet implements it, upstream ops by external models (`registerAdjoints`).
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the operands' cotangents at `builder`. `resultCotangents` has an entry for each result, null where it is
      zero (at least one is not). `operandCotangents` has a null for each operand; it is set for those of `needed`,
      unless it is zero. Emits an error where the op, with these attributes, has no derivative.
    }], "::llvm::LogicalResult", "buildAdjoint",
      (ins "::mlir::OpBuilder &":$builder, "::llvm::ArrayRef<::mlir::Value>":$resultCotangents,
           "const ::llvm::BitVector &":$needed, "::llvm::SmallVectorImpl<::mlir::Value> &":$operandCotangents)>
  ];
}

#endif
