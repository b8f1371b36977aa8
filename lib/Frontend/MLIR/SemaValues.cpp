//===- SemaValues.cpp - values known when compiling -----------------------===//

#include "Sema.h"

#include "ftc/Frontend/Arithmetic.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace ftc;
using namespace ftc::ast;
using namespace ftc::recipe;
using namespace mlir;
using llvm::isa;
using llvm::SMRange;

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

static std::string shortNumber(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.12g", value);
  return text;
}

static llvm::StringRef unitName(recipe::Unit unit) {
  return unit == recipe::Unit::Percent ? "percent" : stringifyUnit(unit);
}

std::string Sema::describe(Attribute value) {
  if (auto boolean = dyn_cast<BoolAttr>(value))
    return boolean.getValue() ? "true" : "false";
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return "the number " + std::to_string(integer.getInt());
  if (auto real = dyn_cast<FloatAttr>(value))
    return "the number " + shortNumber(real.getValueAsDouble());
  if (auto string = dyn_cast<StringAttr>(value))
    return "the string \"" + string.getValue().substr(0, 40).str() + "\"";
  if (auto word = dyn_cast<WordAttr>(value))
    return "'" + word.getName().str() + "'";
  if (auto call = dyn_cast<CallAttr>(value))
    return "'" + call.getName().str() + "(...)'";
  if (auto quantity = dyn_cast<QuantityAttr>(value))
    return shortNumber(quantity.getValue().getValueAsDouble()) + " " + unitName(quantity.getUnit()).str();
  if (auto extent = dyn_cast<ExtentAttr>(value))
    return llvm::formatv("{0} x {1}", extent.getFirst(), extent.getSecond()).str();
  return isa<ArrayAttr>(value) ? "a list" : "a map";
}

//===----------------------------------------------------------------------===//
// Names and literals
//===----------------------------------------------------------------------===//

const Expr &Sema::resolve(const Expr &expr) {
  const Expr *current = &expr;
  // A name can stand for another one; as many times as there are names before it must be a cycle.
  for (size_t hops = 0; hops <= bindings.size(); ++hops) {
    while (auto *choice = llvm::dyn_cast<IfExpr>(current)) {
      std::optional<bool> taken = condition(*choice->condition);
      if (!taken)
        return *current;
      current = *taken ? choice->thenValue.get() : choice->elseValue.get();
    }
    auto *name = llvm::dyn_cast<NameExpr>(current);
    auto found = name ? bindings.find(name->name) : bindings.end();
    if (found == bindings.end() || isStep(*found->second.binding->value))
      break;
    found->second.used = true;
    current = found->second.binding->value.get();
  }
  return *current;
}

Attribute Sema::evaluateName(const NameExpr &name) {
  if (name.name == "true" || name.name == "false")
    return builder.getBoolAttr(name.name == "true");
  if (auto input = inputs.find(name.name); input != inputs.end())
    return input->second;
  auto found = bindings.find(name.name);
  if (found == bindings.end())
    return WordAttr::get(builder.getContext(), name.name);
  Bound &bound = found->second;
  bound.used = true;
  if (isStep(*bound.binding->value)) {
    diags.report(Diag::StepInValue, name.range, name.name).note(bound.binding->name.range, "bound here");
    return {};
  }
  return buildBinding(bound) ? bound.value : Attribute();
}

Attribute Sema::evaluateQuantity(const QuantityExpr &quantity) {
  double value = quantity.value;
  recipe::Unit unit = recipe::Unit::Bytes;
  switch (quantity.unit) {
  case ast::Unit::Percent:
    unit = recipe::Unit::Percent;
    break;
  case ast::Unit::Steps:
    unit = recipe::Unit::Steps;
    break;
  case ast::Unit::Epochs:
    unit = recipe::Unit::Epochs;
    break;
  case ast::Unit::KiB:
    value *= 0x1p10;
    break;
  case ast::Unit::MiB:
    value *= 0x1p20;
    break;
  case ast::Unit::GiB:
    value *= 0x1p30;
    break;
  case ast::Unit::TiB:
    value *= 0x1p40;
    break;
  case ast::Unit::KB:
    value *= 1e3;
    break;
  case ast::Unit::MB:
    value *= 1e6;
    break;
  case ast::Unit::GB:
    value *= 1e9;
    break;
  case ast::Unit::TB:
    value *= 1e12;
    break;
  }
  if (!std::isfinite(value)) {
    diags.report(Diag::Overflow, quantity.range, "the unit");
    return {};
  }
  return QuantityAttr::get(builder.getContext(), builder.getF64FloatAttr(value), unit);
}

