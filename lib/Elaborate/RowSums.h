//===- RowSums.h - losses as ratios of sums over rows -----------*- C++ -*-===//
//
// A loss is a sum of ratios of sums over the rows of a batch, whose denominators
// do not depend on the model. So a batch may be cut into micro-batches: first
// the denominators of all of them are added up, then each micro-batch gives the
// share of its rows. Here sums over rows are kept apart from other scalars until
// they are divided.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_ELABORATE_ROWSUMS_H
#define FTC_LIB_ELABORATE_ROWSUMS_H

#include "Evaluator.h"

#include <functional>

namespace ftc::elaborate {

class RowSums {
public:
  /// `present`: `[batch]`, whether a row holds anything. `addWhole` gives an f64 scalar for the next denominator, its
  /// sum over the whole batch; without it this micro-batch is all there is.
  RowSums(Dim batch, Tensor present, std::function<mlir::Value()> addWhole)
      : batch(batch), present(std::move(present)), addWhole(std::move(addWhole)) {}

  /// `sum` or `mean` of a value over dimensions among which is `batch`; nothing if it is not among them.
  std::optional<Value> reduce(Evaluator &evaluator, llvm::StringRef kind, const Value &value, std::optional<Dims> over,
                              llvm::SMRange range);
  Value binary(Evaluator &evaluator, ast::BinaryOp op, const Value &lhs, const Value &rhs, llvm::SMRange range);
  Value negate(Evaluator &evaluator, const RowSum &sum, llvm::SMRange range);

  /// Reports a use of such a sum that is no ratio.
  static Value refuse(Evaluator &evaluator, llvm::SMRange range);

  /// This micro-batch's part of each denominator, in order of evaluation.
  llvm::SmallVector<mlir::Value> denominators;

private:
  Value divide(Evaluator &evaluator, const RowSum &numerator, const RowSum &denominator, llvm::SMRange range);

  Dim batch;
  Tensor present;
  std::function<mlir::Value()> addWhole;
};

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_ROWSUMS_H
