// A contraction seen as a batch of matrix products over memory.
#ifndef FTC_LIB_TARGET_CPU_PRODUCTSHAPE_H
#define FTC_LIB_TARGET_CPU_PRODUCTSHAPE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace ftc::target::cpu {

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
  /// The op's second operand is `a`.
  bool swapped = false;
};

/// Nothing if the contraction is no matrix product of operands that have a dimension of neighbours.
std::optional<ProductShape> getProductShape(mlir::linalg::ContractOp op);

} // namespace ftc::target::cpu

#endif // FTC_LIB_TARGET_CPU_PRODUCTSHAPE_H
