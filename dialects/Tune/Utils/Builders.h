//===- Builders.h - Tensor expressions without inits and maps by hand -*- C++ -*-===//
//
// Each function builds the form that docs/ir.md fixes for what its name says. Values are statically shaped ranked
// tensors of f32 or f64 unless said otherwise. Trivial cases (a reshape to the same shape, a transpose by the identity,
// a reduction over nothing, ...) give back their operand.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_DIALECTS_TUNE_UTILS_BUILDERS_H
#define FTC_DIALECTS_TUNE_UTILS_BUILDERS_H

#include "dialects/Tune/IR/Tune.h"

#include "mlir/IR/Builders.h"

namespace ftc::tune {

mlir::RankedTensorType typeOf(mlir::Value tensor);
llvm::ArrayRef<int64_t> shapeOf(mlir::Value tensor);

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// A constant with `value` in every entry; `type` has real, integer or boolean elements.
mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type, double value);
/// splat of the type of `like`.
mlir::Value splatLike(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value like, double value);
/// A real scalar (rank 0) with elements of `element`.
mlir::Value scalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type element, double value);
/// The value of a splat constant of reals or integers, if `value` is one (seen through linalg.broadcast).
std::optional<double> splatValue(mlir::Value value);
/// Whether every entry is 0: a constant, or a fill, with which sums begin.
bool isZeroTensor(mlir::Value value);

//===----------------------------------------------------------------------===//
// Elementwise arithmetic; both sides have one type
//===----------------------------------------------------------------------===//

mlir::Value add(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, mlir::Value b);
mlir::Value sub(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, mlir::Value b);
mlir::Value mul(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, mlir::Value b);
mlir::Value div(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, mlir::Value b);
mlir::Value neg(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a);
/// `a` times a number.
mlir::Value scale(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, double factor);
/// `condition` has i1 elements.
mlir::Value select(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value condition, mlir::Value yes,
                   mlir::Value no);

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

/// `a` repeated along new dimensions: its dimension i becomes `positions[i]` (any order) of a result of `shape`.
mlir::Value broadcast(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<int64_t> positions);
/// A scalar repeated in every entry of `shape`.
mlir::Value broadcastScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, llvm::ArrayRef<int64_t> shape);
/// NumPy's rule: `a`'s dimensions are the last of `shape`, those of size 1 are repeated.
mlir::Value broadcastTo(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, llvm::ArrayRef<int64_t> shape);
/// Dimension i of the result is dimension `order[i]` of `a`.
mlir::Value transpose(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, llvm::ArrayRef<int64_t> order);
/// `a` with the dimensions labelled `from` in the order `to`, a permutation of `from`.
mlir::Value transposeLabels(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, llvm::ArrayRef<int> from,
                            llvm::ArrayRef<int> to);
/// The same entries in the same order with another shape, by tensor.collapse_shape and tensor.expand_shape.
mlir::Value reshape(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, llvm::ArrayRef<int64_t> shape);
/// Entries [start, start + size) of dimension `dim`.
mlir::Value slice(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, int64_t dim, int64_t start,
                  int64_t size);
/// Entry `index` of dimension `dim`, which disappears.
mlir::Value pickIndex(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, int64_t dim, int64_t index);
mlir::Value concat(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange parts, int64_t dim);
/// `a` with `low` zeros before and `high` zeros after it in dimension `dim`.
mlir::Value padZeros(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, int64_t dim, int64_t low,
                     int64_t high);
/// Puts into each tensor.pad below `root` the constant that it pads with, which the folder moves out: an op that is
/// moved into an isolated region must not need a value from around it.
void isolatePads(mlir::Operation *root);

//===----------------------------------------------------------------------===//
// Sums and products
//===----------------------------------------------------------------------===//

enum class Combiner { sum, max, min };

/// `a` without the dimensions `dims`, whose entries are combined. The largest of nothing is -inf.
mlir::Value reduce(mlir::OpBuilder &builder, mlir::Location loc, Combiner combiner, mlir::Value a,
                   llvm::ArrayRef<int64_t> dims);
mlir::Value reduceSum(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, llvm::ArrayRef<int64_t> dims);
/// The scalar sum of all entries.
mlir::Value sumAll(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a);

/// Einstein's sum: the dimensions of `a` and `b` carry labels; labels that `outLabels` lacks are summed over. A label
/// of `outLabels` occurs in `a` or `b`; no label occurs twice in one operand. Labels of one operand alone that are
/// summed are summed before the product. Where nothing is left to sum, it is a product of repeated operands, for
/// linalg.contract has none such.
mlir::Value contract(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, llvm::ArrayRef<int> aLabels,
                     mlir::Value b, llvm::ArrayRef<int> bLabels, llvm::ArrayRef<int> outLabels);
/// The matrix product [m, k] x [k, n].
mlir::Value matmul(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, mlir::Value b);

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

/// `a` with elements of another type: reals truncated or extended, converted from integers or booleans, or cut to
/// integers.
mlir::Value convert(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, mlir::Type element);

} // namespace ftc::tune

#endif
