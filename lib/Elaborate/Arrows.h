//===- Arrows.h - `(a, b) -> c` between dimensions --------------*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_ARROWS_H
#define FTC_LIB_ELABORATE_ARROWS_H

#include "BuiltinCall.h"

namespace ftc::elaborate {

/// One side of an arrow: `(groups, g)`, `q + k + v`, or a single name.
struct Pattern {
  enum Kind { Single, Product, Sum } kind = Single;
  std::vector<const ast::NameExpr *> names;
};
/// Nothing after an error.
std::optional<Pattern> patternOf(Evaluator &evaluator, const ast::Expr &expr);

/// The dimension of a name that a reshape makes: known already, else a new one of that size. Null after an error.
Dim target(Evaluator &evaluator, const ast::NameExpr &name, int64_t size, Scope &scope);

/// `x` with some of its dimensions as one of that name, the last of them varying fastest.
Value joinDims(Evaluator &evaluator, const Tensor &x, llvm::ArrayRef<Dim> parts, const ast::NameExpr &to, Scope &scope);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_ARROWS_H
