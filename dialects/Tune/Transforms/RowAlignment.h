//===- RowAlignment.h - Which ops can share rows ------------------*- C++ -*-===//

#ifndef FTC_DIALECTS_TUNE_TRANSFORMS_ROWALIGNMENT_H
#define FTC_DIALECTS_TUNE_TRANSFORMS_ROWALIGNMENT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"

namespace ftc::tune {

/// Ops of a kernel, at most.
inline constexpr size_t kMostKernelOps = 96;
/// Inputs and outputs of a kernel: below the limit of the runtime (FTC_MAX_BUFFERS), with room for a workspace.
inline constexpr size_t kMostKernelBuffers = 120;

/// The numbers of rows into which a set of tensors can be cut: products of their leading dimensions.
class RowCounts {
public:
  RowCounts() = default;
  /// The products of the first `dims` sizes of `shape` (and fewer).
  RowCounts(llvm::ArrayRef<int64_t> shape, size_t dims);

  RowCounts intersect(const RowCounts &other) const;
  /// Whether there are enough rows for the threads, or so little work that it does not matter.
  bool isWorthwhile() const;

private:
  llvm::SmallVector<int64_t, 4> counts;
  int64_t elements = 1; ///< of the largest tensor
};

/// Numbers of rows for which a row of the result of `op` needs that row of its operands only.
RowCounts getAlignedRows(mlir::Operation *op);

/// The blocks of a program whose ops become kernels: its own, and those of its loops and choices.
llvm::SmallVector<mlir::Block *> getKernelBlocks(mlir::func::FuncOp program);

/// Whether the operand is read in any row whatever row is computed, as the table of a gather is.
bool readsOtherRows(mlir::OpOperand &operand);

/// Ops that say where elements come from, or need nothing: they are copied into each kernel that uses them.
bool isLazy(mlir::Operation *op);

/// Ops that a row kernel can hold.
bool isRowOp(mlir::Operation *op);

/// A reduction of so many rows into so few that it cannot share rows with what it reduces.
bool isSumAcrossRows(mlir::Operation *op);

/// Sums of everything become sums of rows and a sum of these, so that threads share the work: sum = sum of sums.
void splitSums(mlir::Block &block);

/// Repeats cheap elementwise ops where a product, an attention or the like lies between them and their user, instead
/// of storing their result: they need at most one large tensor that is stored anyway. Returns the copies, which belong
/// into the kernels of their users.
llvm::DenseSet<mlir::Operation *> copyCheapProducers(mlir::Block &block);

/// Erases ops whose results nothing needs, also from `known`.
void eraseUnused(mlir::Block &block, llvm::DenseSet<mlir::Operation *> &known);

} // namespace ftc::tune

#endif
