//===- RowRoles.h - Which ops act on each row alone ----------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_TRANSFORMS_ROWROLES_H
#define FTC_DIALECTS_TUNE_TRANSFORMS_ROWROLES_H

#include "mlir/IR/Operation.h"

#include "llvm/ADT/SmallVector.h"

namespace ftc::tune {

/// What an operand is to an op that acts on each row alone.
enum class RowRole {
  row,    ///< its leading dimensions are the rows
  shared, ///< every row needs the whole of it
  init    ///< where the result goes: shaped like the result, its contents a constant
};

/// The roles of an op's operands if each row of its results depends only on the same row of its row operands, where
/// rows are indexed by leading dimensions of sizes `rows`. Else empty, with a `reason`.
llvm::SmallVector<RowRole> getRowRoles(mlir::Operation *op, llvm::ArrayRef<int64_t> rows, std::string &reason);

/// Whether `value` is a tensor whose leading dimensions have the sizes `rows`.
bool hasRows(mlir::Value value, llvm::ArrayRef<int64_t> rows);

} // namespace ftc::tune

#endif
