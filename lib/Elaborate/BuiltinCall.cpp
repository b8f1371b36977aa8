#include "BuiltinCall.h"

#include "llvm/ADT/StringMap.h"

using namespace ftc;
using namespace ftc::elaborate;

BuiltinCall::BuiltinCall(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope, int count)
    : evaluator(evaluator), expr(expr), scope(scope) {
  for (const ast::Argument &argument : expr.arguments)
    if (!argument.name)
      positional.push_back(&argument);
  if (count >= 0 && positional.size() != size_t(count)) {
    auto *name = llvm::dyn_cast_or_null<ast::NameExpr>(expr.callee.get());
    auto message = evaluator.diags().report(Diag::WrongArgumentCount, expr.range, name ? name->name : "this function",
                                            count, positional.size());
    bool severalOver = llvm::any_of(llvm::zip(expr.arguments, llvm::drop_begin(expr.arguments)), [](auto pair) {
      return std::get<0>(pair).name.text == "over" && !std::get<1>(pair).name;
    });
    if (severalOver)
      message.help("several dimensions stand in brackets: `over: (batch, tokens)`");
    good = false;
  }
}

static bool namesSites(const ast::Expr *over) {
  auto isSites = [](const ast::Expr &expr) {
    auto *name = llvm::dyn_cast<ast::NameExpr>(&expr);
    return name && name->name == "sites";
  };
  auto *tuple = llvm::dyn_cast_or_null<ast::TupleExpr>(over);
  return over && (isSites(*over) ||
                  (tuple && llvm::any_of(tuple->values, [&](const ast::ExprPtr &expr) { return isSites(*expr); })));
}

Value BuiltinCall::value(size_t place) {
  if (!good || place >= positional.size()) {
    if (good)
      missing();
    return {};
  }
  // `over: (sites, rank)`: what the argument is at every site.
  if (place == 0 && evaluator.sites && namesSites(named("over")))
    return evaluator.atSites(*positional[place]->value, scope);
  return evaluator.eval(*positional[place]->value, scope);
}

std::optional<Tensor> BuiltinCall::tensor(size_t place) {
  Value v = value(place);
  return v.isError() ? std::nullopt : evaluator.asTensor(v, expr.range);
}

Dim BuiltinCall::along(const Tensor &x) {
  const ast::Expr *argument = named("along");
  if (!argument) {
    auto *name = llvm::dyn_cast_or_null<ast::NameExpr>(expr.callee.get());
    evaluator.diags().report(Diag::MissingParameter, expr.range, name ? name->name : "this function", "along");
    return nullptr;
  }
  std::optional<Dims> dims = evaluator.dimsOf(*argument, scope, x.dims);
  if (!dims)
    return nullptr;
  if (indexOf(x.dims, dims->front()) >= 0)
    return dims->front();
  evaluator.diags().report(Diag::NoSuchDimension, argument->range, "a tensor " + printDims(x.dims, scope),
                           scope.nameOf(dims->front()));
  return nullptr;
}

const ast::ArrowExpr *BuiltinCall::arrow(size_t place) {
  if (!good || place >= positional.size())
    return missing();
  auto *arrow = llvm::dyn_cast<ast::ArrowExpr>(&*positional[place]->value);
  if (!arrow)
    evaluator.diags().report(Diag::BadArrow, positional[place]->range);
  return arrow;
}

const ast::ArrowExpr *BuiltinCall::missing() {
  if (good) {
    auto *name = llvm::dyn_cast_or_null<ast::NameExpr>(expr.callee.get());
    evaluator.diags().report(Diag::WrongArgumentCount, expr.range, name ? name->name : "this function", "more",
                             positional.size());
  }
  good = false;
  return nullptr;
}

const ast::Expr *BuiltinCall::named(llvm::StringRef name) {
  if (evaluator.asked)
    evaluator.asked->push_back(name);
  for (const ast::Argument &argument : expr.arguments)
    if (argument.name.text == name)
      return &*argument.value;
  return nullptr;
}

Value BuiltinCall::always(Value value) {
  for (const ast::Argument &argument : expr.arguments)
    if (argument.name)
      named(argument.name.text);
  return value;
}

Value BuiltinCall::namedValue(llvm::StringRef name, Value otherwise) {
  const ast::Expr *e = named(name);
  return e ? evaluator.eval(*e, scope) : otherwise;
}

std::optional<Dims> BuiltinCall::over(llvm::ArrayRef<Dim> operands) {
  const ast::Expr *e = named("over");
  if (!e)
    return std::nullopt;
  std::optional<Dims> dims = evaluator.dimsOf(*e, scope, operands);
  good &= dims.has_value();
  for (Dim dim : dims.value_or(Dims()))
    if (!operands.empty() && indexOf(operands, dim) < 0) {
      evaluator.diags().report(Diag::NoSuchDimension, e->range, "a tensor " + printDims(operands, scope),
                               scope.nameOf(dim));
      good = false;
    }
  return dims;
}

static const llvm::StringMap<Builtin> &allBuiltins() {
  static const llvm::StringMap<Builtin> *all = [] {
    auto *map = new llvm::StringMap<Builtin>();
    for (auto table : {functionBuiltins(), reductionBuiltins(), shapeBuiltins(), structureBuiltins(), scanBuiltins(),
                       chanceBuiltins(), attentionBuiltins(), choiceBuiltins(), matrixBuiltins(), indexedBuiltins(),
                       decompositionBuiltins(), complexBuiltins()})
      for (const Builtin &builtin : table)
        map->try_emplace(builtin.name, builtin);
    return map;
  }();
  return *all;
}

const Builtin *ftc::elaborate::findBuiltin(llvm::StringRef name) {
  auto it = allBuiltins().find(name);
  return it == allBuiltins().end() ? nullptr : &it->second;
}

std::vector<llvm::StringRef> ftc::elaborate::builtinNames() {
  return {allBuiltins().keys().begin(), allBuiltins().keys().end()};
}
