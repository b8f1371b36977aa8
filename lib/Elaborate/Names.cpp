//===- Names.cpp - equations, parameters and dimensions ---------*- C++ -*-===//

#include "Evaluator.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/SaveAndRestore.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;

/// Binds a name, with a message where it is bound already.
static void bindOnce(Evaluator &evaluator, Scope &scope, const ast::Name &name, Scope::Thunk thunk) {
  if (name.text != "_" && !scope.define(name.text, std::move(thunk), name.range))
    evaluator.diags()
        .report(Diag::NameBoundTwice, name.range, name.text)
        .note(scope.findHere(name.text)->range, "first bound here");
}

void Evaluator::definePattern(llvm::ArrayRef<ast::Name> targets, Scope &scope, Scope::Thunk whole,
                              llvm::SMRange range) {
  if (targets.size() == 1)
    return bindOnce(*this, scope, targets.front(), std::move(whole));
  std::string tuple = "(";
  for (const ast::Name &name : targets)
    tuple += name.text + ",";
  scope.define(tuple, std::move(whole), range);
  for (auto [place, name] : llvm::enumerate(targets))
    bindOnce(*this, scope, name, [&scope, tuple, range, place = place, count = targets.size()](Evaluator &e) -> Value {
      Value value = e.force(tuple, *scope.findHere(tuple), range);
      if (value.isError())
        return {};
      auto *values = value.as<Value::Tuple>();
      if (!values || values->values->size() != count) {
        e.diags().report(Diag::ExpectedValue, range, llvm::formatv("a tuple of {0} values", count), value.describe());
        return {};
      }
      return (*values->values)[place];
    });
}

void Evaluator::defineEquation(const ast::Equation &equation, Scope &scope) {
  const ast::Name &first = equation.targets.front();
  if (equation.arguments) {
    Closure closure{first.text, *equation.arguments, equation.value.get(), equation.where, &scope};
    if (!scope.define(first.text, Value(closure), first.range))
      diags()
          .report(Diag::NameBoundTwice, first.range, first.text)
          .note(scope.findHere(first.text)->range, "first bound here");
    return;
  }
  auto evaluate = [&equation, &scope](Evaluator &evaluator) {
    Scope &inner = evaluator.whereScope(equation.where, scope);
    // Numbers of chance fill what has this name, within a first value too.
    std::optional<Dims> filled;
    InitialContext *outer = evaluator.initial;
    bool isNext = !outer || outer->isNext;
    if (equation.type && equation.type->axes && (outer || evaluator.chance))
      filled = evaluator.dimsOf(*equation.type->axes, scope);
    else if (!equation.type && isNext && evaluator.keptDims)
      filled = evaluator.keptDims(equation.targets.front().text, scope);
    InitialContext own{isNext ? mlir::Value() : outer->key, filled.value_or(Dims()), nullptr, isNext};
    llvm::SaveAndRestore context(evaluator.initial, filled ? &own : isNext && !equation.type ? nullptr : outer);
    Value value = filled ? evaluator.initialValue(*equation.value, inner) : evaluator.eval(*equation.value, inner);
    return equation.type ? evaluator.coerce(value, *equation.type, scope, equation.range) : value;
  };
  definePattern(equation.targets, scope, evaluate, equation.range);
}

Scope &Evaluator::whereScope(llvm::ArrayRef<ast::Equation> where, Scope &parent) {
  if (where.empty())
    return parent;
  Scope &scope = shared.newScope(&parent);
  scope.where = where;
  for (const ast::Equation &equation : where)
    defineEquation(equation, scope);
  return scope;
}

Dim Evaluator::madeDim(llvm::StringRef name, int64_t size, Scope &scope, DimRole role) {
  if (name == "_")
    return shared.dimensions().make(name, size, role);
  Dim &dim = madeDims[{pass, scope.definition(), name.str(), size, role}];
  if (!dim)
    dim = shared.dimensions().make(name, size, role);
  return dim;
}

