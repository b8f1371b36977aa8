//===- Arithmetic.h - operators on numbers known when compiling -*- C++ -*-===//
//
// Recipes and definitions compute alike: integers stay integers where the result is one.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_FRONTEND_ARITHMETIC_H
#define FTC_FRONTEND_ARITHMETIC_H

#include "ftc/Frontend/AST.h"

namespace ftc::ast {

/// An operator as it is written.
llvm::StringRef spelling(BinaryOp op);

/// `a op b` of `+ - * / % ^` where it is an integer; `overflow` is set where it does not fit into 64 bits. Nothing if
/// the result is a real. `b` is not 0 for `/` and `%`; a remainder has the sign of the divisor.
std::optional<int64_t> evaluateInteger(BinaryOp op, int64_t a, int64_t b, bool &overflow);

/// `a op b` of the same operators.
double evaluateReal(BinaryOp op, double a, double b);

inline bool isComparison(BinaryOp op) { return op >= BinaryOp::Eq && op <= BinaryOp::Ge; }
bool compare(BinaryOp op, double a, double b);

} // namespace ftc::ast

#endif // FTC_FRONTEND_ARITHMETIC_H
