//===- Compile.cpp - operators on values known when compiling ---*- C++ -*-===//

#include "Hints.h"

#include "llvm/ADT/StringExtras.h"

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

/// Equality of values of any kinds; values of different kinds are different.
static bool equal(const Value &a, const Value &b) {
  if (auto x = a.number())
    return b.number() && *x == *b.number();
  if (auto *x = a.as<std::string>())
    return b.is<std::string>() && *x == *b.as<std::string>();
  return a.isNone() && b.isNone();
}

/// An integer; truth values count as 0 and 1.
static std::optional<int64_t> integerOf(const Value &value) {
  const bool *truth = value.as<bool>();
  return truth ? std::optional<int64_t>(*truth) : value.integer();
}

/// What texts may grow to by being joined.
static constexpr size_t mostBytesOfText = 65536;

Value Evaluator::binaryKnown(const ast::BinaryExpr &expr, const Value &lhs, const Value &rhs) {
  if (expr.op == BinaryOp::Eq || expr.op == BinaryOp::Ne)
    return equal(lhs, rhs) == (expr.op == BinaryOp::Eq);
  if (expr.op == BinaryOp::And || expr.op == BinaryOp::Or) {
    if (lhs.is<bool>() && rhs.is<bool>())
      return expr.op == BinaryOp::And ? *lhs.as<bool>() && *rhs.as<bool>() : *lhs.as<bool>() || *rhs.as<bool>();
    diags().report(Diag::ExpectedValue, expr.range, "truth values", lhs.describe() + " and " + rhs.describe());
    return {};
  }
  const auto *first = lhs.as<std::string>(), *second = rhs.as<std::string>();
  if (first && second && expr.op == BinaryOp::Add) {
    if (first->size() + second->size() <= mostBytesOfText)
      return *first + *second;
    diags().report(Diag::ExpectedValue, expr.range, "a text of at most " + std::to_string(mostBytesOfText) + " bytes",
                   "a longer one");
    return {};
  }
  auto percentage = [](const Value &value) -> std::optional<double> {
    auto *quantity = value.as<QuantityValue>();
    return quantity && quantity->unit == ast::Unit::Percent ? std::optional(quantity->value / 100) : value.number();
  };
  std::optional<double> a = percentage(lhs), b = percentage(rhs);
  if (!a || !b) {
    const Value &wrong = a ? rhs : lhs;
    const ast::Expr *place = a ? expr.rhs.get() : expr.lhs.get();
    diags().report(Diag::ExpectedOperand, place ? place->range : expr.range, spelling(expr.op), wrong.describe());
    return {};
  }
  if (ast::isComparison(expr.op))
    return ast::compare(expr.op, *a, *b);
  std::optional<int64_t> x = integerOf(lhs), y = integerOf(rhs);
  if (x && y) {
    if ((expr.op == BinaryOp::Div || expr.op == BinaryOp::Rem) && *y == 0) {
      diags().report(Diag::DefinitionDividesByZero, expr.range);
      return {};
    }
    bool overflow = false;
    if (auto result = ast::evaluateInteger(expr.op, *x, *y, overflow); result && !overflow)
      return *result;
  }
  return ast::evaluateReal(expr.op, *a, *b);
}

Value Evaluator::member(const Value &base, llvm::StringRef name, llvm::SMRange range) {
  if (base.isError() || base.isNone())
    return base;
  if (auto *object = base.as<Value::Object>()) {
    auto it = (*object)->find(name);
    if (it != (*object)->end())
      return it->second;
    if (!(*object)->count(closedObject))
      return Value::none();
    std::vector<llvm::StringRef> members;
    for (auto &[known, value] : llvm::drop_begin(**object))
      members.push_back(known);
    diags()
        .report(Diag::NoMember, range, "this object", name)
        .nearest(name, members)
        .help("its members are " + llvm::join(members, ", "));
    return {};
  }
  if (auto *model = base.as<const AdaptedModel *>(); model && name == "config")
    return (*model)->model().completeConfig();
  if (auto *row = base.as<RowValue>(); row && row->onlyNumbers)
    return rowNumber(*row->batch, name, range);
  if (auto *row = base.as<RowValue>(); row && rowMember)
    return rowMember(*row, name, range);
  if (auto *module = base.as<ModuleInstance *>()) {
    if (ModuleInstance *child = (*module)->child(name))
      return child;
    if ((*module)->axes.size() == 2 && (name == "out" || name == "in"))
      return (*module)->axes[name == "in"];
    if (Scope::Entry *entry = (*module)->scope->findHere(name))
      return force(name, *entry, range);
  }
  auto *line = base.as<LineBelow>();
  if (line && !line->instance)
    return 0.0;
  if (line && line->instance->tensor(name))
    return lookup(name, *line->instance->scope, range);
  auto message = diags().report(Diag::NoMember, range, base.describe(), name);
  if (line)
    message.help("its tensors are " +
                 llvm::join(llvm::map_range(line->instance->tensors,
                                            [](const AdapterTensor *tensor) { return tensor->parameter; }),
                            ", "));
  if (base.is<Tensor>())
    hintAtOtherNotation(message, name);
  return {};
}
