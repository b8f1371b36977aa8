//===- Structure.cpp - tensors that are written, not computed ---*- C++ -*-===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace ftc;
using namespace ftc::elaborate;

/// The dimension named by the argument `place`, or null after an error.
static Dim dimArgument(Evaluator &evaluator, const ast::CallExpr &expr, size_t place, Scope &scope) {
  if (place >= expr.arguments.size()) {
    evaluator.diags().report(Diag::MissingParameter, expr.range, "this function", "dimension");
    return nullptr;
  }
  std::optional<Dims> dims = evaluator.dimsOf(*expr.arguments[place].value, scope);
  return dims ? dims->front() : nullptr;
}

static Value iota(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  Dim dim = dimArgument(evaluator, expr, 0, scope);
  if (!dim || !evaluator.tensorBuilder(expr.range))
    return {};
  auto type = mlir::RankedTensorType::get({dim->size}, evaluator.builder->getI32Type());
  if (dim->size == 0)
    return Tensor{{}, {dim}};
  return Tensor{tune::IotaOp::create(*evaluator.builder, evaluator.loc(), type, 0), {dim}};
}

static Value eye(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  Dim row = dimArgument(evaluator, expr, 0, scope), column = row ? dimArgument(evaluator, expr, 1, scope) : nullptr;
  if (!column || !evaluator.tensorBuilder(expr.range))
    return {};
  if (row->size != column->size || row == column) {
    evaluator.diags().report(Diag::SizeMismatch, expr.range, column->name, column->size, row->size);
    return {};
  }
  auto type = mlir::RankedTensorType::get({row->size, column->size}, evaluator.realType());
  Tensor result{tune::EyeOp::create(*evaluator.builder, evaluator.loc(), type), {row, column}};
  result.identity = true;
  return result;
}

static Value stopGradient(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value value = call.value(0);
  auto *tensor = value.as<Tensor>();
  if (!tensor || !tensor->value || !evaluator.tensorBuilder(expr.range))
    return value;
  Tensor result = *tensor;
  result.value = tune::StopGradientOp::create(*evaluator.builder, evaluator.loc(), tensor->value);
  return result;
}

/// diagonal(C, in): the entries of `[in, in']` at which both agree, `[in]`.
static Value diagonal(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  std::optional<Tensor> x = call.tensor(0);
  std::optional<Dims> named = x ? evaluator.dimsOf(*expr.arguments[1].value, scope, x->dims) : std::nullopt;
  if (!named || !evaluator.tensorBuilder(expr.range))
    return {};
  Dim row = named->front(), column = evaluator.shared.dimensions().primed(row);
  for (Dim dim : {row, column})
    if (indexOf(x->dims, dim) < 0) {
      evaluator.diags().report(Diag::NoSuchDimension, expr.range, "a tensor " + printDims(x->dims, scope),
                               scope.nameOf(dim));
      return {};
    }
  auto type = mlir::RankedTensorType::get({row->size, column->size}, evaluator.realType());
  Tensor agree{tune::EyeOp::create(*evaluator.builder, evaluator.loc(), type), {row, column}};
  Value both = evaluator.binaryTensor(ast::BinaryOp::Gt, agree, 0, expr.range);
  return evaluator.reduce("sum", evaluator.select(both, *x, 0.0, expr.range), Dims{column}, expr.range);
}

/// mask(x, condition): x where the condition holds, else -inf.
static Value mask(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value x = call.value(0), condition = call.value(1);
  return evaluator.select(condition, x, -std::numeric_limits<double>::infinity(), expr.range);
}

llvm::ArrayRef<Builtin> ftc::elaborate::structureBuiltins() {
  static const Builtin table[] = {
      {"iota", iota}, {"eye", eye}, {"diagonal", diagonal}, {"stop_gradient", stopGradient}, {"mask", mask}};
  return table;
}
