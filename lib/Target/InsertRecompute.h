// Programs that fit a budget by computing results again.
#ifndef FTC_LIB_TARGET_INSERTRECOMPUTE_H
#define FTC_LIB_TARGET_INSERTRECOMPUTE_H

#include "ftc/Target/KernelGenerator.h"
#include "ftc/Target/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ftc::target {

/// Computes results of a fused program again where that lets it do with `budget` bytes of values at once, or with as
/// few as there can be, at the least estimated time. Results that stand in a kernel with others are computed again
/// without those. Values stay the same bit for bit: what is computed again is the same op over the same operands.
Recomputed insertRecompute(mlir::func::FuncOp program, const KernelRegistry &registry, int64_t budget);

/// The same with results that are cheap for the bytes they free, which no product is, and for at most kCheapShare of a
/// program's time; in little time, without a search for the least. In those programs of a module that decide how much
/// there must be: to `enough` bytes, or to what the module needs at least. Gives what became of those programs.
std::vector<Recomputed> insertCheapRecompute(mlir::ModuleOp module, const KernelRegistry &registry, int64_t enough);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_INSERTRECOMPUTE_H
