//===- Patterns.h - Sets of rewrites that passes share ------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_TRANSFORMS_PATTERNS_H
#define FTC_DIALECTS_TUNE_TRANSFORMS_PATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace ftc::tune {

/// The equations of tune-simplify, beyond the dialects' own canonicalizations.
void populateSimplifyPatterns(mlir::RewritePatternSet &patterns);

} // namespace ftc::tune

#endif
