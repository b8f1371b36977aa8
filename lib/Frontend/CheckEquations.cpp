//===- CheckEquations.cpp - equations that nothing asks for --------------===//

#include "CheckEquations.h"

#include "ftc/Frontend/Walk.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

namespace {
/// The names that stand in expressions.
struct UsedNames : Walk {
  llvm::StringSet<> names;
  void enterExpr(const Expr &expr) override {
    if (auto *name = llvm::dyn_cast<NameExpr>(&expr))
      names.insert(name->name);
  }
};
} // namespace

/// The equations of a body and of the bodies in it; the names of the tensors declared there are added to `tensors`.
static void collect(llvm::ArrayRef<ItemPtr> body, std::vector<const Equation *> &equations,
                    llvm::StringSet<> &tensors) {
  for (const ItemPtr &item : body) {
    if (auto *equation = llvm::dyn_cast<EquationItem>(item.get()))
      equations.push_back(&equation->equation);
    else if (auto *on = llvm::dyn_cast<OnItem>(item.get()))
      collect(on->body, equations, tensors);
    else if (auto *declarations = llvm::dyn_cast<DeclarationsItem>(item.get()))
      for (const Declaration &declaration : declarations->declarations)
        for (const Name &name : declaration.targets)
          tensors.insert(name.text);
  }
}

void ftc::checkEquations(const Definition &definition, Diagnostics &diags) {
  if (definition.kind != DefinitionKind::Adapter)
    return;
  UsedNames used;
  used.definition(definition);
  std::vector<const Equation *> equations;
  llvm::StringSet<> tensors;
  collect(definition.body, equations, tensors);
  for (const Equation *equation : equations) {
    const Name &first = equation->targets.front();
    StringRef name = first.text, plain = name;
    bool isNext = plain.consume_back("'");
    bool asked = name == "forward" || name == "penalty" || (isNext && tensors.contains(plain)) ||
                 llvm::any_of(equation->targets, [&](const Name &target) { return used.names.contains(target.text); });
    if (asked)
      continue;
    if (isNext)
      diags.report(Diag::NextOfNoTensor, first.range, plain, definition.name.text)
          .help("states and parameters have next values; a weight is changed by `rebase` in an `every` block");
    else
      diags.report(Diag::UnusedBinding, first.range, name);
  }
}
