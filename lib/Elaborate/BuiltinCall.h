//===- BuiltinCall.h - reading the arguments of a built-in function -*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_BUILTINCALL_H
#define FTC_LIB_ELABORATE_BUILTINCALL_H

#include "Evaluator.h"

namespace ftc::elaborate {

/// The arguments of one call of a built-in function, evaluated as they are asked for.
class BuiltinCall {
public:
  /// `count`: how many positional arguments it takes; reported if there are others. Negative: any number.
  BuiltinCall(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope, int count = -1);

  bool sound() const { return good; }
  size_t positionalCount() const { return positional.size(); }
  /// The value of a positional argument; an error value if it is missing.
  Value value(size_t place);
  std::optional<Tensor> tensor(size_t place);
  const ast::ArrowExpr *arrow(size_t place);
  /// Reports that arguments are missing.
  const ast::ArrowExpr *missing();
  /// The expression of a named argument, or null.
  const ast::Expr *named(llvm::StringRef name);
  Value namedValue(llvm::StringRef name, Value otherwise);
  /// The value of the call where it is this one whatever its named arguments say, which are not looked at.
  Value always(Value value);
  /// The argument `along: d`, a dimension of x; null after an error.
  Dim along(const Tensor &x);
  /// The dimensions of `over:`, none if it is absent; `sound()` is false after errors.
  std::optional<Dims> over(llvm::ArrayRef<Dim> operands);

private:
  Evaluator &evaluator;
  const ast::CallExpr &expr;
  Scope &scope;
  std::vector<const ast::Argument *> positional;
  bool good = true;
};

/// Whether a built-in function gives whole numbers whatever its argument, as `ceil` does.
bool givesWholeNumbers(llvm::StringRef function);

llvm::ArrayRef<Builtin> functionBuiltins(); ///< elementwise
llvm::ArrayRef<Builtin> reductionBuiltins();
llvm::ArrayRef<Builtin> shapeBuiltins();
llvm::ArrayRef<Builtin> structureBuiltins();
llvm::ArrayRef<Builtin> scanBuiltins();
llvm::ArrayRef<Builtin> chanceBuiltins();
llvm::ArrayRef<Builtin> attentionBuiltins();
llvm::ArrayRef<Builtin> choiceBuiltins();
llvm::ArrayRef<Builtin> matrixBuiltins();
llvm::ArrayRef<Builtin> indexedBuiltins();
llvm::ArrayRef<Builtin> decompositionBuiltins();
llvm::ArrayRef<Builtin> complexBuiltins();

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_BUILTINCALL_H
