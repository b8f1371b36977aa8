//===- ProductShape.h - A contraction as matrix products over memory -*- C++ -*-===//

#ifndef FTC_DIALECTS_DNNL_IR_PRODUCTSHAPE_H
#define FTC_DIALECTS_DNNL_IR_PRODUCTSHAPE_H

#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace ftc::dnnl {

/// Dimensions of the iteration space that are one dimension, since each operand steps through them evenly. Strides are
/// in elements, 0 in an operand that lacks the dimension.
struct ProductDimension {
  int64_t size = 1;
  int64_t a = 0, b = 0, c = 0;
};

/// c[batch, m, n] = sum over k of a[batch, m, k] b[batch, k, n]. Columns of c are neighbours.
struct ProductShape {
  ProductDimension m, n, k;
  llvm::SmallVector<ProductDimension> batch;
  /// The second operand is `a`.
  bool swapped = false;

  /// Entries of the batch.
  int64_t countBatch() const;

  /// Whether both write the same places of their results as the same rows and columns.
  bool writesLike(const ProductShape &other) const;
};

/// The product of two row-major operands; `maps` are those of lhs, rhs and result, `sizes` those of the iteration
/// space. Nothing if it is no matrix product of operands that have a dimension of neighbours.
std::optional<ProductShape> getProductShape(llvm::ArrayRef<mlir::AffineMap> maps, llvm::ArrayRef<int64_t> sizes);

} // namespace ftc::dnnl

#endif
