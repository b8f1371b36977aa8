// Programs that fit a budget by computing results again.
#ifndef FTC_LIB_TARGET_INSERTRECOMPUTE_H
#define FTC_LIB_TARGET_INSERTRECOMPUTE_H

#include "ftc/Target/KernelGenerator.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ftc::target {

/// What a program needs, by the liveness of its values.
struct RecomputeOutcome {
  int64_t before, after; ///< bytes at once
  double share;          ///< of what is computed again in the program's time, estimated
};

/// Computes results of a fused program again where that lets it do with `budget` bytes of values at once, or with as
/// few as there can be, at the least estimated time. Results that stand in a kernel with others are computed again
/// without those. Values stay the same bit for bit: what is computed again is the same op over the same operands.
RecomputeOutcome insertRecompute(mlir::func::FuncOp program, const KernelRegistry &registry, int64_t budget);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_INSERTRECOMPUTE_H
