// Programs that fit a budget by computing results again.
#ifndef FTC_LIB_TARGET_INSERTRECOMPUTE_H
#define FTC_LIB_TARGET_INSERTRECOMPUTE_H

#include "ftc/Target/KernelGenerator.h"
#include "ftc/Target/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ftc::target {

/// Bytes of a fused program's values at once, as it is.
int64_t countLiveBytes(mlir::func::FuncOp program, const KernelRegistry &registry);

/// Computes results of a fused program again where that lets it do with `budget` bytes of values at once, or with as
/// few as there can be, at the least estimated time. Results that stand in a kernel with others are computed again
/// without those. Values stay the same bit for bit: what is computed again is the same op over the same operands.
Recomputed insertRecompute(mlir::func::FuncOp program, const KernelRegistry &registry, int64_t budget);

/// The same with results that are cheap for the bytes they free, which no product is, and for at most kCheapShare of
/// the program's time: to `budget` bytes, or to as few as that gives. In little time, without a search for the least.
Recomputed insertCheapRecompute(mlir::func::FuncOp program, const KernelRegistry &registry, int64_t budget);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_INSERTRECOMPUTE_H
