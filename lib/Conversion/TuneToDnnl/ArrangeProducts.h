//===- ArrangeProducts.h - Operands as products want them -----------*- C++ -*-===//

#ifndef FTC_LIB_CONVERSION_TUNETODNNL_ARRANGEPRODUCTS_H
#define FTC_LIB_CONVERSION_TUNETODNNL_ARRANGEPRODUCTS_H

#include "dialects/Dnnl/IR/ProductShape.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/PatternMatch.h"

namespace ftc {

/// Whether a contraction of that shape is worth a product of the library: one of few rows by a matrix that is read row
/// by row is bound by reading it, which a kernel of rows does as well.
bool isLibraryProduct(const std::optional<dnnl::ProductShape> &shape);

/// A contraction of f32 that is no library product as its operands and result lie becomes one that is, by reading
/// before a transpose, or by transposing what is smallest; one of rows and a vector becomes a sum along the rows or
/// across them.
void populateArrangeProductsPatterns(mlir::RewritePatternSet &patterns);

} // namespace ftc

#endif
