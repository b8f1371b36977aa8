//===- Evaluate.cpp - expressions and names ---------------------*- C++ -*-===//

#include "BuiltinCall.h"
#include "Evaluator.h"
#include "Hints.h"
#include "PassTrace.h"
#include "RowSums.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace ftc;
using namespace ftc::elaborate;

/// Calls within calls beyond this number are a function that calls itself.
static constexpr unsigned maxDepth = 256;

Value Evaluator::eval(const ast::Expr &expr, Scope &scope) {
  llvm::SaveAndRestore here(place, expr.range);
  Value value = evalKind(expr, scope);
  if (trace && within && expr.kind != ast::ExprKind::NameRef)
    trace->note(*within, expr.range, value);
  return value;
}

Value Evaluator::evalKind(const ast::Expr &expr, Scope &scope) {
  switch (expr.kind) {
  case ast::ExprKind::Integer:
    return llvm::cast<ast::IntegerExpr>(expr).value;
  case ast::ExprKind::Number:
    return llvm::cast<ast::NumberExpr>(expr).value;
  case ast::ExprKind::String:
    return llvm::cast<ast::StringExpr>(expr).value;
  case ast::ExprKind::Quantity: {
    auto &quantity = llvm::cast<ast::QuantityExpr>(expr);
    return QuantityValue{quantity.value, quantity.unit};
  }
  case ast::ExprKind::Extent: {
    auto &extent = llvm::cast<ast::ExtentExpr>(expr);
    return Value::list({Value(extent.first), Value(extent.second)});
  }
  case ast::ExprKind::NameRef:
    return lookup(llvm::cast<ast::NameExpr>(expr).name, scope, expr.range);
  case ast::ExprKind::Map:
    return MapValue{&llvm::cast<ast::MapExpr>(expr), &scope};
  case ast::ExprKind::List: {
    std::vector<Value> values;
    for (const ast::ExprPtr &value : llvm::cast<ast::ListExpr>(expr).values)
      values.push_back(eval(*value, scope));
    return Value::list(std::move(values));
  }
  case ast::ExprKind::Tuple: {
    auto &tuple = llvm::cast<ast::TupleExpr>(expr);
    Scope &inner = whereScope(tuple.where, scope);
    if (tuple.values.size() == 1)
      return eval(*tuple.values.front(), inner);
    std::vector<Value> values;
    for (const ast::ExprPtr &value : tuple.values)
      values.push_back(eval(*value, inner));
    return Value::tuple(std::move(values));
  }
  case ast::ExprKind::If:
    return evalIf(llvm::cast<ast::IfExpr>(expr), scope);
  case ast::ExprKind::Binary:
    return evalBinary(llvm::cast<ast::BinaryExpr>(expr), scope);
  case ast::ExprKind::Unary:
    return evalUnary(llvm::cast<ast::UnaryExpr>(expr), scope);
  case ast::ExprKind::Call:
    return evalCall(llvm::cast<ast::CallExpr>(expr), scope);
  case ast::ExprKind::Index:
    return evalIndex(llvm::cast<ast::IndexExpr>(expr), scope);
  case ast::ExprKind::Member: {
    auto &access = llvm::cast<ast::MemberExpr>(expr);
    return member(eval(*access.base, scope), access.member.text, expr.range);
  }
  case ast::ExprKind::Fold:
    return evalFold(llvm::cast<ast::FoldExpr>(expr), scope);
  case ast::ExprKind::Arrow:
  case ast::ExprKind::Range:
    diags().report(Diag::MisplacedArrow, expr.range, expr.kind == ast::ExprKind::Arrow ? "->" : "..");
    return {};
  }
  llvm_unreachable("every kind of expression is handled");
}

std::optional<int64_t> Evaluator::evalInteger(const ast::Expr &expr, Scope &scope) {
  bool outer = std::exchange(exactDivision, true);
  Value value = eval(expr, scope);
  exactDivision = outer;
  if (auto integer = value.integer())
    return integer;
  if (!value.isError())
    diags().report(Diag::ExpectedValue, expr.range, "an integer known when compiling", value.describe());
  return std::nullopt;
}

