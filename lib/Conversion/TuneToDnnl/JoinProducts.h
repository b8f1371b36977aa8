//===- JoinProducts.h - Products that read the same operand ---------*- C++ -*-===//

#ifndef FTC_LIB_CONVERSION_TUNETODNNL_JOINPRODUCTS_H
#define FTC_LIB_CONVERSION_TUNETODNNL_JOINPRODUCTS_H

#include "mlir/IR/PatternMatch.h"

namespace ftc {

/// Products of one term by the same, much larger operand become one, whose result has the rows of theirs.
void populateJoinProductsPatterns(mlir::RewritePatternSet &patterns);

} // namespace ftc

#endif
