//===- CheckEquations.cpp - equations that nothing asks for --------------===//

#include "CheckEquations.h"

#include "ftc/Frontend/Library.h"
#include "ftc/Frontend/Walk.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

#include <optional>

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

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

/// What is asked of a definition of a kind; nothing where other code knows it.
static std::optional<std::vector<StringRef>> askedOf(DefinitionKind kind) {
  switch (kind) {
  case DefinitionKind::Adapter:
    return {{"forward", "penalty"}};
  case DefinitionKind::Optimizer:
    return {{"p'", "lr"}};
  case DefinitionKind::Objective:
    return {{"loss"}};
  case DefinitionKind::Schedule:
    return {{"rate"}};
  default:
    return std::nullopt;
  }
}

/// Reports items of objectives, optimizers and schedules that their kind knows nothing of, and parts that nothing
/// names.
static void checkItems(const Definition &definition, const llvm::StringSet<> &used, Diagnostics &diags) {
  bool isOptimizer = definition.kind == DefinitionKind::Optimizer;
  if (definition.kind == DefinitionKind::Adapter)
    return;
  for (const ItemPtr &item : definition.body) {
    if (auto *part = llvm::dyn_cast<PartItem>(item.get()); part && isOptimizer && !used.contains(part->name.text))
      diags.report(Diag::NeverStepped, part->range, part->name.text)
          .help("its next value of the tensor is '" + part->name.text + "(p, g)'");
    auto *declarations = llvm::dyn_cast<DeclarationsItem>(item.get());
    bool isState = declarations && declarations->role == TensorRole::State;
    bool isTensor = declarations && !declarations->shared &&
                    (declarations->role == TensorRole::Param || declarations->role == TensorRole::Frozen);
    bool isObjective = definition.kind == DefinitionKind::Objective;
    if (llvm::isa<DimsItem, EquationItem, RequireItem>(*item) ||
        (isOptimizer && (isState || llvm::isa<PartItem>(*item))) ||
        (isObjective && (isTensor || (isState && definition.mixing))))
      continue;
    auto message = diags.report(Diag::ItemWithoutUse, item->range, kindName(definition.kind), definition.name.text);
    if (isOptimizer && declarations)
      message.help("what it keeps from step to step is a 'state'");
    if (isObjective && isState)
      message.help("its next value is found where the batch is whole, which `mixing batch` behind the rows says");
  }
}

/// The names that the equations of a body, of its blocks and of the bodies in it define.
static void collectDefined(llvm::ArrayRef<ItemPtr> body, llvm::StringSet<> &names) {
  for (const ItemPtr &item : body)
    if (auto *equation = llvm::dyn_cast<EquationItem>(item.get()))
      for (const Name &name : equation->equation.targets)
        names.insert(name.text);
    else if (auto *on = llvm::dyn_cast<OnItem>(item.get()))
      collectDefined(on->body, names);
    else if (auto *every = llvm::dyn_cast<EveryItem>(item.get()))
      collectDefined(every->body, names);
}

/// Whether a state keeps what was there before the first step: the parameter itself, or what is made of it.
static bool keepsBeginning(const Declaration &declaration, const Definition &definition) {
  NamesIn named;
  named.expr(declaration.value);
  return definition.kind == DefinitionKind::Optimizer && named.names.contains("p");
}

/// Warns of states that stay as they begin.
static void checkStates(const Definition &definition, Diagnostics &diags) {
  llvm::StringSet<> defined;
  collectDefined(definition.body, defined);
  for (const ItemPtr &item : definition.body)
    if (auto *declarations = llvm::dyn_cast<DeclarationsItem>(item.get());
        declarations && declarations->role == TensorRole::State)
      for (const Declaration &declaration : declarations->declarations)
        for (const Name &name : declaration.targets)
          if (!defined.contains(name.text + "'") && !keepsBeginning(declaration, definition))
            diags.report(Diag::NoEffect, name.range, name.text, "it is a state, and nothing gives it a next value")
                .help("its next value is the equation `" + name.text + "' = ...`");
}

/// Refuses `as` in the type of a tensor that no format stores.
static void checkStorage(llvm::ArrayRef<ItemPtr> body, Diagnostics &diags) {
  for (const ItemPtr &item : body) {
    if (auto *on = llvm::dyn_cast<OnItem>(item.get()))
      checkStorage(on->body, diags);
    auto *declarations = llvm::dyn_cast<DeclarationsItem>(item.get());
    if (!declarations || declarations->role == TensorRole::Store)
      continue;
    for (const Declaration &declaration : declarations->declarations)
      if (declaration.type && declaration.type->storedAs)
        diags.report(Diag::StoredElsewhere, declaration.type->storedAs->range, declaration.targets.front().text)
            .help("what it is in a file stands in the 'peft' clause, as in `T = \"name\" as i64`; in memory it is what "
                  "'precision' says");
  }
}

void ftc::checkEquations(const Definition &definition, Diagnostics &diags) {
  checkStorage(definition.body, diags);
  std::optional<std::vector<StringRef>> asked = askedOf(definition.kind);
  if (!asked)
    return;
  NamesIn used;
  used.definition(definition);
  checkItems(definition, used.names, diags);
  checkStates(definition, diags);
  std::vector<const Equation *> equations;
  llvm::StringSet<> tensors;
  collect(definition.body, equations, tensors);
  for (const Equation *equation : equations) {
    const Name &first = equation->targets.front();
    StringRef name = first.text, plain = name;
    bool isNext = plain.consume_back("'");
    auto isUsed = [&](const Name &target) { return used.names.contains(target.text); };
    if (llvm::is_contained(*asked, name) || (isNext && tensors.contains(plain)) ||
        llvm::any_of(equation->targets, isUsed))
      continue;
    if (!isNext) {
      diags.report(Diag::UnusedBinding, first.range, name);
      continue;
    }
    auto message = diags.report(Diag::NextOfNoTensor, first.range, plain, definition.name.text);
    if (definition.kind == DefinitionKind::Adapter)
      message.help("states and parameters have next values; a weight is changed by `rebase` in an `every` block");
  }
}
