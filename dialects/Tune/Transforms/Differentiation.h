//===- Differentiation.h - Reverse accumulation ------------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_TRANSFORMS_DIFFERENTIATION_H
#define FTC_DIALECTS_TUNE_TRANSFORMS_DIFFERENTIATION_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OpDefinition.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SmallVector.h"

#include "dialects/Tune/Transforms/DifferentiableOpInterface.h.inc"

namespace ftc::tune {

/// A value and its cotangent, of the same type.
struct Seed {
  mlir::Value value;
  mlir::Value cotangent;
};

/// Builds, at `builder`, the cotangents of `wrt` that follow from those of `seeds` through the ops that stand before
/// the insertion point in its block: null where `wrt` has no influence. Cotangents that meet are added from the last
/// use to the first. Emits an error at an op that has no derivative.
mlir::LogicalResult differentiate(mlir::OpBuilder &builder, llvm::ArrayRef<Seed> seeds, llvm::ArrayRef<mlir::Value> wrt,
                                  llvm::SmallVectorImpl<mlir::Value> &cotangents);

/// Attaches DifferentiableOpInterface to the ops of arith, math, linalg, tensor and tune.
void registerAdjoints(mlir::DialectRegistry &registry);

// The parts of registerAdjoints, a file each.
void registerElementwiseAdjoints(mlir::DialectRegistry &registry);
void registerTensorAdjoints(mlir::DialectRegistry &registry);
void registerTuneAdjoints(mlir::DialectRegistry &registry);
void registerMatrixAdjoints(mlir::DialectRegistry &registry);

} // namespace ftc::tune

#endif
