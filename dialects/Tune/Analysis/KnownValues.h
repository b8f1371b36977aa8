//===- KnownValues.h - what an elementwise op makes of origins --*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_ANALYSIS_KNOWNVALUES_H
#define FTC_DIALECTS_TUNE_ANALYSIS_KNOWNVALUES_H

#include "dialects/Tune/Analysis/Origins.h"

#include "mlir/IR/Operation.h"

namespace ftc::tune {

/// Whether each entry of the op's only result depends on the same entry of its operands alone.
bool isElementwiseForOrigins(mlir::Operation *op);

/// The origin of an entry of such an op's result, or of what a reduction's combiner makes of two. Numbers that are
/// finite unless known otherwise are assumed: 0 times x is 0, -inf minus x is -inf.
Origin elementwiseOrigin(mlir::Operation *op, llvm::ArrayRef<Origin> operands);
Origin productOrigin(const Origin &a, const Origin &b);
Origin sumOrigin(const Origin &a, const Origin &b);

/// What a reduction with this combiner begins with.
Origin neutralOrigin(mlir::Operation *combiner);

} // namespace ftc::tune

#endif // FTC_DIALECTS_TUNE_ANALYSIS_KNOWNVALUES_H
