//===- Functions.cpp - elementwise functions of numbers and tensors -*- C++ -*-===//
//
// Only what MLIR's `math` dialect can say stands here; everything composed of it
// (activations, sigmoids) is a `function` of the standard library.
//
//===----------------------------------------------------------------------===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;

namespace {
struct Elementwise {
  llvm::StringLiteral name;
  double (*number)(double);
  mlir::Value (*emit)(mlir::OpBuilder &, mlir::Location, mlir::Value);
  bool integral = false; ///< the result is an integer (as a real in tensors)
};

template <typename Op> mlir::Value emit(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x) {
  return Op::create(b, loc, x);
}

mlir::Value emitSign(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x) {
  mlir::Value zero = tune::splatLike(b, loc, x, 0), one = tune::splatLike(b, loc, x, 1);
  mlir::Value above = mlir::arith::CmpFOp::create(b, loc, mlir::arith::CmpFPredicate::OGT, x, zero);
  mlir::Value below = mlir::arith::CmpFOp::create(b, loc, mlir::arith::CmpFPredicate::OLT, x, zero);
  mlir::Value negative = tune::select(b, loc, below, tune::splatLike(b, loc, x, -1), zero);
  return tune::select(b, loc, above, one, negative);
}

mlir::Value emitRound(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x) {
  return mlir::math::RoundEvenOp::create(b, loc, x);
}

const Elementwise table[] = {
    {"exp", std::exp, emit<mlir::math::ExpOp>},
    {"log", std::log, emit<mlir::math::LogOp>},
    {"log1p", std::log1p, emit<mlir::math::Log1pOp>},
    {"expm1", std::expm1, emit<mlir::math::ExpM1Op>},
    {"sqrt", std::sqrt, emit<mlir::math::SqrtOp>},
    {"tanh", std::tanh, emit<mlir::math::TanhOp>},
    {"erf", std::erf, emit<mlir::math::ErfOp>},
    {"sin", std::sin, emit<mlir::math::SinOp>},
    {"cos", std::cos, emit<mlir::math::CosOp>},
    {"atan", std::atan, emit<mlir::math::AtanOp>},
    {"abs", std::fabs, emit<mlir::math::AbsFOp>},
    {"sign", [](double x) { return double((x > 0) - (x < 0)); }, emitSign, true},
    {"floor", std::floor, emit<mlir::math::FloorOp>, true},
    {"ceil", std::ceil, emit<mlir::math::CeilOp>, true},
    {"trunc", std::trunc, emit<mlir::math::TruncOp>, true},
    {"round", std::nearbyint, emitRound, true},
};
} // namespace

bool ftc::elaborate::givesWholeNumbers(llvm::StringRef function) {
  return llvm::any_of(table, [&](const Elementwise &e) { return e.name == function && e.integral; });
}

Value Evaluator::elementwise(llvm::StringRef name, const Value &value, llvm::SMRange range) {
  const Elementwise *function = llvm::find_if(table, [&](const Elementwise &e) { return e.name == name; });
  assert(function != std::end(table) && "a name of the table");
  if (auto number = value.number()) {
    double result = function->number(*number);
    bool integer = function->integral || (name == "abs" && value.integer());
    if (integer && std::fabs(result) < 0x1p53)
      return int64_t(result);
    return result;
  }
  std::optional<Tensor> x = asTensor(value, range);
  if (!x || !tensorBuilder(range) || refuseNonlinear(*x, "`" + name + "`", range))
    return {};
  Tensor result = toReal(*x);
  result.identity = false;
  if (!result.value)
    return result;
  auto make = [&] { return function->emit(*builder, loc(), result.value); };
  result.value =
      result.dims.empty() ? ofScalars(function->name, result.value, nullptr, tune::typeOf(result.value), make) : make();
  return result;
}

static Value callElementwise(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value value = call.value(0);
  if (value.isError())
    return {};
  // The callee may be a parameter (`act: function`), so its name is that of the value.
  Value callee = evaluator.eval(*expr.callee, scope);
  const Builtin *builtin = callee.as<Builtin>();
  std::string name = builtin->name;
  return evaluator.elementwise(name, value, expr.range);
}

static Value clamp(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 3);
  Value x = call.value(0), low = call.value(1), high = call.value(2);
  if (x.isError() || low.isError() || high.isError())
    return {};
  auto below = evaluator.arithmetic(ast::BinaryOp::Lt, x, low, expr.range);
  auto above = evaluator.arithmetic(ast::BinaryOp::Gt, x, high, expr.range);
  auto choose = [&](const Value &condition, const Value &yes, const Value &no) {
    if (auto *known = condition.as<bool>())
      return *known ? yes : no;
    return evaluator.select(condition, yes, no, expr.range);
  };
  return choose(below, low, choose(above, high, x));
}

static Value contains(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value list = call.value(0), value = call.value(1);
  if (list.isError() || value.isError())
    return {};
  auto *values = list.as<Value::List>();
  if (!values) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a list", list.describe());
    return {};
  }
  for (const Value &one : **values)
    if (auto same = evaluator.arithmetic(ast::BinaryOp::Eq, one, value, expr.range);
        same.as<bool>() && *same.as<bool>())
      return true;
  return false;
}

/// count(list): how many values a list has.
static Value count(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  Value list = BuiltinCall(evaluator, expr, scope, 1).value(0);
  auto *values = list.as<Value::List>();
  if (!values && !list.isError())
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a list", list.describe());
  return values ? Value(int64_t((*values)->size())) : Value();
}

/// refuse(text, ...): an error of the definition's author.
static Value refuse(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  std::string text;
  for (size_t i = 0; i < call.positionalCount(); ++i) {
    Value value = call.value(i);
    if (value.isError())
      return {};
    text += value.is<std::string>() ? *value.as<std::string>() : value.print();
  }
  evaluator.diags().report(Diag::RequirementFailed, expr.range, text);
  return {};
}

/// divisor_near(x): of x's divisors the one nearest to its square root from below; divisor_near(x, y) of those of x the
/// nearest to y.
static Value divisorNear(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope);
  Value first = call.value(0);
  if (first.isError())
    return {};
  std::optional<int64_t> n = first.integer();
  Value wanted = call.positionalCount() > 1 ? call.value(1) : Value(std::sqrt(double(n.value_or(1))));
  if (!n || *n < 1 || !wanted.number()) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a positive integer", first.describe());
    return {};
  }
  int64_t best = 1;
  for (int64_t d = 1; d <= *n / d; ++d)
    if (*n % d == 0)
      for (int64_t divisor : {d, *n / d})
        if (std::fabs(divisor - *wanted.number()) < std::fabs(best - *wanted.number()))
          best = divisor;
  return best;
}

llvm::ArrayRef<Builtin> ftc::elaborate::functionBuiltins() {
  static const std::vector<Builtin> all = [] {
    std::vector<Builtin> builtins = {
        {"clamp", clamp}, {"contains", contains}, {"count", count}, {"refuse", refuse}, {"divisor_near", divisorNear}};
    for (const Elementwise &function : table)
      builtins.push_back({function.name.str(), callElementwise});
    return builtins;
  }();
  return all;
}
