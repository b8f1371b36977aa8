//===- Chance.cpp - initial values and dropout ------------------*- C++ -*-===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;

Value Evaluator::initialValue(const ast::Expr &expr, Scope &scope) {
  Value value = eval(expr, scope);
  auto *builtin = value.as<Builtin>();
  if (!builtin)
    return value;
  ast::CallExpr call(expr.range);
  return builtin->call(*this, call, scope);
}

/// The context of an initial value, or null after an error.
static InitialContext *context(Evaluator &evaluator, llvm::SMRange range) {
  if (!evaluator.initial || !evaluator.builder) {
    evaluator.diags().report(Diag::ChanceOutsideInitial, range);
    return nullptr;
  }
  return evaluator.initial;
}

static Value random(Evaluator &evaluator, tune::Distribution distribution, double a, double b, llvm::SMRange range) {
  InitialContext *initial = context(evaluator, range);
  if (!initial)
    return {};
  auto type = mlir::RankedTensorType::get(sizesOf(initial->dims), evaluator.realType());
  mlir::OpBuilder &builder = *evaluator.builder;
  auto op = tune::RandomOp::create(
      builder, evaluator.loc(), type, initial->key, tune::DistributionAttr::get(builder.getContext(), distribution),
      builder.getF64FloatAttr(a), builder.getF64FloatAttr(b), builder.getI64IntegerAttr(evaluator.shared.nextSite()));
  return Tensor{op, initial->dims};
}

/// Numbers known when compiling, for the first arguments of a call; nothing after an error.
static std::optional<std::vector<double>> numbers(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope,
                                                  llvm::ArrayRef<llvm::StringRef> names, std::vector<double> defaults) {
  BuiltinCall call(evaluator, expr, scope);
  for (size_t i = 0; i < names.size(); ++i) {
    Value value = call.namedValue(names[i], Value::none());
    if (value.isNone() && i < call.positionalCount())
      value = call.value(i);
    if (value.isNone())
      continue;
    if (!value.number()) {
      if (!value.isError())
        evaluator.diags().report(Diag::ExpectedValue, expr.range, "a number known when compiling", value.describe());
      return std::nullopt;
    }
    defaults[i] = *value.number();
  }
  return defaults;
}

static Value normal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto n = numbers(evaluator, expr, scope, {"std", "mean"}, {1, 0});
  return n ? random(evaluator, tune::Distribution::normal, (*n)[1], (*n)[0], expr.range) : Value();
}

static Value uniform(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto n = numbers(evaluator, expr, scope, {"a", "b"}, {0, 1});
  return n ? random(evaluator, tune::Distribution::uniform, (*n)[0], (*n)[1], expr.range) : Value();
}

/// He et al. 2015, as torch.nn.init: bound sqrt(6 / ((1 + a^2) fan_in)), the first dimension being the output.
static Value kaimingUniform(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  auto n = numbers(evaluator, expr, scope, {"a"}, {0});
  InitialContext *initial = n ? context(evaluator, expr.range) : nullptr;
  if (!initial)
    return {};
  double fanIn = 1;
  for (Dim dim : llvm::drop_begin(initial->dims))
    fanIn *= dim->size;
  double bound = std::sqrt(6 / ((1 + (*n)[0] * (*n)[0]) * fanIn));
  return random(evaluator, tune::Distribution::uniform, -bound, bound, expr.range);
}

/// drop(x, p): dropout while training.
static Value drop(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value x = call.value(0), rate = call.value(1);
  if (x.isError() || rate.isError())
    return {};
  if (!rate.number() || *rate.number() < 0 || *rate.number() >= 1) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a rate of at least 0 and below 1", rate.describe());
    return {};
  }
  ModelPass *pass = evaluator.modelPass;
  evaluator.passDependent = true;
  auto *tensor = x.as<Tensor>();
  if (*rate.number() == 0 || !pass || !pass->training || !tensor || !tensor->value)
    return x;
  mlir::OpBuilder &builder = *evaluator.builder;
  Tensor result = evaluator.toReal(*tensor);
  result.value = tune::DropOp::create(builder, evaluator.loc(), result.value, pass->key, pass->row,
                                      builder.getF64FloatAttr(*rate.number()),
                                      builder.getI64IntegerAttr(evaluator.shared.nextSite()));
  return result;
}

llvm::ArrayRef<Builtin> ftc::elaborate::chanceBuiltins() {
  static const Builtin table[] = {
      {"normal", normal}, {"uniform", uniform}, {"kaiming_uniform", kaimingUniform}, {"drop", drop}};
  return table;
}
