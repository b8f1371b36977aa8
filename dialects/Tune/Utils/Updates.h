//===- Updates.h - tensors that a program adds to -------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_UTILS_UPDATES_H
#define FTC_DIALECTS_TUNE_UTILS_UPDATES_H

#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace ftc::tune {

/// The tensor that a value is written to, if nothing else uses it; null if there is none.
inline mlir::FlatSymbolRefAttr findWritten(mlir::Value value) {
  auto write = value.hasOneUse() ? mlir::dyn_cast<WriteOp>(*value.user_begin()) : WriteOp();
  return write ? write.getTensorAttr() : mlir::FlatSymbolRefAttr();
}

/// The other side of a sum, if that is what lies in the tensor that the sum is written to.
inline ReadOp findKept(mlir::arith::AddFOp sum, mlir::Value side) {
  auto read = (sum.getLhs() == side ? sum.getRhs() : sum.getLhs()).getDefiningOp<ReadOp>();
  return read && read.getTensorAttr() == findWritten(sum) ? read : ReadOp();
}

} // namespace ftc::tune

#endif // FTC_DIALECTS_TUNE_UTILS_UPDATES_H
