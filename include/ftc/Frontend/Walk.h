//===- Walk.h - a walk over the syntax tree --------------------*- C++ -*-===//

#ifndef FTC_FRONTEND_WALK_H
#define FTC_FRONTEND_WALK_H

#include "ftc/Frontend/AST.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSet.h"

namespace ftc::ast {

/// Goes through every expression and item below where it is begun, in source order; what is to be done there is
/// overridden. Expressions may be null.
class Walk {
public:
  virtual ~Walk() = default;

  void expr(const Expr *node);
  void expr(const ExprPtr &node) { expr(node.get()); }
  void equation(const Equation &equation);
  void equations(const std::vector<Equation> &list);
  void type(const Type &type) { expr(type.storedAs); }
  void type(const std::optional<Type> &maybe);
  void selector(const Selector &selector);
  void body(const std::vector<ItemPtr> &items);
  void item(const Item &item);
  void definition(const Definition &definition);

protected:
  /// Before what stands below it.
  virtual void enterExpr(const Expr &) {}
  virtual void enterSelector(const Selector &) {}
  /// An item in braces begins: of a body, a map, a configuration, a file clause.
  virtual void enterPlace(llvm::SMRange) {}
  /// The name of a tensor in a file.
  virtual void enterFileName(llvm::StringRef) {}

private:
  void arguments(const std::vector<Argument> &list);
};

/// The words that stand in braces in the name of a tensor in a file.
llvm::SmallVector<llvm::StringRef> bracedWords(llvm::StringRef fileName);

/// The names that stand in expressions, or in braces in names of files' tensors.
struct NamesIn : Walk {
  llvm::StringSet<> names;

protected:
  void enterExpr(const Expr &expr) override {
    if (auto *name = llvm::dyn_cast<NameExpr>(&expr))
      names.insert(name->name);
  }
  void enterFileName(llvm::StringRef fileName) override {
    for (llvm::StringRef word : bracedWords(fileName))
      names.insert(word);
  }
};

} // namespace ftc::ast

#endif // FTC_FRONTEND_WALK_H
