//===- Patterns.h - Sets of rewrites that passes share ------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_TRANSFORMS_PATTERNS_H
#define FTC_DIALECTS_TUNE_TRANSFORMS_PATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace ftc::tune {

/// The equations of tune-simplify, beyond the dialects' own canonicalizations.
void populateSimplifyPatterns(mlir::RewritePatternSet &patterns);

/// P x + Q x = (P + Q) x, where that is less work (part of tune-order-contractions).
void populateFactorSumsPatterns(mlir::RewritePatternSet &patterns);

} // namespace ftc::tune

#endif