Attribute Sema::evaluate(const Expr &expr) {
  switch (expr.kind) {
  case ExprKind::Integer:
    return builder.getI64IntegerAttr(llvm::cast<IntegerExpr>(expr).value);
  case ExprKind::Number:
    return builder.getF64FloatAttr(llvm::cast<NumberExpr>(expr).value);
  case ExprKind::Quantity:
    return evaluateQuantity(llvm::cast<QuantityExpr>(expr));
  case ExprKind::Extent: {
    auto &extent = llvm::cast<ExtentExpr>(expr);
    if (extent.first < 1 || extent.second < 1) {
      diags.report(Diag::OutOfRange, expr.range, "an extent", "two positive numbers",
                   llvm::formatv("{0} x {1}", extent.first, extent.second).str());
      return {};
    }
    return ExtentAttr::get(builder.getContext(), extent.first, extent.second);
  }
  case ExprKind::String:
    return builder.getStringAttr(llvm::cast<StringExpr>(expr).value);
  case ExprKind::NameRef:
    return evaluateName(llvm::cast<NameExpr>(expr));
  case ExprKind::Map:
    return evaluateMap(llvm::cast<MapExpr>(expr));
  case ExprKind::List:
    return evaluateList(llvm::cast<ListExpr>(expr));
  case ExprKind::If:
    return evaluateIf(llvm::cast<IfExpr>(expr));
  case ExprKind::Binary:
    return evaluateBinary(llvm::cast<BinaryExpr>(expr));
  case ExprKind::Unary:
    return evaluateUnary(llvm::cast<UnaryExpr>(expr));
  case ExprKind::Call:
    return evaluateCall(llvm::cast<CallExpr>(expr));
  case ExprKind::Tuple:
  case ExprKind::Index:
  case ExprKind::Member:
  case ExprKind::Arrow:
  case ExprKind::Range:
  case ExprKind::Fold:
    break;
  }
  diags.report(Diag::WrongValue, expr.range, "the value", "one known when compiling", "a formula over tensors")
      .help("formulas belong into definitions: 'adapter', 'objective', 'optimizer', ...");
  return {};
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// A number as a real; nothing if the value is no number.
static std::optional<double> asReal(Attribute value) {
  if (isa<BoolAttr>(value))
    return std::nullopt;
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return integer.getInt();
  if (auto real = dyn_cast<FloatAttr>(value))
    return real.getValueAsDouble();
  return std::nullopt;
}

static std::optional<int64_t> asInteger(Attribute value) {
  auto integer = dyn_cast<IntegerAttr>(value);
  return integer && !isa<BoolAttr>(value) ? std::optional(integer.getInt()) : std::nullopt;
}

std::optional<bool> Sema::condition(const Expr &expr) {
  Attribute value = evaluate(expr);
  if (!value)
    return std::nullopt;
  if (auto boolean = dyn_cast<BoolAttr>(value))
    return boolean.getValue();
  diags.report(Diag::WrongValue, expr.range, "a condition", "true or false", describe(value));
  return std::nullopt;
}

/// `and`, `or`, `??`, whose right side is evaluated only if it is needed.
Attribute Sema::evaluateLogic(const BinaryExpr &binary) {
  if (binary.op == BinaryOp::Coalesce) {
    Attribute value = evaluate(*binary.lhs);
    auto word = dyn_cast_if_present<WordAttr>(value);
    return word && word.getName() == "none" ? evaluate(*binary.rhs) : value;
  }
  std::optional<bool> left = condition(*binary.lhs);
  if (!left)
    return {};
  if (*left == (binary.op == BinaryOp::Or))
    return builder.getBoolAttr(*left);
  std::optional<bool> right = condition(*binary.rhs);
  return right ? builder.getBoolAttr(*right) : BoolAttr();
}

Attribute Sema::evaluateBinary(const BinaryExpr &binary) {
  BinaryOp op = binary.op;
  if (op == BinaryOp::And || op == BinaryOp::Or || op == BinaryOp::Coalesce)
    return evaluateLogic(binary);
  Attribute left = evaluate(*binary.lhs), right = evaluate(*binary.rhs);
  if (!left || !right)
    return {};
  std::optional<double> a = asReal(left), b = asReal(right);
  if ((op == BinaryOp::Eq || op == BinaryOp::Ne) && !(a && b))
    return builder.getBoolAttr((left == right) == (op == BinaryOp::Eq));
  if (auto head = llvm::dyn_cast<StringAttr>(left), tail = llvm::dyn_cast<StringAttr>(right);
      head && tail && op == BinaryOp::Add)
    return builder.getStringAttr(head.getValue() + tail.getValue());
  std::string what = "'" + spelling(op).str() + "'";
  if (!a || !b || op == BinaryOp::Contract) {
    const Expr &wrong = a ? *binary.rhs : *binary.lhs;
    diags.report(Diag::WrongValue, wrong.range, what, op == BinaryOp::Contract ? "tensors" : "a number",
                 describe(a ? right : left));
    return {};
  }
  if (op >= BinaryOp::Eq)
    return builder.getBoolAttr(compare(op, *a, *b));
  if ((op == BinaryOp::Div || op == BinaryOp::Rem) && *b == 0) {
    diags.report(Diag::DivisionByZero, binary.rhs->range);
    return {};
  }
  if (auto i = asInteger(left), j = asInteger(right); i && j) {
    bool overflow = false;
    std::optional<int64_t> result = evaluateInteger(op, *i, *j, overflow);
    if (overflow) {
      diags.report(Diag::Overflow, binary.range, spelling(op));
      return {};
    }
    if (result)
      return builder.getI64IntegerAttr(*result);
  }
  double result = evaluateReal(op, *a, *b);
  if (!std::isfinite(result)) {
    diags.report(Diag::Overflow, binary.range, spelling(op));
    return {};
  }
  return builder.getF64FloatAttr(result);
}

Attribute Sema::evaluateUnary(const UnaryExpr &unary) {
  if (unary.op == UnaryOp::Not) {
    std::optional<bool> value = condition(*unary.operand);
    return value ? builder.getBoolAttr(!*value) : BoolAttr();
  }
  Attribute value = evaluate(*unary.operand);
  if (!value)
    return {};
  if (auto integer = asInteger(value); integer && *integer != INT64_MIN)
    return builder.getI64IntegerAttr(-*integer);
  if (auto real = asReal(value))
    return builder.getF64FloatAttr(-*real);
  diags.report(Diag::WrongValue, unary.operand->range, "'-'", "a number", describe(value));
  return {};
}

Attribute Sema::evaluateIf(const IfExpr &choice) {
  std::optional<bool> taken = condition(*choice.condition);
  return taken ? evaluate(*taken ? *choice.thenValue : *choice.elseValue) : Attribute();
}

//===----------------------------------------------------------------------===//
// Calls, lists, maps
//===----------------------------------------------------------------------===//

static constexpr llvm::StringRef functionNames[] = {"min", "max", "floor", "ceil", "round", "sqrt"};

/// `min`, `max` of numbers; `floor`, `ceil`, `round`, `sqrt` of one.
Attribute Sema::evaluateFunction(const CallExpr &call, llvm::StringRef name) {
  llvm::SmallVector<Attribute> values;
  for (const Argument &argument : call.arguments) {
    Attribute value = evaluate(*argument.value);
    if (!value)
      return {};
    if (!asReal(value)) {
      diags.report(Diag::WrongValue, argument.range, "'" + name.str() + "'", "a number", describe(value));
      return {};
    }
    values.push_back(value);
  }
  bool choice = name == "min" || name == "max";
  if (values.empty() || (!choice && values.size() > 1)) {
    diags.report(Diag::WrongValue, call.range, "'" + name.str() + "'", choice ? "numbers" : "one number",
                 std::to_string(values.size()));
    return {};
  }
  if (choice)
    return *std::min_element(values.begin(), values.end(), [&](Attribute a, Attribute b) {
      return name == "min" ? *asReal(a) < *asReal(b) : *asReal(a) > *asReal(b);
    });
  double x = *asReal(values[0]);
  if (name == "sqrt") {
    if (x < 0) {
      diags.report(Diag::OutOfRange, call.range, "'sqrt'", "a number of at least 0", shortNumber(x));
      return {};
    }
    return builder.getF64FloatAttr(std::sqrt(x));
  }
  double rounded = name == "floor" ? std::floor(x) : name == "ceil" ? std::ceil(x) : std::nearbyint(x);
  if (std::abs(rounded) >= 0x1p63) {
    diags.report(Diag::Overflow, call.range, name);
    return {};
  }
  return builder.getI64IntegerAttr(static_cast<int64_t>(rounded));
}

Attribute Sema::evaluateCall(const CallExpr &call) {
  auto *callee = llvm::dyn_cast<NameExpr>(call.callee.get());
  if (!callee) {
    diags.report(Diag::WrongValue, call.callee->range, "a call", "the name of a step or a definition", "a formula");
    return {};
  }
  if (isStep(call)) {
    diags.report(Diag::StepInValue, call.range, callee->name);
    return {};
  }
  if (llvm::is_contained(functionNames, callee->name))
    return evaluateFunction(call, callee->name);
  llvm::SmallVector<Value> others;
  std::vector<llvm::StringRef> candidates(std::begin(functionNames), std::end(functionNames));
  for (unsigned kind = 0; kind <= static_cast<unsigned>(DefinitionKind::Function); ++kind) {
    auto definitionKind = static_cast<DefinitionKind>(kind);
    if (definitionKind == DefinitionKind::Merge && library.find(definitionKind, callee->name)) {
      diags.report(Diag::WrongValue, callee->range, "a value", "a step or a definition", "a merge")
          .help("merges of whole models are read and checked as definitions; no step makes them yet");
      return {};
    }
    if (library.find(definitionKind, callee->name))
      return definitionCall(definitionKind, call, "a definition", others);
    llvm::append_range(candidates, library.names(definitionKind));
  }
  for (llvm::StringRef step : {"load", "dataset", "restore", "merge", "configure", "logits", "gradients"})
    candidates.push_back(step);
  diags.report(Diag::UnknownFunction, callee->range, callee->name).nearest(callee->name, candidates);
  return {};
}

Attribute Sema::evaluateList(const ListExpr &list) {
  llvm::SmallVector<Attribute> values;
  for (const ExprPtr &element : list.values) {
    Attribute value = evaluate(*element);
    if (!value)
      return {};
    values.push_back(value);
  }
  return builder.getArrayAttr(values);
}

/// The selector as it is written in a recipe without blanks, its ranges evaluated.
std::optional<std::string> Sema::selectorText(const Selector &selector) {
  std::string text;
  for (const SelectorPart &part : selector.parts) {
    if (!text.empty())
      text += ".";
    if (part.anyDepth)
      text += "**";
    else
      text += part.globs.size() == 1 ? part.globs.front() : "{" + llvm::join(part.globs, ", ") + "}";
    for (const Expr *bound : {part.from.get(), part.to.get()}) {
      if (!bound)
        continue;
      Attribute value = evaluate(*bound);
      if (!value)
        return std::nullopt;
      std::optional<int64_t> index = asInteger(value);
      if (!index || *index < 0) {
        diags.report(Diag::WrongValue, bound->range, "a selector", "an index of at least 0", describe(value));
        return std::nullopt;
      }
      text += (bound == part.from.get() ? "[" : "..") + std::to_string(*index);
    }
    if (part.from)
      text += "]";
  }
  return text;
}

Attribute Sema::evaluateMap(const MapExpr &map) {
  llvm::SmallVector<LineAttr> lines;
  for (const MapEntry &entry : map.entries) {
    std::optional<std::string> selector = selectorText(entry.selector);
    Attribute value = selector ? evaluate(*entry.value) : Attribute();
    if (!value)
      return {};
    lines.push_back(LineAttr::get(builder.getContext(), *selector, value, locationOf(entry.selector.range)));
  }
  if (lines.empty()) {
    diags.report(Diag::WrongValue, map.range, "a map", "at least one line 'selector : value'", "none");
    return {};
  }
  return MapAttr::get(builder.getContext(), lines);
}
