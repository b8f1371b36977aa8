//===- Matrix.h - two dimensions of a tensor as a matrix ---------*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_MATRIX_H
#define FTC_LIB_ELABORATE_MATRIX_H

#include "BuiltinCall.h"

namespace ftc::elaborate {

/// The dimensions that a function of matrices works on; the others are a batch.
struct Matrix {
  Dim row, column;
};

/// Those of the argument `over: (row, column)`, else the pair `d`, `d'` of x, else the two that x has. Nothing after an
/// error.
std::optional<Matrix> matrixOf(Evaluator &evaluator, BuiltinCall &call, const Tensor &x, Scope &scope,
                               llvm::SMRange range);

/// x with its other dimensions first, then the row, then the column.
Tensor matrixLast(Evaluator &evaluator, const Tensor &x, const Matrix &matrix);

/// The matrix [row, column] of ones where both agree, zeros elsewhere.
Tensor identity(Evaluator &evaluator, Dim row, Dim column);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_MATRIX_H
