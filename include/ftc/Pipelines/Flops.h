//===- Flops.h - arithmetic of a program -----------------------*- C++ -*-===//

#ifndef FTC_PIPELINES_FLOPS_H
#define FTC_PIPELINES_FLOPS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ftc {

/// Multiplications and additions of a program's matrix products and attention: two for each pair of entries that meet.
/// Attention counts all keys of a row (with a causal mask half of them are seen).
double countFlops(mlir::func::FuncOp program);

} // namespace ftc

#endif // FTC_PIPELINES_FLOPS_H
