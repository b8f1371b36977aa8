//===- Hints.h - what the author of a definition may have meant -*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_HINTS_H
#define FTC_LIB_ELABORATE_HINTS_H

#include "Evaluator.h"

namespace ftc::elaborate {

/// Of a contraction without a shared dimension: another order of its factors, or a tensor of the adapter between them.
void hintAtContraction(Evaluator &evaluator, Diagnostics::Builder &message, const ast::BinaryExpr &expr,
                       const Tensor &lhs, const Tensor &rhs, Scope &scope);
/// Of an operand of `@` that stands right behind `/`, `*` or the like, which bind looser.
bool hintAtPrecedence(Diagnostics &diags, Diagnostics::Builder &message, const ast::BinaryExpr &expr);
/// Of a name that libraries of tensors without named dimensions have: what is written here.
void hintAtOtherNotation(Diagnostics::Builder &message, llvm::StringRef name);
/// Where the name is an argument of a function of the body, which the rest of the body does not see.
void hintAtArgument(Diagnostics::Builder &message, llvm::StringRef name, Scope &scope);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_HINTS_H