void Evaluator::defineDims(const ast::DimsItem &item, Scope &scope) {
  for (const ast::DimsItem::Dim &dim : item.dims) {
    auto thunk = [&dim, &scope](Evaluator &evaluator) -> Value {
      std::optional<int64_t> size = evaluator.evalInteger(*dim.value, scope);
      if (!size)
        return {};
      if (*size < 0) {
        evaluator.diags().report(Diag::NegativeSize, dim.value->range, dim.name.text, *size);
        return {};
      }
      return evaluator.shared.dimensions().make(dim.name.text, *size);
    };
    if (!scope.define(dim.name.text, Scope::Thunk(thunk), dim.name.range))
      diags()
          .report(Diag::NameBoundTwice, dim.name.range, dim.name.text)
          .note(scope.findHere(dim.name.text)->range, "first bound here");
  }
}

/// The one-word name of a type: `int`; of a list of values `[int]` it is "[int]"; empty for tensors.
static std::string typeWord(const ast::Type &type) {
  if (!type.axes)
    return type.element.text;
  static const llvm::StringSet<> elements = {"int", "real", "bool", "string", "steps", "model", "adapter", "format"};
  if (type.element.text.empty() && type.axes->size() == 1 && type.axes->front().names.size() == 1 &&
      elements.contains(type.axes->front().names.front().text))
    return "[" + type.axes->front().names.front().text + "]";
  return "";
}

Value Evaluator::coerce(Value value, const ast::Type &type, Scope &scope, llvm::SMRange range) {
  if (value.isError() || value.isNone())
    return value;
  auto refuse = [&](llvm::StringRef expected) -> Value {
    diags().report(Diag::ExpectedValue, range, expected, value.describe());
    return {};
  };
  std::string word = typeWord(type);
  if (word == "int") {
    if (auto *real = value.as<double>(); real && *real == std::floor(*real) && std::fabs(*real) < 0x1p53)
      return int64_t(*real);
    return value.integer() ? value : refuse("an integer");
  }
  if (word == "real") {
    if (auto *percent = value.as<QuantityValue>(); percent && percent->unit == ast::Unit::Percent)
      return percent->value / 100;
    if (value.is<bool>())
      return refuse("a number");
    if (auto number = value.number())
      return *number;
    return value.is<Tensor>() ? value : refuse("a number");
  }
  if (word == "bool")
    return value.is<bool>() || value.is<Tensor>() ? value : refuse("true or false");
  if (word == "string")
    return value.is<std::string>() ? value : refuse("a string");
  if (word == "steps")
    return coerceSteps(value, range);
  if (word == "[int]" || word == "[real]" || word == "[string]" || word == "[steps]") {
    auto *list = value.as<Value::List>();
    ast::Type element;
    element.element.text = word.substr(1, word.size() - 2);
    std::vector<Value> values;
    for (const Value &each : list ? **list : std::vector<Value>()) {
      values.push_back(coerce(each, element, scope, range));
      if (values.back().isError())
        return {};
    }
    return list ? Value::list(std::move(values)) : refuse("a list");
  }
  if (!type.axes || !word.empty())
    return value;
  std::optional<Dims> dims = dimsOf(*type.axes, scope);
  if (!dims)
    return {};
  std::optional<Tensor> tensor =
      value.is<Value::List>() ? asTensor(value, range, *dims) : fit(value, *dims, scope, range);
  return tensor ? Value(*tensor) : Value();
}

Value Evaluator::coerceSteps(const Value &value, llvm::SMRange range) {
  auto *quantity = value.as<QuantityValue>();
  if (auto number = value.number())
    return *number;
  if (quantity && quantity->unit == ast::Unit::Steps)
    return quantity->value;
  if (quantity && quantity->unit == ast::Unit::Percent)
    return elementwise("ceil", arithmetic(ast::BinaryOp::Mul, ambient.lookup("steps"), quantity->value / 100, range),
                       range);
  if (quantity && quantity->unit == ast::Unit::Epochs)
    return arithmetic(ast::BinaryOp::Mul, ambient.lookup("steps_per_epoch"), quantity->value, range);
  diags().report(Diag::ExpectedValue, range, "a number of steps, as in `200 steps`, `3%` or `2 epochs`",
                 value.describe());
  return {};
}

