//===- MicroBatches.h - programs that see a batch in parts --------*- C++ -*-===//
//
// Decisions that depend on how many rows there are must be those of the whole batch, where a program that sees a part
// of its rows is to give the same numbers. Such a program says so: `tune.micro_batches = array<i64: number, rows...>`.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_DIALECTS_TUNE_UTILS_MICROBATCHES_H
#define FTC_DIALECTS_TUNE_UTILS_MICROBATCHES_H

#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ftc::tune {

/// In how many parts a program sees what would be seen at once.
inline int64_t countMicroBatches(mlir::func::FuncOp program) {
  auto parts = program->getAttrOfType<mlir::DenseI64ArrayAttr>(TuneDialect::kMicroBatchesAttrName);
  return parts ? parts[0] : 1;
}

/// Elements that a tensor would have if its program saw the whole batch. One whose leading dimensions are the rows of a
/// part has them.
inline int64_t countInWholeBatch(mlir::Value value) {
  auto type = llvm::cast<mlir::RankedTensorType>(value.getType());
  auto program = value.getParentRegion()->getParentOfType<mlir::func::FuncOp>();
  auto parts = program ? program->getAttrOfType<mlir::DenseI64ArrayAttr>(TuneDialect::kMicroBatchesAttrName)
                       : mlir::DenseI64ArrayAttr();
  if (!parts)
    return type.getNumElements();
  llvm::ArrayRef<int64_t> rows = parts.asArrayRef().drop_front(), shape = type.getShape();
  return type.getNumElements() * (shape.take_front(rows.size()) == rows ? parts[0] : 1);
}

} // namespace ftc::tune

#endif // FTC_DIALECTS_TUNE_UTILS_MICROBATCHES_H
