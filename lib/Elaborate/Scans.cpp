//===- Scans.cpp - what goes along a dimension step by step ------*- C++ -*-===//
//
// A linear recurrence is an associative scan (Blelloch 1990): here by doubling, in
// log2(n) rounds of whole tensors, so that its derivative is that of the rounds.
//
//===----------------------------------------------------------------------===//

#include "BuiltinCall.h"

#include "dialects/Tune/Utils/Builders.h"

using namespace ftc;
using namespace ftc::elaborate;
using ast::BinaryOp;

/// x with entry i moved to i + k along a dimension that it has, `filler` where none comes from.
static Tensor moved(Evaluator &evaluator, const Tensor &x, Dim dim, int64_t k, double filler) {
  Tensor result = evaluator.toReal(x);
  result.identity = false;
  int64_t empty = std::min(std::abs(k), dim->size);
  if (!result.value || empty == 0)
    return result;
  mlir::OpBuilder &builder = *evaluator.builder;
  int place = indexOf(result.dims, dim);
  auto sizes = sizesOf(result.dims);
  sizes[place] = empty;
  mlir::Value fill =
      tune::splat(builder, evaluator.loc(), mlir::RankedTensorType::get(sizes, evaluator.realType()), filler);
  if (empty == dim->size) {
    result.value = fill;
    return result;
  }
  mlir::Value rest = tune::slice(builder, evaluator.loc(), result.value, place, k > 0 ? 0 : empty, dim->size - empty);
  llvm::SmallVector<mlir::Value, 2> pieces = {fill, rest};
  if (k < 0)
    std::swap(pieces[0], pieces[1]);
  result.value = tune::concat(builder, evaluator.loc(), pieces, place);
  return result;
}

/// shift(x, k, along: d): entry i moves to i + k, 0 where none comes from.
static Value shift(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value value = call.value(0), by = value.isError() ? Value() : call.value(1);
  std::optional<int64_t> k = by.integer();
  if (value.isError() || by.isError())
    return {};
  if (value.number() == 0.0)
    return call.always(0.0);
  if (!k) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "an integer known when compiling", by.describe());
    return {};
  }
  std::optional<Tensor> x = evaluator.asTensor(value, expr.range);
  Dim dim = x ? call.along(*x) : nullptr;
  if (!dim || !evaluator.tensorBuilder(expr.range))
    return {};
  return moved(evaluator, *x, dim, *k, 0);
}

/// h with h_i = a_i h_(i-1) + b_i along a dimension of b, h before the first entry being 0.
static Value recur(Evaluator &evaluator, Value a, Tensor b, Dim dim, llvm::SMRange range) {
  auto compute = [&](BinaryOp op, const Value &x, const Value &y) { return evaluator.arithmetic(op, x, y, range); };
  Value h = b;
  // After the round of k, h_i is the sum of what the last 2k entries give, and a_i the product of their factors.
  for (int64_t k = 1; k < dim->size; k *= 2) {
    auto *sum = h.as<Tensor>();
    if (!sum || !sum->value)
      return h;
    h = compute(BinaryOp::Add, h, compute(BinaryOp::Mul, a, moved(evaluator, *sum, dim, k, 0)));
    auto *factor = a.as<Tensor>();
    a = compute(BinaryOp::Mul, a,
                factor && indexOf(factor->dims, dim) >= 0 ? Value(moved(evaluator, *factor, dim, k, 1)) : a);
  }
  return h;
}

/// The dimension `over:` of a tensor; null after an error.
static Dim overOne(Evaluator &evaluator, BuiltinCall &call, const Tensor &x, const ast::CallExpr &expr) {
  std::optional<Dims> over = call.over(x.dims);
  if (call.sound() && over && over->size() == 1)
    return over->front();
  if (call.sound())
    evaluator.diags().report(Diag::MissingParameter, expr.range, "a function along one dimension", "over");
  return nullptr;
}

/// recurrence(a, b, over: d): h_i = a_i h_(i-1) + b_i, from 0.
static Value recurrence(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 2);
  Value a = call.value(0), value = a.isError() ? Value() : call.value(1);
  if (value.isError())
    return {};
  if (value.number() == 0.0)
    return call.always(0.0);
  std::optional<Tensor> b = evaluator.asTensor(value, expr.range);
  Dim dim = b ? overOne(evaluator, call, *b, expr) : nullptr;
  if (!dim || !evaluator.tensorBuilder(expr.range))
    return {};
  if (!a.number() && !a.is<Tensor>()) {
    evaluator.diags().report(Diag::ExpectedValue, expr.range, "a number or a tensor", a.describe());
    return {};
  }
  if (auto *factor = a.as<Tensor>();
      factor && evaluator.refuseNonlinear(*factor, "a factor of `recurrence`", expr.range))
    return {};
  return recur(evaluator, a, evaluator.toReal(*b), dim, expr.range);
}

/// cumsum(x, over: d): the sum of the entries up to each.
static Value cumulativeSum(Evaluator &evaluator, const ast::CallExpr &expr, Scope &scope) {
  BuiltinCall call(evaluator, expr, scope, 1);
  Value value = call.value(0);
  if (value.isError())
    return {};
  if (value.number() == 0.0)
    return call.always(0.0);
  std::optional<Tensor> x = evaluator.asTensor(value, expr.range);
  Dim dim = x ? overOne(evaluator, call, *x, expr) : nullptr;
  return dim && evaluator.tensorBuilder(expr.range) ? recur(evaluator, 1.0, evaluator.toReal(*x), dim, expr.range)
                                                    : Value();
}

llvm::ArrayRef<Builtin> ftc::elaborate::scanBuiltins() {
  static const Builtin table[] = {{"shift", shift}, {"recurrence", recurrence}, {"cumsum", cumulativeSum}};
  return table;
}
