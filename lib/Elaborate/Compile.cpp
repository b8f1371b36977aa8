//===- Compile.cpp - operators on values known when compiling ---*- C++ -*-===//

#include "Evaluator.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

llvm::StringRef ftc::elaborate::spelling(BinaryOp op) {
  static constexpr llvm::StringLiteral names[] = {
      "+", "-", "*", "/", "%", "^", "@", "==", "!=", "<", "<=", ">", ">=", "and", "or", "??"};
  return names[size_t(op)];
}

/// Equality of values of any kinds; values of different kinds are different.
static bool equal(const Value &a, const Value &b) {
  if (auto x = a.number())
    return b.number() && *x == *b.number();
  if (auto *x = a.as<std::string>())
    return b.is<std::string>() && *x == *b.as<std::string>();
  return a.isNone() && b.isNone();
}

static std::optional<bool> compare(BinaryOp op, double a, double b) {
  switch (op) {
  case BinaryOp::Lt:
    return a < b;
  case BinaryOp::Le:
    return a <= b;
  case BinaryOp::Gt:
    return a > b;
  case BinaryOp::Ge:
    return a >= b;
  default:
    return std::nullopt;
  }
}

/// Integers stay integers where the result is one and fits.
static std::optional<int64_t> integral(BinaryOp op, int64_t a, int64_t b) {
  int64_t result;
  switch (op) {
  case BinaryOp::Add:
    return llvm::AddOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case BinaryOp::Sub:
    return llvm::SubOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case BinaryOp::Mul:
    return llvm::MulOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case BinaryOp::Div:
    return b != 0 && b != -1 && a % b == 0 ? std::optional(a / b) : std::nullopt;
  case BinaryOp::Rem:
    return b > 0 ? std::optional(((a % b) + b) % b) : std::nullopt;
  case BinaryOp::Pow: {
    double power = std::pow(double(a), double(b));
    return b >= 0 && std::fabs(power) < 0x1p53 ? std::optional(int64_t(power)) : std::nullopt;
  }
  default:
    return std::nullopt;
  }
}

static double real(BinaryOp op, double a, double b) {
  switch (op) {
  case BinaryOp::Add:
    return a + b;
  case BinaryOp::Sub:
    return a - b;
  case BinaryOp::Mul:
    return a * b;
  case BinaryOp::Div:
    return a / b;
  case BinaryOp::Rem:
    return a - b * std::floor(a / b);
  default:
    return std::pow(a, b);
  }
}

Value Evaluator::binaryKnown(const ast::BinaryExpr &expr, const Value &lhs, const Value &rhs) {
  if (expr.op == BinaryOp::Eq || expr.op == BinaryOp::Ne)
    return equal(lhs, rhs) == (expr.op == BinaryOp::Eq);
  if (expr.op == BinaryOp::And || expr.op == BinaryOp::Or) {
    if (lhs.is<bool>() && rhs.is<bool>())
      return expr.op == BinaryOp::And ? *lhs.as<bool>() && *rhs.as<bool>() : *lhs.as<bool>() || *rhs.as<bool>();
    diags().report(Diag::ExpectedValue, expr.range, "truth values", lhs.describe() + " and " + rhs.describe());
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
  if (auto truth = compare(expr.op, *a, *b))
    return *truth;
  bool integers = (lhs.integer() || lhs.is<bool>()) && (rhs.integer() || rhs.is<bool>());
  if (integers)
    if (auto result = integral(expr.op, int64_t(*a), int64_t(*b)))
      return *result;
  if ((expr.op == BinaryOp::Div || expr.op == BinaryOp::Rem) && *b == 0 && integers) {
    diags().report(Diag::DefinitionDividesByZero, expr.range);
    return {};
  }
  return real(expr.op, *a, *b);
}

Value Evaluator::member(const Value &base, llvm::StringRef name, llvm::SMRange range) {
  if (base.isError() || base.isNone())
    return base;
  if (auto *object = base.as<Value::Object>()) {
    auto it = (*object)->find(name);
    return it == (*object)->end() ? Value::none() : it->second;
  }
  if (auto *row = base.as<RowValue>(); row && rowMember)
    return rowMember(*row, name, range);
  if (auto *module = base.as<ModuleInstance *>()) {
    if (ModuleInstance *child = (*module)->child(name))
      return child;
    if (Scope::Entry *entry = (*module)->scope->findHere(name))
      return force(name, *entry, range);
  }
  diags().report(Diag::NoMember, range, base.describe(), name);
  return {};
}
