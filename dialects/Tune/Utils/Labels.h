//===- Labels.h - The dimensions of a contraction by number ---------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_UTILS_LABELS_H
#define FTC_DIALECTS_TUNE_UTILS_LABELS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ftc::tune {

/// A number for each dimension of a tensor: dimensions of equal number are the same one of a contraction.
using Labels = llvm::SmallVector<int>;

/// The dimensions that a projected permutation reads, in order.
inline Labels labelsOf(mlir::AffineMap map) {
  return llvm::map_to_vector(
      map.getResults(), [](mlir::AffineExpr expr) { return int(llvm::cast<mlir::AffineDimExpr>(expr).getPosition()); });
}

/// Whether each tensor of the contraction is read or written along dimensions of its own.
inline bool isPlain(mlir::linalg::ContractOp op) {
  return llvm::all_of(op.getIndexingMapsArray(), [](mlir::AffineMap map) { return map.isProjectedPermutation(); });
}

} // namespace ftc::tune

#endif
