//===- EqualOps.h - Merges ops that are equal ----------------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_TRANSFORMS_EQUALOPS_H
#define FTC_DIALECTS_TUNE_TRANSFORMS_EQUALOPS_H

#include "mlir/IR/PatternMatch.h"

#include "llvm/ADT/DenseSet.h"

namespace ftc::tune {

/// Takes down which ops are new or have other operands, in the order in which that was seen first.
class ChangedOps : public mlir::RewriterBase::Listener {
public:
  void notifyOperationInserted(mlir::Operation *op, mlir::OpBuilder::InsertPoint) override { add(op); }
  void notifyOperationModified(mlir::Operation *op) override { add(op); }
  void notifyOperationErased(mlir::Operation *op) override { present.erase(op); }

  /// Those that are still there, once.
  llvm::SmallVector<mlir::Operation *> take();

private:
  void add(mlir::Operation *op) {
    if (present.insert(op).second)
      inOrder.push_back(op);
  }

  llvm::DenseSet<mlir::Operation *> present;
  llvm::SmallVector<mlir::Operation *> inOrder;
};

/// Common subexpressions: of ops without effects that are equal but for their locations, the first one stays, and what
/// nothing needs is removed. Regions have one block each, and values are tensors and numbers, so that an op's kind says
/// whether it has effects. Returned are the ops that have other operands now. MLIR's pass of that purpose cannot go on
/// from what has changed.
llvm::SmallVector<mlir::Operation *> mergeEqualOps(mlir::Operation *program);
/// The same where all ops but `changed` have been merged before.
llvm::SmallVector<mlir::Operation *> mergeEqualOps(mlir::Operation *program, llvm::ArrayRef<mlir::Operation *> changed);

} // namespace ftc::tune

#endif