bool Evaluator::bindParameters(const ast::Definition &definition, const Arguments &arguments, Scope &scope) {
  bool sound = true;
  auto &parameters = definition.parameters;
  if (arguments.positional.size() > parameters.size()) {
    diags().report(Diag::WrongArgumentCount, arguments.range, definition.name.text, parameters.size(),
                   arguments.positional.size());
    return false;
  }
  std::vector<llvm::StringRef> names;
  for (const ast::Parameter &parameter : parameters)
    names.push_back(parameter.name.text);
  for (auto &[name, value] : arguments.named)
    if (!llvm::is_contained(names, name)) {
      diags().report(Diag::UnknownArgument, arguments.range, definition.name.text, name).nearest(name, names);
      sound = false;
    }
  for (auto [place, parameter] : llvm::enumerate(parameters)) {
    const Value *given = place < arguments.positional.size() ? &arguments.positional[place] : nullptr;
    for (auto &[name, value] : arguments.named)
      if (name == parameter.name.text)
        given = &value;
    bool isShare = given && given->is<QuantityValue>() && parameter.type && parameter.type->element.text == "steps" &&
                   !given->number() && given->as<QuantityValue>()->unit != ast::Unit::Steps;
    if (isShare) { // how long the training is, a program says
      scope.define(parameter.name.text, Scope::Thunk([value = *given, range = arguments.range](Evaluator &evaluator) {
                     evaluator.passDependent = true;
                     return evaluator.coerceSteps(value, range);
                   }),
                   parameter.name.range);
    } else if (given) {
      Value value = parameter.type ? coerce(*given, *parameter.type, scope, arguments.range) : *given;
      sound &= !value.isError();
      scope.define(parameter.name.text, value, parameter.name.range);
    } else if (parameter.defaultValue) {
      scope.define(parameter.name.text, Scope::Thunk([&parameter, &scope](Evaluator &evaluator) {
                     Value value = evaluator.eval(*parameter.defaultValue, scope);
                     return parameter.type ? evaluator.coerce(value, *parameter.type, scope, parameter.range) : value;
                   }),
                   parameter.name.range);
    } else {
      diags()
          .report(Diag::MissingParameter, arguments.range, definition.name.text, parameter.name.text)
          .note(parameter.range, "declared here");
      sound = false;
    }
  }
  return sound;
}

std::optional<Dims> Evaluator::dimsOf(const ast::Expr &expr, Scope &scope, llvm::ArrayRef<Dim> operands) {
  Dims dims;
  auto add = [&](const ast::Expr &one) {
    auto *name = llvm::dyn_cast<ast::NameExpr>(&one);
    if (!name) {
      diags().report(Diag::ExpectedValue, one.range, "the name of a dimension", "another expression");
      return false;
    }
    Dim dim = dimOf(name->name, scope, name->range, operands);
    if (dim)
      dims.push_back(dim);
    return dim != nullptr;
  };
  if (auto *tuple = llvm::dyn_cast<ast::TupleExpr>(&expr)) {
    for (const ast::ExprPtr &one : tuple->values)
      if (!add(*one))
        return std::nullopt;
    return dims;
  }
  return add(expr) ? std::optional(dims) : std::nullopt;
}

std::optional<Dims> Evaluator::dimsOf(llvm::ArrayRef<ast::Axis> axes, Scope &scope) {
  Dims dims;
  for (const ast::Axis &axis : axes) {
    for (const ast::Name &name : axis.names) {
      Dim dim = dimOf(name.text, scope, name.range);
      if (!dim)
        return std::nullopt;
      if (llvm::is_contained(dims, dim)) {
        diags()
            .report(Diag::RepeatedDimension, axis.range, dim->name)
            .help("declare a second name for the size with `dim`");
        return std::nullopt;
      }
      dims.push_back(dim);
    }
    if (axis.names.empty()) {
      diags().report(Diag::ExpectedValue, axis.range, "the name of a dimension", "an integer");
      return std::nullopt;
    }
  }
  return dims;
}