std::optional<bool> Evaluator::evalCondition(const ast::Expr &expr, Scope &scope) {
  Value value = eval(expr, scope);
  if (auto *known = value.as<bool>())
    return *known;
  if (!value.isError())
    diags().report(Diag::ExpectedValue, expr.range, "a truth value known when compiling", value.describe());
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

Value Evaluator::force(llvm::StringRef name, Scope::Entry &entry, llvm::SMRange range) {
  if (!entry.thunk)
    return entry.value;
  if (entry.pass == pass && pass != 0) {
    passDependent = true;
    return entry.value;
  }
  if (entry.busy) {
    diags().report(Diag::CyclicName, range, name);
    return {};
  }
  entry.busy = true;
  bool outer = std::exchange(passDependent, false);
  bool division = std::exchange(exactDivision, false);
  Value value = entry.thunk(*this);
  exactDivision = division;
  entry.busy = false;
  entry.value = value;
  if (passDependent && !value.isError())
    entry.pass = pass;
  else
    entry.thunk = nullptr;
  passDependent |= outer;
  return value;
}

/// A name of the call of an adapter's `forward`, where an adapter within it acts.
std::optional<Value> Evaluator::findInCalls(llvm::StringRef name, Scope &scope, llvm::SMRange range) {
  for (auto [outer, call] : llvm::reverse(llvm::zip_equal(active, activeCalls)))
    for (Scope *around = &scope; call.scope && around; around = around->parent())
      if (around == outer->scope)
        if (Scope::Entry *entry = call.scope->find(name)) {
          llvm::SaveAndRestore found(pass, call.pass);
          Value value = force(name, *entry, range);
          passDependent = true;
          return value;
        }
  return std::nullopt;
}

Value Evaluator::lookup(llvm::StringRef name, Scope &scope, llvm::SMRange range) {
  if (Scope::Entry *entry = scope.find(name)) {
    Value value = force(name, *entry, range);
    // An integer that was used as a dimension is that dimension from then on.
    return entry->dim && value.is<int64_t>() ? Value(entry->dim) : value;
  }
  if (auto it = ambient.find(name); it != ambient.end()) {
    passDependent = true;
    if (trace && within && name == "training")
      trace->noteTraining();
    return it->second;
  }
  if (std::optional<Value> value = findInCalls(name, scope, range))
    return *value;
  const Builtin *builtin = findBuiltin(name);
  Value definition = builtin && !shared.library().userDefines(name) ? Value() : shared.definition(name, scope);
  if (!definition.isError())
    return definition;
  if (builtin)
    return *builtin;
  if (name.ends_with("'"))
    if (Dim dim = dimOf(name, scope, {}))
      return dim;
  std::vector<llvm::StringRef> candidates = scope.names();
  llvm::append_range(candidates, builtinNames());
  llvm::append_range(candidates, ambient.keys());
  for (auto kind : {ast::DefinitionKind::Function, ast::DefinitionKind::Module})
    llvm::append_range(candidates, shared.library().names(kind));
  auto message = diags().report(Diag::UnknownName, range, name);
  message.nearest(name, candidates);
  hintAtOtherNotation(message, name);
  hintAtArgument(message, name, scope);
  if (name == "row")
    message.help("a row is known where a model runs on a data set: not in first values, merges and generation");
  return {};
}

/// The dimension of operands that has a name where it stands; null if none has.
static Dim findByName(llvm::StringRef name, const Scope &scope, llvm::ArrayRef<Dim> operands) {
  const auto *found = llvm::find_if(operands, [&](Dim dim) { return scope.nameOf(dim) == name; });
  return found == operands.end() ? nullptr : *found;
}

/// A dimension as operands have it: itself, or what is there in its place: a range of it, or another definition's
/// dimension of its name.
static Dim amongOperands(Dim dim, llvm::StringRef name, const Scope &scope, llvm::ArrayRef<Dim> operands) {
  if (indexOf(operands, dim) >= 0)
    return dim;
  const auto *range = llvm::find_if(operands, [&](Dim other) { return other->whole == dim; });
  if (range != operands.end())
    return *range;
  Dim namesake = findByName(name, scope, operands);
  return namesake ? namesake : dim;
}

Dim Evaluator::dimOf(llvm::StringRef name, Scope &scope, llvm::SMRange range, llvm::ArrayRef<Dim> operands) {
  if (Scope::Entry *entry = scope.find(name)) {
    Value value = force(name, *entry, range);
    if (auto *dim = value.as<Dim>())
      return amongOperands(*dim, name, scope, operands);
    if (entry->dim)
      return amongOperands(entry->dim, name, scope, operands);
    if (auto *size = value.as<int64_t>(); size && *size >= 0)
      return entry->dim = shared.dimensions().make(name, *size);
    if (auto *list = value.as<Value::List>())
      return entry->dim = shared.dimensions().make(name, int64_t((*list)->size()));
    if (auto *modules = value.as<ModuleList>())
      return entry->dim = shared.dimensions().make(name, int64_t(modules->modules.size()));
    if (auto *size = value.as<int64_t>(); size && range.isValid()) {
      diags().report(Diag::NegativeSize, range, name, *size).note(entry->range, "its value");
      return nullptr;
    }
    if (value.isError())
      return nullptr;
  }
  if (auto it = ambient.find(name); it != ambient.end())
    if (auto *dim = it->second.as<Dim>())
      return amongOperands(*dim, name, scope, operands);
  if (name.ends_with("'"))
    if (Dim base = dimOf(name.drop_back(), scope, {}, operands))
      return shared.dimensions().primed(base);
  if (Dim dim = findByName(name, scope, operands))
    return dim;
  if (range.isValid()) {
    std::vector<std::string> inSight;
    for (Dim dim : operands)
      inSight.push_back(scope.nameOf(dim));
    std::vector<llvm::StringRef> candidates(inSight.begin(), inSight.end());
    auto message = diags().report(Diag::UnknownDimension, range, name);
    message.nearest(name, candidates);
    if (name == "sites")
      message.help(
          "values of all sites are put together in `let` and first values, next values, penalties and optimizers");
    if (Scope::Entry *entry = scope.find(name))
      message.help("it is " + entry->value.describe());
    if (!operands.empty())
      message.help("the operand has [" + llvm::join(inSight, ", ") + "]");
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Choice and operators
//===----------------------------------------------------------------------===//

Value Evaluator::evalIf(const ast::IfExpr &expr, Scope &scope) {
  Value condition = eval(*expr.condition, scope);
  if (condition.isError())
    return {};
  if (auto *known = condition.as<bool>())
    return eval(*known ? *expr.thenValue : *expr.elseValue, scope);
  if (!condition.is<Tensor>()) {
    diags().report(Diag::ExpectedValue, expr.condition->range, "a truth value", condition.describe());
    return {};
  }
  Value yes = eval(*expr.thenValue, scope), no = eval(*expr.elseValue, scope);
  for (auto [a, b] : {std::pair(&yes, &no), {&condition, &yes}, {&condition, &no}})
    if (refuseNamesakes(*a, *b, scope, expr.range))
      return {};
  return select(condition, yes, no, expr.range);
}

bool Evaluator::refuseFilling(Dim dim, llvm::SMRange range) {
  bool filled = dim->role == DimRole::Tokens || dim->role == DimRole::Batch;
  if (!modelPass || !filled)
    return false;
  diags()
      .report(Diag::ExpectedValue, range, "a number that does not depend on how a batch is filled",
              "the size of '" + dim->name + "'")
      .help("`iota(tokens)` counts within the document, and `mean(x, over: tokens)` is over what is there");
  return true;
}

/// An operand of an operator: a name that is both a function and a dimension, as `hidden` in objectives, is its size.
Value Evaluator::evalOperand(const ast::Expr &expr, Scope &scope) {
  Value value = eval(expr, scope);
  auto *name = llvm::dyn_cast<ast::NameExpr>(&expr);
  Scope::Entry *entry = name ? scope.find(name->name) : nullptr;
  return entry && entry->dim && value.is<Native>() ? Value(entry->dim) : value;
}

/// Whether an expression is the number 0 as it is written.
static bool isWrittenZero(const ast::Expr &expr) {
  if (auto *integer = llvm::dyn_cast<ast::IntegerExpr>(&expr))
    return integer->value == 0;
  auto *number = llvm::dyn_cast<ast::NumberExpr>(&expr);
  return number && number->value == 0;
}

Value Evaluator::evalBinary(const ast::BinaryExpr &expr, Scope &scope) {
  Value lhs = evalOperand(*expr.lhs, scope);
  if (expr.op == ast::BinaryOp::Coalesce)
    return lhs.isNone() ? eval(*expr.rhs, scope) : lhs;
  if (auto *known = lhs.as<bool>(); known && (expr.op == ast::BinaryOp::And || expr.op == ast::BinaryOp::Or))
    return *known == (expr.op == ast::BinaryOp::Or) ? lhs : eval(*expr.rhs, scope);
  Value rhs = evalOperand(*expr.rhs, scope);
  if (lhs.isError() || rhs.isError())
    return {};
  for (const Value *side : {&lhs, &rhs})
    if (auto *dim = side->as<Dim>(); dim && refuseFilling(*dim, expr.range))
      return {};
  if (lhs.is<RowSum>() || rhs.is<RowSum>())
    return rowSums->binary(*this, expr.op, lhs, rhs, expr.range);
  if (lhs.is<Complex>() || rhs.is<Complex>())
    return binaryComplex(lhs, rhs, expr, scope);
  if (expr.op == ast::BinaryOp::Contract)
    return contract(lhs, rhs, expr, scope);
  // `0 * x` says zeros of the shape of x; a 0 that something has as its value leaves nothing.
  if (expr.op == ast::BinaryOp::Mul && (isWrittenZero(*expr.lhs) || isWrittenZero(*expr.rhs)))
    if (auto *like = rhs.is<Tensor>() ? rhs.as<Tensor>() : lhs.as<Tensor>()) {
      std::optional<Tensor> zeros = asTensor(0.0, expr.range, like->dims);
      return zeros ? Value(*zeros) : Value();
    }
  if (refuseNamesakes(lhs, rhs, scope, expr.range))
    return {};
  if (lhs.is<Tensor>() || rhs.is<Tensor>())
    return binaryTensor(expr.op, lhs, rhs, expr.range);
  if (exactDivision && expr.op == ast::BinaryOp::Div && lhs.integer() && rhs.integer() &&
      (*rhs.integer() == 0 || *lhs.integer() % *rhs.integer() != 0)) {
    diags().report(Diag::InexactDivision, expr.range, *lhs.integer(), *rhs.integer());
    return {};
  }
  return binaryKnown(expr, lhs, rhs);
}

Value Evaluator::evalUnary(const ast::UnaryExpr &expr, Scope &scope) {
  Value value = eval(*expr.operand, scope);
  if (value.isError())
    return {};
  if (auto *sum = value.as<RowSum>(); sum && expr.op == ast::UnaryOp::Minus)
    return rowSums->negate(*this, *sum, expr.range);
  return expr.op == ast::UnaryOp::Not ? logicalNot(value, expr.range) : negate(value, expr.range);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

Arguments Evaluator::evalArguments(const ast::CallExpr &call, Scope &scope) {
  Arguments arguments;
  arguments.range = call.range;
  bool division = std::exchange(exactDivision, false);
  for (const ast::Argument &argument : call.arguments) {
    Value value = eval(*argument.value, scope);
    if (argument.name)
      arguments.named.emplace_back(argument.name.text, std::move(value));
    else
      arguments.positional.push_back(std::move(value));
  }
  exactDivision = division;
  return arguments;
}

Value Evaluator::evalCall(const ast::CallExpr &expr, Scope &scope) {
  Value callee = eval(*expr.callee, scope);
  if (callee.isError())
    return {};
  if (auto *builtin = callee.as<Builtin>()) {
    // ceil(a / b) of integers that do not divide is what it is asked for.
    llvm::SaveAndRestore exact(exactDivision, exactDivision && !givesWholeNumbers(builtin->name));
    return callBuiltin(*builtin, expr, scope);
  }
  if (auto *module = callee.as<ModuleInstance *>(); module && expr.arguments.size() == 2)
    if (auto *arrow = llvm::dyn_cast<ast::ArrowExpr>(&*expr.arguments.back().value))
      return callReshaped(**module, expr, *arrow, scope);
  if (auto *applied = callee.as<std::shared_ptr<const Applied>>();
      applied && (*applied)->arguments.positional.empty() && (*applied)->arguments.named.empty()) {
    auto result = std::make_shared<Applied>(**applied);
    result->arguments = evalArguments(expr, scope);
    return std::shared_ptr<const Applied>(std::move(result));
  }
  return call(callee, evalArguments(expr, scope));
}

/// Named arguments that the function has not asked for are none of its own.
Value Evaluator::callBuiltin(const Builtin &builtin, const ast::CallExpr &expr, Scope &scope) {
  llvm::SmallVector<llvm::StringRef, 4> names;
  llvm::SaveAndRestore reads(asked, static_cast<llvm::SmallVectorImpl<llvm::StringRef> *>(&names));
  Value value = builtin.call(*this, expr, scope);
  if (value.isError())
    return {};
  for (const ast::Argument &argument : expr.arguments)
    if (argument.name && !llvm::is_contained(names, argument.name.text)) {
      diags()
          .report(Diag::UnknownArgument, argument.name.range, builtin.name, argument.name.text)
          .nearest(argument.name.text, names);
      return {};
    }
  return value;
}

Value Evaluator::call(const Value &callee, Arguments arguments) {
  llvm::SMRange range = arguments.range;
  for (const Value &value : arguments.positional)
    if (value.isError())
      return {};
  if (depth >= maxDepth) {
    diags().report(Diag::TooDeep, range, maxDepth);
    return {};
  }
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  if (auto *closure = callee.as<Closure>())
    return callClosure(*closure, std::move(arguments));
  if (auto *function = callee.as<LibraryFunction>()) {
    Scope &inner = shared.definitionScope(*function->definition);
    if (!bindParameters(*function->definition, arguments, inner))
      return {};
    // What is wrong within is said of the call that stands in a definition of other kind.
    const Arguments *outer = std::exchange(libraryCall, libraryCall ? libraryCall : &arguments);
    llvm::StringRef outerName = std::exchange(libraryName, outer ? libraryName : function->definition->name.text);
    Value value = eval(*function->definition->value, whereScope(function->definition->where, inner));
    libraryCall = outer;
    libraryName = outerName;
    return value;
  }
  if (auto *line = callee.as<LineBelow>())
    return (*line->add)(*this, std::move(arguments));
  if (auto *native = callee.as<Native>())
    return (**native)(*this, std::move(arguments));
  if (auto *module = callee.as<ModuleInstance *>())
    return callModule(**module, std::move(arguments));
  diags().report(Diag::NotCallable, range, callee.describe());
  return {};
}

Value Evaluator::callClosure(const Closure &closure, Arguments arguments) {
  if (!arguments.named.empty() || arguments.positional.size() != closure.arguments.size()) {
    diags().report(Diag::WrongArgumentCount, arguments.range, closure.name, closure.arguments.size(),
                   arguments.positional.size() + arguments.named.size());
    return {};
  }
  Scope &inner = shared.newScope(closure.scope);
  for (auto [name, value] : llvm::zip(closure.arguments, arguments.positional))
    inner.define(name.text, value, name.range);
  Scope &body = whereScope(closure.where, inner);
  llvm::SaveAndRestore called(calledIn, &body);
  return eval(*closure.body, body);
}

//===----------------------------------------------------------------------===//
// Indices and folds
//===----------------------------------------------------------------------===//

/// The first and the last place of `0..3` among so many; nothing after an error.
std::optional<std::pair<int64_t, int64_t>> Evaluator::evalRange(const ast::RangeExpr &expr, Scope &scope,
                                                                int64_t size) {
  std::optional<int64_t> first = evalInteger(*expr.from, scope);
  std::optional<int64_t> last = first ? evalInteger(*expr.to, scope) : std::nullopt;
  if (!last)
    return std::nullopt;
  for (auto [place, at] : {std::pair(*first, &*expr.from), {*last, &*expr.to}})
    if (place < 0 || place >= size) {
      diags().report(Diag::IndexOutOfRange, at->range, place, size);
      return std::nullopt;
    }
  if (*last >= *first)
    return std::pair(*first, *last);
  diags().report(Diag::ExpectedValue, expr.range, "a range, both ends included",
                 "none from " + std::to_string(*first) + " to " + std::to_string(*last));
  return std::nullopt;
}

/// `x[dim: index]`: one entry or a range of them, or those that a tensor of whole numbers says.
Value Evaluator::entriesOf(const Tensor &tensor, Dim dim, const ast::Expr &index, Scope &scope) {
  auto *range = llvm::dyn_cast<ast::RangeExpr>(&index);
  if (!range) {
    Value value = indexOperand(index, scope, dim);
    return value.isError() ? Value() : pick(tensor, dim, value, index.range);
  }
  if (refuseFilling(dim, index.range) || !tensorBuilder(index.range))
    return {};
  auto places = evalRange(*range, scope, dim->size);
  if (!places)
    return {};
  Dim part = shared.dimensions().range(dim, places->first, places->second);
  return part == dim ? Value(tensor) : slice(tensor, dim, places->first, part);
}

Value Evaluator::evalIndex(const ast::IndexExpr &expr, Scope &scope) {
  Value base = eval(*expr.base, scope);
  if (base.isError())
    return {};
  if (auto *list = base.as<Value::List>()) {
    if (expr.indices.size() != 1 || expr.indices.front().name) {
      diags().report(Diag::ExpectedValue, expr.range, "one index", "another form");
      return {};
    }
    if (auto *part = llvm::dyn_cast<ast::RangeExpr>(&*expr.indices.front().value)) {
      auto places = evalRange(*part, scope, int64_t((*list)->size()));
      return places ? Value::list({(*list)->begin() + places->first, (*list)->begin() + places->second + 1}) : Value();
    }
    std::optional<int64_t> index = evalInteger(*expr.indices.front().value, scope);
    if (!index)
      return {};
    if (*index < 0 || *index >= int64_t((*list)->size())) {
      diags().report(Diag::IndexOutOfRange, expr.range, *index, (*list)->size());
      return {};
    }
    return (**list)[*index];
  }
  if (base.number() && !base.is<Dim>()) // the same along every dimension
    return base;
  if (!base.is<Tensor>()) {
    diags().report(Diag::ExpectedValue, expr.base->range, "a tensor or a list", base.describe());
    return {};
  }
  for (const ast::Argument &index : expr.indices) {
    const Tensor *tensor = base.as<Tensor>();
    if (!index.name) {
      auto message =
          diags().report(Diag::ExpectedValue, index.range, "'dimension: index'", "an index without a dimension");
      if (!tensor->dims.empty())
        message.help("the operand has " + printDims(tensor->dims, scope) + ": write the one that is meant, as in `[" +
                     scope.nameOf(tensor->dims.front()) + ": ...]`");
      return {};
    }
    Dim dim = dimOf(index.name.text, scope, index.name.range, tensor->dims);
    if (!dim)
      return {};
    if (indexOf(tensor->dims, dim) < 0) {
      diags().report(Diag::NoSuchDimension, index.name.range, "a tensor " + printDims(tensor->dims, scope),
                     index.name.text);
      return {};
    }
    base = entriesOf(*tensor, dim, *index.value, scope);
    if (base.isError())
      return {};
  }
  return base;
}

/// The entry of a list that a fold is at; their number must be the size of its dimension.
Value Evaluator::entryOf(const Value &list, int64_t trip, const Dimension &over, llvm::SMRange range) {
  auto *modules = list.as<ModuleList>();
  auto *values = list.as<Value::List>();
  int64_t size = modules ? modules->modules.size() : (*values)->size();
  if (size == over.size)
    return modules ? Value(modules->modules[trip]) : (**values)[trip];
  diags().report(Diag::SizeMismatch, range, over.name, over.size, size);
  return {};
}

Value Evaluator::evalFold(const ast::FoldExpr &expr, Scope &scope) {
  struct Source {
    const ast::FoldExpr::Binding *binding;
    Value value;
  };
  std::vector<Source> sources;
  for (const ast::FoldExpr::Binding &binding : expr.bindings) {
    sources.push_back({&binding, eval(*binding.value, scope)});
    if (sources.back().value.isError())
      return {};
  }
  Dims operands;
  for (const Source &source : sources)
    if (auto *tensor = source.value.as<Tensor>())
      operands.append(tensor->dims.begin(), tensor->dims.end());
  Dim over = dimOf(expr.over.text, scope, expr.over.range, operands);
  if (!over || sources.empty())
    return {};
  Value state = sources.front().value;
  for (int64_t trip = 0; trip < over->size && !state.isError(); ++trip) {
    Scope &inner = shared.newScope(&scope);
    for (auto [number, source] : llvm::enumerate(sources)) {
      Value value = number == 0 ? state : source.value;
      if (number > 0 && (value.is<ModuleList>() || value.is<Value::List>())) {
        value = entryOf(value, trip, *over, source.binding->range);
        if (value.isError())
          return {};
      } else if (auto *name = llvm::dyn_cast<ast::NameExpr>(&*source.binding->value);
                 name && number > 0 && name->name == expr.over.text) {
        value = trip;
      } else if (auto *tensor = value.as<Tensor>(); tensor && number > 0 && indexOf(tensor->dims, over) >= 0) {
        value = pick(*tensor, over, trip, source.binding->range);
      }
      auto &targets = source.binding->targets;
      auto *tuple = value.as<Value::Tuple>();
      if (targets.size() > 1 && (!tuple || tuple->values->size() != targets.size())) {
        diags().report(Diag::ExpectedValue, source.binding->range, "a tuple of as many values as names",
                       value.describe());
        return {};
      }
      for (auto [place, target] : llvm::enumerate(targets))
        inner.define(target.text, targets.size() > 1 ? (*tuple->values)[place] : value, target.range);
    }
    state = eval(*expr.body, whereScope(expr.where, inner));
  }
  return state;
}
